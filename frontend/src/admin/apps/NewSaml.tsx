import { Alert, Button, FileButton, Group, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { send } from "~/api/client";
import type { CatalogTemplate, SamlDescribed } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { date } from "~/lib/format";
import { t } from "~/text/text";
import { problemText } from "~/ui/problem";
import { Section } from "../frame/Page";
import { AddForm, AddPage, useAdding } from "./AddForm";
import { samlFields, samlMoved } from "./samlFields";

/**
 * One form adds a SAML application. It fills itself: from the address of one of the catalogue, from the metadata of any other.
 */
export function NewSaml({ template }: { template?: CatalogTemplate }) {
	const fields = useMemo(() => samlFields(template), [template]);
	const adding = useAdding("/gatehouse/saml/applications/", fields, template && { template: template.slug });
	const { state } = adding;
	const fill = (found: SamlDescribed) => {
		for (const name of ["acs_url", "audience", "sp_binding", "slo_url", "slo_binding"] as const) state.set(name, found[name]);
		state.set("certificate", found.signs_requests ? found.certificate : "");
	};
	const set = (name: string, value: unknown) => {
		if (template && name === "url") {
			for (const [other, its] of Object.entries(samlMoved(template, state.values, String(value)))) state.set(other, its);
		}
		state.set(name, value);
	};
	return (
		<AddPage template={template} title={t("newSaml.title")} text={t("newSaml.text")}>
			{!template && <Metadata onFound={fill} />}
			<Section title={t("newSaml.form")} text={template ? t("catalog.formTextSaml", { name: template.name }) : t("newSaml.formText")}>
				<AddForm {...adding} state={{ ...state, set }} />
			</Section>
		</AddPage>
	);
}

/** The application's own description, from a file or an address. */
function Metadata({ onFound }: { onFound: (found: SamlDescribed) => void }) {
	const [url, setUrl] = useState("");
	const read = useChange(
		(from: { metadata: string } | { url: string }) => send<SamlDescribed>("POST", "/gatehouse/saml/metadata/", from),
		onFound,
	);
	const found = read.data;
	return (
		<Section title={t("newSaml.metadata")} text={t("newSaml.metadataText")}>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					if (url.trim()) read.mutate({ url: url.trim() });
				}}
			>
				<Group align="flex-end" gap="sm">
					<TextInput
						label={t("newSaml.url")}
						description={t("newSaml.urlHelp")}
						inputMode="url"
						value={url}
						onChange={(event) => setUrl(event.currentTarget.value)}
						style={{ flex: "1 1 320px", maxWidth: 560 }}
					/>
					<Button type="submit" variant="default" loading={read.isPending} disabled={!url.trim()}>
						{t("newSaml.read")}
					</Button>
					<FileButton
						accept=".xml,application/xml,text/xml,application/samlmetadata+xml"
						onChange={async (file) => file && read.mutate({ metadata: await file.text() })}
					>
						{(props) => (
							<Button {...props} variant="default" disabled={read.isPending}>
								{t("newSaml.file")}
							</Button>
						)}
					</FileButton>
				</Group>
			</form>
			<div role="status">
				{read.error && (
					<Alert mt="md" color="red" variant="light">
						{problemText(read.error)}
					</Alert>
				)}
				{found && !read.error && (
					<Alert mt="md" variant="default">
						{t("newSaml.found")}{" "}
						{found.certificate_expires &&
							t("newSaml.foundCert", { subject: found.certificate_subject, date: date(found.certificate_expires) })}
					</Alert>
				)}
			</div>
		</Section>
	);
}
