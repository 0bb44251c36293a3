import { Button, FileInput, TextInput } from "@mantine/core";
import { IconFileImport } from "@tabler/icons-react";
import { useState } from "react";
import { ApiError, send } from "~/api/client";
import type { SamlSourceImported } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { useKinds } from "~/schema/use";
import { t } from "~/text/text";
import { Dialog } from "~/ui/Dialog";
import { complain, told } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { go } from "../../frame/To";
import classes from "./Source.module.css";
import { slugOf } from "./slug";

/** Makes a SAML source of an identity provider's metadata. */
export function ImportSaml() {
	const { kinds } = useKinds();
	const [open, setOpen] = useState(false);
	if (!kinds?.get("samlsource")?.canCreate) return null;
	return (
		<>
			<Button variant="default" aria-haspopup="dialog" leftSection={<IconFileImport size={16} />} onClick={() => setOpen(true)}>
				{t("sourcePage.import.button")}
			</Button>
			{open && <Import onClose={() => setOpen(false)} />}
		</>
	);
}

function Import({ onClose }: { onClose: () => void }) {
	const [name, setName] = useState("");
	const [url, setURL] = useState("");
	const [file, setFile] = useState<File | null>(null);
	const make = useChange(
		async () =>
			send<SamlSourceImported>("POST", "/gatehouse/sources/saml/import/", {
				name,
				slug: slugOf(name),
				url,
				metadata: file ? await file.text() : "",
			}),
		(made) => {
			told(t("sourcePage.import.done", { name: made.name }));
			go(at.object("sources", made.slug));
		},
	);
	const wrong = make.error instanceof ApiError ? make.error.fields : {};
	const id = "import-saml";
	return (
		<Dialog
			wide
			title={t("sourcePage.import.title")}
			onClose={() => !make.isPending && onClose()}
			buttons={
				<>
					<Button variant="default" onClick={onClose} disabled={make.isPending}>
						{t("common.no")}
					</Button>
					<Button type="submit" form={id} disabled={!name.trim() || !slugOf(name) || (!file && !url.trim())} loading={make.isPending}>
						{t("sourcePage.import.yes")}
					</Button>
				</>
			}
		>
			<p>{t("sourcePage.import.text")}</p>
			<form
				id={id}
				className={classes.form}
				onSubmit={(event) => {
					event.preventDefault();
					make.mutate(undefined, {
						onError: (problem) => Object.keys(problem instanceof ApiError ? problem.fields : {}).length === 0 && complain(problem),
					});
				}}
			>
				<TextInput
					label={t("sourcePage.import.name")}
					description={t("sourcePage.import.nameHelp")}
					value={name}
					error={wrong.name?.[0] ?? wrong.slug?.[0]}
					onChange={(event) => setName(event.currentTarget.value)}
					required
				/>
				<FileInput
					label={t("sourcePage.import.file")}
					placeholder={t("sourcePage.import.choose")}
					accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
					value={file}
					error={wrong.metadata?.[0]}
					disabled={url !== ""}
					onChange={setFile}
					leftSection={<IconFileImport size={16} />}
					clearable
					clearButtonProps={{ "aria-label": t("forms.clearOf", { what: t("sourcePage.import.file") }) }}
				/>
				<p className={classes.or}>{t("sourcePage.import.or")}</p>
				<TextInput
					label={t("sourcePage.import.url")}
					placeholder="https://"
					value={url}
					error={wrong.url?.[0]}
					disabled={!!file}
					onChange={(event) => setURL(event.currentTarget.value)}
				/>
			</form>
		</Dialog>
	);
}
