import { useMemo } from "react";
import { send } from "~/api/client";
import type { ScimApplicationMade } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { crumbs } from "./AddForm";
import "../advanced/scim/words";

function field(
	name: "name" | "url" | "token" | "filter_group" | "application" | "when_leaving" | "exclude_users_service_account",
	more: Partial<Field>,
): Field {
	return {
		name,
		label: t(`newScim.${name}`),
		help: t(`newScim.${name}Help`),
		widget: "text",
		nullable: false,
		advanced: false,
		options: [],
		required: false,
		...more,
	};
}

const leaving = ["deactivate", "delete", "keep"] as const;

const fields = (): Field[] => [
	field("name", { required: true }),
	field("url", { required: true }),
	field("token", { widget: "secret", required: true }),
	field("filter_group", { widget: "reference", nullable: true, reference: { path: "/core/groups/", key: "pk" } }),
	field("when_leaving", {
		widget: "choice",
		required: true,
		default: "deactivate",
		options: leaving.map((value) => ({ value, label: t(`scimOut.choices.${value}`) })),
	}),
	field("application", { widget: "reference", advanced: true, reference: { path: "/core/applications/", key: "slug" } }),
	field("exclude_users_service_account", { widget: "switch", advanced: true, default: true }),
];

/** One form has an application take people by SCIM. */
export function NewScim() {
	const all = useMemo(fields, []);
	const state = useFormState(useMemo(() => toForm(all), [all]));
	const add = useChange(
		() => {
			const body = toCreate(all, state.values);
			return send<ScimApplicationMade>("POST", "/gatehouse/providers/scim/", { ...body, application: body.application ?? "" });
		},
		(made) => {
			told(t("newScim.done"));
			go(at.object("providers", String(made.provider)));
		},
	);
	return (
		<Page title={t("newScim.title")} text={t("newScim.text")} crumbs={crumbs()}>
			<Section title={t("newScim.form")} text={t("newScim.formText")}>
				<Form
					fields={all}
					state={state}
					existing={false}
					saving={add.isPending}
					onSave={() => add.mutate(undefined, { onError: state.refuseWith })}
					onCancel={() => go(at.newApp)}
					saveLabel={t("newScim.add")}
				/>
			</Section>
		</Page>
	);
}
