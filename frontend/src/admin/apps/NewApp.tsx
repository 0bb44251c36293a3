import { Skeleton } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import type { CatalogTemplate } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { To } from "../frame/To";
import { AddForm, AddPage, crumbs, useAdding } from "./AddForm";
import { OWN, SAML } from "./catalog";
import { NewSaml } from "./NewSaml";
import { foldedFields, mainFields } from "./newFields";

/** One form adds an application: one of the catalogue by its address, any other that signs in with OpenID Connect by its redirect URIs. */
export function NewApp() {
	const { template: slug } = useParams({ strict: false }) as { template: string };
	const { data, error, refetch } = useGet<{ results: CatalogTemplate[] }>("/gatehouse/catalog/", {
		enabled: slug !== OWN && slug !== SAML,
	});
	if (slug === SAML) return <NewSaml />;
	if (slug === OWN) return <AppForm />;
	const template = data?.results.find((one) => one.slug === slug);
	if (template?.protocol === "saml") return <NewSaml key={slug} template={template} />;
	if (template) return <AppForm key={slug} template={template} />;
	return (
		<Page title={data || error ? t("apps.add") : "…"} crumbs={crumbs()}>
			{error ? (
				<Problem error={error} again={refetch} />
			) : data ? (
				<Empty title={t("catalog.unknown")} text={t("catalog.unknownText")}>
					<To to={at.newApp}>{t("catalog.toAll")}</To>
				</Empty>
			) : (
				<Skeleton height={320} />
			)}
		</Page>
	);
}

function AppForm({ template }: { template?: CatalogTemplate }) {
	const fields = useMemo(() => [...mainFields(template), ...foldedFields(template)], [template]);
	const adding = useAdding("/gatehouse/applications/", fields, template && { template: template.slug });
	return (
		<AddPage template={template} title={t("catalog.own")} text={t("newApp.text")}>
			<Section title={t("newApp.title")} text={template ? t("catalog.formText", { name: template.name }) : t("newApp.titleText")}>
				<AddForm {...adding} />
			</Section>
		</AddPage>
	);
}
