import { Button, FileInput, Loader, Menu } from "@mantine/core";
import { IconChevronDown, IconDownload, IconFileTypeCsv, IconUpload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fetchFile, send } from "~/api/client";
import type { SheetLine, SheetOutcome } from "~/api/gatehouse";
import { saveFile } from "~/lib/desktop";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Dialog } from "~/ui/Dialog";
import { complain, told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import classes from "./Csv.module.css";
import { detailOf, inOrder, toneOf } from "./csvLines";

type What = "users" | "groups";

/** Exports and imports of a list as a CSV file. */
export function CsvMenu({ what }: { what: What }) {
	const [importing, setImporting] = useState(false);
	const save = async () => {
		try {
			const { name, content } = await fetchFile("GET", `/gatehouse/csv/${what}/`);
			await saveFile(name, content);
			told(t("csv.exported", { name }));
		} catch (problem) {
			complain(problem);
		}
	};
	return (
		<>
			<Menu position="bottom-end">
				<Menu.Target>
					<Button variant="default" leftSection={<IconFileTypeCsv size={16} />} rightSection={<IconChevronDown size={14} />}>
						{t("csv.menu")}
					</Button>
				</Menu.Target>
				<Menu.Dropdown>
					<Menu.Item leftSection={<IconDownload size={16} />} onClick={save}>
						{t("csv.export")}
					</Menu.Item>
					<Menu.Item leftSection={<IconUpload size={16} />} onClick={() => setImporting(true)}>
						{t("csv.import")}
					</Menu.Item>
				</Menu.Dropdown>
			</Menu>
			{importing && <Import what={what} onClose={() => setImporting(false)} />}
		</>
	);
}

const body = (file: File) => {
	const form = new FormData();
	form.append("file", file);
	return form;
};

function Import({ what, onClose }: { what: What; onClose: () => void }) {
	const client = useQueryClient();
	const [file, setFile] = useState<File | null>(null);
	const [preview, setPreview] = useState<SheetOutcome>();
	const [problem, setProblem] = useState<string>();
	const [busy, setBusy] = useState(false);

	async function work(act: () => Promise<void>) {
		setBusy(true);
		setProblem(undefined);
		try {
			await act();
		} catch (error) {
			setProblem(problemText(error));
		} finally {
			setBusy(false);
		}
	}
	function choose(next: File | null) {
		setFile(next);
		setPreview(undefined);
		setProblem(undefined);
		if (next) work(async () => setPreview(await send<SheetOutcome>("POST", `/gatehouse/csv/${what}/preview/`, body(next))));
	}
	const store = (chosen: File) =>
		work(async () => {
			const outcome = await send<SheetOutcome>("POST", `/gatehouse/csv/${what}/`, body(chosen));
			told(t("csv.done", { count: outcome.create + outcome.update }));
			onClose();
			await client.invalidateQueries({ queryKey: ["api"] });
		});

	const ready = file && preview && preview.failed === 0 && preview.create + preview.update > 0;
	return (
		<Dialog
			wide
			title={t(`csv.title.${what}`)}
			onClose={() => !busy && onClose()}
			buttons={
				<>
					<Button variant="default" onClick={onClose} disabled={busy}>
						{t("common.no")}
					</Button>
					<Button onClick={() => file && store(file)} disabled={!ready} loading={busy && !!preview}>
						{t("csv.yes")}
					</Button>
				</>
			}
		>
			<p>{t(`csv.text.${what}`)}</p>
			<FileInput
				label={t("csv.file")}
				description={t("csv.fileHelp")}
				placeholder={t("csv.choose")}
				accept=".csv,.txt,text/csv,text/plain,text/tab-separated-values"
				value={file}
				onChange={choose}
				error={problem}
				leftSection={<IconFileTypeCsv size={16} />}
				clearable
				clearButtonProps={{ "aria-label": t("forms.clearOf", { what: t("csv.file") }) }}
			/>
			<div role="status" className={classes.state}>
				{busy && !preview && (
					<>
						<Loader size="xs" /> {t("csv.checking")}
					</>
				)}
				{preview && (
					<>
						<strong>
							{t("csv.summary", { create: preview.create, update: preview.update, unchanged: preview.unchanged, failed: preview.failed })}
						</strong>
						<span className="gh-soft">
							{preview.failed > 0 ? t("csv.refused") : preview.create + preview.update > 0 ? t("csv.nothingYet") : t("csv.nothing")}
						</span>
					</>
				)}
			</div>
			{preview && <Lines lines={inOrder(preview.lines)} />}
		</Dialog>
	);
}

const MOST = 200;

function Lines({ lines }: { lines: SheetLine[] }) {
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
		<section className={classes.lines} tabIndex={0} aria-label={t("csv.preview")}>
			<table className={classes.table}>
				<thead>
					<tr>
						{(["line", "action", "name", "detail"] as const).map((column) => (
							<th key={column} scope="col">
								{t(`csv.column.${column}`)}
							</th>
						))}
					</tr>
				</thead>
				<tbody>
					{lines.slice(0, MOST).map((line) => (
						<tr key={line.line}>
							<td className={classes.number}>{line.line}</td>
							<td>
								<Chip tone={toneOf(line)}>{t(`csv.action.${line.action}`)}</Chip>
							</td>
							<th scope="row">{line.name}</th>
							<td>
								{detailOf(line).map((text) => (
									<div key={text}>{text}</div>
								))}
							</td>
						</tr>
					))}
				</tbody>
			</table>
			{lines.length > MOST && <p className="gh-soft">{t("csv.more", { count: lines.length - MOST })}</p>}
		</section>
	);
}
