import { Alert, Button, FileButton, Group, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import { send } from "~/api/client";
import type { SamlDescribed } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { date } from "~/lib/format";
import { t } from "~/text/text";
import { problemText } from "~/ui/problem";
import { Page, Section } from "../frame/Page";
import { AddForm, crumbs, useAdding } from "./AddForm";
import { samlFields } from "./samlFields";

/** One form adds a SAML application; it fills itself from the application's metadata. */
export function NewSaml() {
	const fields = useMemo(samlFields, []);
	const adding = useAdding("/gatehouse/saml/applications/", fields);
	const { state } = adding;
	const fill = (found: SamlDescribed) => {
		for (const name of ["acs_url", "audience", "sp_binding", "slo_url", "slo_binding"] as const) state.set(name, found[name]);
		state.set("certificate", found.signs_requests ? found.certificate : "");
	};
	return (
		<Page title={t("newSaml.title")} text={t("newSaml.text")} crumbs={crumbs()}>
			<Metadata onFound={fill} />
			<Section title={t("newSaml.form")} text={t("newSaml.formText")}>
				<AddForm {...adding} />
			</Section>
		</Page>
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
