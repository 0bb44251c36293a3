import { Radio, Skeleton, Stack } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { send } from "~/api/client";
import type { ApplicationSetup, CatalogTemplate, NewApplication } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { FieldInput, inputId } from "~/forms/FieldInput";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { type FieldErrors, toCreate, toForm } from "~/forms/wire";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go, To } from "../frame/To";
import { OWN } from "./catalog";
import { foldedFields, groupsField, mainFields, usersField } from "./newFields";
import { TemplateMark } from "./TemplateMark";
import { Tried } from "./Tried";

const crumbs = () => [
	{ label: t("apps.title"), to: at.apps },
	{ label: t("apps.add"), to: at.newApp },
];

/** One form adds an application that signs in with OpenID Connect: one of the catalogue by its address, any other by its redirect URIs. */
export function NewApp() {
	const { template: slug } = useParams({ strict: false }) as { template: string };
	const { data, error, refetch } = useGet<{ results: CatalogTemplate[] }>("/gatehouse/catalog/", { enabled: slug !== OWN });
	if (slug === OWN) return <AppForm />;
	const template = data?.results.find((one) => one.slug === slug);
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
	const pickers = useMemo(() => [groupsField(), usersField()], []);
	const start = useMemo(() => ({ ...toForm([...fields, ...pickers]), access: "" }), [fields, pickers]);
	const state = useFormState(start);
	const chosen = state.values.access === "chosen";
	const add = useChange(
		() => {
			const body = {
				...toCreate(fields, state.values),
				...(template ? { template: template.slug } : {}),
				access: state.values.access,
				groups: chosen ? state.values.groups : [],
				users: chosen ? state.values.users : [],
			};
			return send<ApplicationSetup>("POST", "/gatehouse/applications/", body as NewApplication);
		},
		(made) => {
			told(t("newApp.done", { name: made.application.name }));
			go(at.app(made.application.slug));
		},
	);
	const title = template ? t("catalog.addOne", { name: template.name }) : t("catalog.own");
	return (
		<Page
			title={title}
			text={template?.about ?? t("newApp.text")}
			crumbs={crumbs()}
			icon={template && <TemplateMark mark={template.mark} size={48} />}
			chips={template && <Tried tried={template.tried} />}
		>
			<Section title={t("newApp.title")} text={template ? t("catalog.formText", { name: template.name }) : t("newApp.titleText")}>
				<Form
					fields={fields}
					state={state}
					existing={false}
					saving={add.isPending}
					onSave={() => add.mutate(undefined, { onError: state.refuseWith })}
					onCancel={() => go(at.newApp)}
					saveLabel={t("apps.add")}
					labels={{ access: t("newApp.access") }}
					extraCheck={(): FieldErrors => (state.values.access ? {} : { access: [t("newApp.accessMissing")] })}
				>
					<Radio.Group
						label={t("newApp.access")}
						description={t("newApp.accessHelp")}
						required
						error={state.errors.access?.join(" ")}
						value={String(state.values.access)}
						onChange={(value) => state.set("access", value)}
					>
						<Stack gap="xs" mt="xs">
							<Radio id={inputId("access")} value="chosen" label={t("newApp.chosen")} />
							<Radio value="everyone" label={t("newApp.everyone")} />
						</Stack>
					</Radio.Group>
					{chosen &&
						pickers.map((field) => (
							<FieldInput
								key={field.name}
								field={field}
								value={state.values[field.name]}
								error={state.errors[field.name]}
								onChange={(value) => state.set(field.name, value)}
								existing={false}
							/>
						))}
				</Form>
			</Section>
		</Page>
	);
}
