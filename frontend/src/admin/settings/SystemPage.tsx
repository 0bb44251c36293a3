import { Button } from "@mantine/core";
import { useMemo } from "react";
import { send } from "~/api/client";
import { useChange, useGet } from "~/api/query";
import type { Settings } from "~/api/schema.gen";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { same, toChange, toForm } from "~/forms/wire";
import { resolve } from "~/schema/description";
import { chosenFields, type Field, fieldsOf } from "~/schema/fields";
import { useDescription } from "~/schema/use";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Problem } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";
import { Section } from "../frame/Page";
import { SettingsPage } from "./SettingsPage";

const PATH = "/admin/settings/";

/** What holds for everybody: names, pictures, tokens, how long events are kept. */
export function SystemPage() {
	const settings = useGet<Settings>(PATH);
	const { data: description, error, refetch } = useDescription();
	const fields = useMemo(() => {
		const sent = description?.paths[PATH]?.put?.requestBody?.content?.["application/json"]?.schema;
		if (!description || !sent) return undefined;
		const all = fieldsOf(description, { name: "settings", request: resolve(description, sent) });
		return [...chosenFields(all, order), ...all.filter((field) => !order.includes(field.name))];
	}, [description]);
	const problem = settings.error ?? error;
	if (problem && !(settings.data && fields)) {
		const again = () => {
			settings.refetch();
			refetch();
		};
		return (
			<SettingsPage tab="system">
				<Problem error={problem} again={again} />
			</SettingsPage>
		);
	}
	if (!settings.data || !fields) {
		return (
			<SettingsPage tab="system">
				<FormSkeleton />
			</SettingsPage>
		);
	}
	return <Loaded settings={settings.data} fields={fields} />;
}

/** A switch without a default is off, a list without one is empty. */
const hasDefault = (field: Field): boolean => field.default !== undefined || field.widget === "switch" || field.widget === "links";

const order = [
	"default_user_change_name",
	"default_user_change_email",
	"default_user_change_username",
	"avatars",
	"impersonation",
	"event_retention",
	"gdpr_compliance",
	"default_token_duration",
	"default_token_length",
	"footer_links",
];

function Loaded({ settings, fields }: { settings: Settings; fields: Field[] }) {
	const start = useMemo(() => toForm(fields, settings), [fields, settings]);
	const usual = useMemo(() => toForm(fields), [fields]);
	const state = useFormState(start);
	const save = useChange(
		(body: Record<string, unknown>) => send<Settings>("PATCH", PATH, body),
		(saved) => {
			told(t("forms.saved"));
			state.reset(toForm(fields, saved));
		},
	);
	const different = fields.filter((field) => hasDefault(field) && !same(start[field.name], usual[field.name]));
	const askReset = () =>
		confirm({
			title: t("settings.system.resetTitle"),
			body: (
				<>
					<p>{t("settings.system.resetText")}</p>
					<ul>
						{different.map((field) => (
							<li key={field.name}>{field.label}</li>
						))}
					</ul>
				</>
			),
			yes: t("settings.system.reset"),
			act: () => save.mutateAsync(toChange(different, usual, start)).catch(complain),
		});
	return (
		<SettingsPage
			tab="system"
			actions={
				<Button variant="default" disabled={different.length === 0} onClick={askReset}>
					{t("settings.system.reset")}
				</Button>
			}
		>
			<Section title={t("settings.system.title")}>
				<Form
					fields={fields.map((field) => ({ ...field, advanced: false }))}
					state={state}
					existing
					saving={save.isPending}
					onSave={() => save.mutate(toChange(fields, state.values, state.initial), { onError: state.refuseWith })}
				/>
			</Section>
		</SettingsPage>
	);
}
