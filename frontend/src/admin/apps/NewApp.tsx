import { Radio, Stack } from "@mantine/core";
import { useMemo } from "react";
import { send } from "~/api/client";
import type { ApplicationSetup, NewApplication } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { FieldInput, inputId } from "~/forms/FieldInput";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { type FieldErrors, toCreate, toForm } from "~/forms/wire";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { foldedFields, groupsField, mainFields, usersField } from "./newFields";

/** One form adds an application that signs in with OpenID Connect. */
export function NewApp() {
	const fields = useMemo(() => [...mainFields(), ...foldedFields()], []);
	const pickers = useMemo(() => [groupsField(), usersField()], []);
	const start = useMemo(() => ({ ...toForm([...fields, ...pickers]), access: "" }), [fields, pickers]);
	const state = useFormState(start);
	const chosen = state.values.access === "chosen";
	const add = useChange(
		() => {
			const body = {
				...toCreate(fields, state.values),
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
	return (
		<Page title={t("apps.add")} text={t("newApp.text")} crumbs={[{ label: t("apps.title"), to: at.apps }]}>
			<Section title={t("newApp.title")} text={t("newApp.titleText")}>
				<Form
					fields={fields}
					state={state}
					existing={false}
					saving={add.isPending}
					onSave={() => add.mutate(undefined, { onError: state.refuseWith })}
					onCancel={() => go(at.apps)}
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
