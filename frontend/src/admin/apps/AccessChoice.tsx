import { Radio, Stack } from "@mantine/core";
import { FieldInput, inputId } from "~/forms/FieldInput";
import type { FormState } from "~/forms/state";
import type { FieldErrors, Values } from "~/forms/wire";
import { t } from "~/text/text";
import { groupsField, usersField } from "./newFields";

export const accessFields = () => [groupsField(), usersField()];

/** Who may use the application, as the server takes it. */
export function accessOf({ access, groups, users }: Values) {
	const chosen = access === "chosen";
	return { access, groups: chosen ? groups : [], users: chosen ? users : [] };
}

export const accessMissing = (values: Values): FieldErrors => (values.access ? {} : { access: [t("newApp.accessMissing")] });

/** The question who may use a new application. */
export function AccessChoice({ state }: { state: FormState }) {
	return (
		<>
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
			{state.values.access === "chosen" &&
				accessFields().map((field) => (
					<FieldInput
						key={field.name}
						field={field}
						value={state.values[field.name]}
						error={state.errors[field.name]}
						onChange={(value) => state.set(field.name, value)}
						existing={false}
					/>
				))}
		</>
	);
}
