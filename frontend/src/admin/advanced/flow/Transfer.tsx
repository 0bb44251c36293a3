import { Button, FileInput } from "@mantine/core";
import { IconFileExport, IconFileImport } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { fetchFile, send } from "~/api/client";
import type { FlowImportResult } from "~/api/schema.gen";
import { saveFile } from "~/lib/desktop";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { Dialog } from "~/ui/Dialog";
import { complain, told } from "~/ui/notices";
import classes from "./Flow.module.css";
import { type Said, saidIn, saidOf, silent } from "./said";

export function ExportButton({ slug }: { slug: string }) {
	const save = async () => {
		try {
			const { name, content } = await fetchFile("GET", `/flows/instances/${encodeURIComponent(slug)}/export/`);
			await saveFile(name, content);
			told(t("flowPage.exported", { name }));
		} catch (problem) {
			complain(problem);
		}
	};
	return (
		<Button variant="default" leftSection={<IconFileExport size={16} />} onClick={save}>
			{t("flowPage.export")}
		</Button>
	);
}

export function ImportButton() {
	const [open, setOpen] = useState(false);
	return (
		<>
			<Button variant="default" aria-haspopup="dialog" leftSection={<IconFileImport size={16} />} onClick={() => setOpen(true)}>
				{t("flowPage.import.button")}
			</Button>
			{open && <Import onClose={() => setOpen(false)} />}
		</>
	);
}

function Import({ onClose }: { onClose: () => void }) {
	const client = useQueryClient();
	const [file, setFile] = useState<File | null>(null);
	const [busy, setBusy] = useState(false);
	const [said, setSaid] = useState<{ done: boolean; lines: Said[] }>();

	async function apply(chosen: File) {
		setBusy(true);
		const form = new FormData();
		form.append("file", chosen);
		try {
			const answer = await send<FlowImportResult | undefined>("POST", "/flows/instances/import/", form);
			const lines = answer ? saidOf(answer) : [];
			const done = answer?.success ?? true;
			if (done) await client.invalidateQueries({ queryKey: ["api"] });
			if (done && lines.length === 0) {
				told(t("flowPage.import.done"));
				onClose();
				return;
			}
			setSaid({ done, lines: lines.length > 0 ? lines : silent() });
		} catch (problem) {
			setSaid({ done: false, lines: saidIn(problem) });
		}
		setBusy(false);
	}

	return (
		<Dialog
			wide
			title={t("flowPage.import.title")}
			onClose={() => !busy && onClose()}
			buttons={
				<>
					<Button variant="default" onClick={onClose} disabled={busy}>
						{t(said?.done ? "common.close" : "common.no")}
					</Button>
					{!said?.done && (
						<Button onClick={() => file && apply(file)} disabled={!file} loading={busy}>
							{t("flowPage.import.yes")}
						</Button>
					)}
				</>
			}
		>
			<p>{t("flowPage.import.text")}</p>
			<FileInput
				label={t("flowPage.import.file")}
				placeholder={t("flowPage.import.choose")}
				accept=".yaml,.yml,.json,application/yaml,text/yaml"
				value={file}
				onChange={(next) => {
					setFile(next);
					setSaid(undefined);
				}}
				leftSection={<IconFileImport size={16} />}
				clearable
				clearButtonProps={{ "aria-label": t("forms.clearOf", { what: t("flowPage.import.file") }) }}
			/>
			<div role="status">
				{said && (
					<>
						<p>{t(said.done ? "flowPage.import.said" : "flowPage.import.refused")}</p>
						<ul className={classes.logs}>
							{said.lines.map(({ tone, text }) => (
								<li key={text}>
									<ToneIcon tone={tone} size={16} />
									{text}
								</li>
							))}
						</ul>
					</>
				)}
			</div>
		</Dialog>
	);
}
