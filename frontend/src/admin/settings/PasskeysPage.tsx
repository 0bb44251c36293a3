import { Alert, Button, FileInput, Skeleton } from "@mantine/core";
import { IconDownload, IconFingerprint, IconUpload } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import type { PasskeyMetadata } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import type { WebAuthnDeviceType } from "~/api/schema.gen";
import { date, number } from "~/lib/format";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip, ToneIcon } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { Section } from "../frame/Page";
import facts from "../people/Users.module.css";
import classes from "./PasskeysPage.module.css";
import { SettingsPage } from "./SettingsPage";

const PATH = "/gatehouse/webauthn/metadata/";

/** Which makes of passkeys and security keys have a name here, where the names come from, and how to get more. */
export function PasskeysPage() {
	const { data, error, refetch } = useGet<PasskeyMetadata>(PATH);
	return (
		<SettingsPage tab="passkeys">
			{error && !data ? <Problem error={error} again={refetch} /> : data ? <Loaded known={data} /> : <Skeleton height={240} />}
			<h2>{t("settings.passkeys.list")}</h2>
			<ListView<WebAuthnDeviceType>
				path="/stages/authenticator/webauthn_device_types/"
				ordering="description"
				label={t("settings.passkeys.list")}
				searchLabel={t("settings.passkeys.search")}
				keyOf={(make) => make.aaguid}
				nameOf={(make) => make.description}
				iconOf={() => <IconFingerprint size={20} aria-hidden="true" />}
				columns={[
					{ id: "description", title: t("settings.passkeys.make"), sort: "description", cell: (make) => make.description },
					{
						id: "aaguid",
						title: t("settings.passkeys.aaguid"),
						sort: "aaguid",
						from: "tablet",
						cell: (make) => <span className={`gh-mono ${classes.key}`}>{make.aaguid}</span>,
					},
				]}
				empty={<Empty icon={<IconFingerprint size={32} />} title={t("settings.passkeys.none")} text={t("settings.passkeys.noneText")} />}
			/>
		</SettingsPage>
	);
}

function Loaded({ known }: { known: PasskeyMetadata }) {
	const [file, setFile] = useState<File | null>(null);
	const done = (state: PasskeyMetadata) => {
		setFile(null);
		told(t("settings.passkeys.taken", { number: state.number, count: state.entries }));
	};
	const fetchIt = useChange(() => send<PasskeyMetadata>("POST", `${PATH}update/`), done);
	const importIt = useChange((chosen: File) => {
		const form = new FormData();
		form.append("file", chosen);
		return send<PasskeyMetadata>("POST", PATH, form);
	}, done);
	const failed = fetchIt.error ?? importIt.error;
	return (
		<>
			<Section title={t("settings.passkeys.known")} text={t("settings.passkeys.knownText")}>
				<dl className={facts.facts}>
					<dt>{t("settings.passkeys.makes")}</dt>
					<dd>{number(known.own + known.imported)}</dd>
					<dt>{t("settings.passkeys.own")}</dt>
					<dd>{number(known.own)}</dd>
					<dt>{t("settings.passkeys.imported")}</dt>
					<dd>{number(known.imported)}</dd>
					<dt>{t("settings.passkeys.blob")}</dt>
					<dd>
						{known.taken
							? t("settings.passkeys.blobIs", { number: known.number, entries: known.entries, skipped: known.skipped })
							: t("settings.passkeys.noBlob")}
					</dd>
					{known.taken && (
						<>
							<dt>{t("settings.passkeys.when")}</dt>
							<dd>
								<Ago time={known.taken} />
							</dd>
							<dt>{t("settings.passkeys.next")}</dt>
							<dd>
								{date(known.next_update)} {known.stale && <Chip tone="warning">{t("settings.passkeys.stale")}</Chip>}
							</dd>
						</>
					)}
				</dl>
			</Section>
			<Section title={t("settings.passkeys.more")} text={t("settings.passkeys.moreText")}>
				<div className={classes.ways}>
					<div>
						<h3 className={classes.way}>{t("settings.passkeys.fetch")}</h3>
						<p className={classes.text}>{t("settings.passkeys.fetchText", { from: known.source })}</p>
						<Button
							variant="default"
							leftSection={<IconDownload size={16} />}
							loading={fetchIt.isPending}
							disabled={importIt.isPending}
							onClick={() => {
								importIt.reset();
								fetchIt.mutate(undefined);
							}}
						>
							{t("settings.passkeys.fetchNow")}
						</Button>
					</div>
					<form
						onSubmit={(event) => {
							event.preventDefault();
							fetchIt.reset();
							if (file) importIt.mutate(file);
						}}
					>
						<h3 className={classes.way}>{t("settings.passkeys.import")}</h3>
						<FileInput
							label={t("settings.passkeys.file")}
							description={t("settings.passkeys.fileHelp", { from: known.source })}
							placeholder={t("settings.passkeys.choose")}
							value={file}
							onChange={(chosen) => {
								importIt.reset();
								setFile(chosen);
							}}
							clearable
							clearButtonProps={{ "aria-label": t("forms.clearOf", { what: t("settings.passkeys.file") }) }}
						/>
						<Button
							mt="sm"
							type="submit"
							variant="default"
							leftSection={<IconUpload size={16} />}
							loading={importIt.isPending}
							disabled={!file || fetchIt.isPending}
						>
							{t("settings.passkeys.importNow")}
						</Button>
					</form>
				</div>
				<div role="status" aria-live="polite">
					{failed && (
						<Alert
							mt="md"
							variant="default"
							icon={<ToneIcon tone="danger" size={18} />}
							title={t("settings.passkeys.failed")}
							style={{ borderColor: "var(--gh-danger)" }}
						>
							{problemText(failed)}
						</Alert>
					)}
				</div>
			</Section>
		</>
	);
}
