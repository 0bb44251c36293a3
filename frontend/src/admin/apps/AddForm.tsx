import { useMemo } from "react";
import { send } from "~/api/client";
import type { ApplicationSetup } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { go } from "../frame/To";
import { AccessChoice, accessFields, accessMissing, accessOf } from "./AccessChoice";

/** The way to a form that adds an application. */
export const crumbs = () => [
	{ label: t("apps.title"), to: at.apps },
	{ label: t("apps.add"), to: at.newApp },
];

/** What a form that adds an application holds and sends; more goes along beside its fields. */
export function useAdding(path: string, fields: Field[], more: object = {}) {
	const start = useMemo(() => ({ ...toForm([...fields, ...accessFields()]), access: "" }), [fields]);
	const state = useFormState(start);
	const add = useChange(
		() => send<ApplicationSetup>("POST", path, { ...toCreate(fields, state.values), ...more, ...accessOf(state.values) }),
		(made) => {
			told(t("newApp.done", { name: made.application.name }));
			go(at.app(made.application.slug));
		},
	);
	return { fields, state, add };
}

/** A form that adds an application, with the question who may use it. */
export function AddForm({ fields, state, add }: ReturnType<typeof useAdding>) {
	return (
		<Form
			fields={fields}
			state={state}
			existing={false}
			saving={add.isPending}
			onSave={() => add.mutate(undefined, { onError: state.refuseWith })}
			onCancel={() => go(at.newApp)}
			saveLabel={t("apps.add")}
			labels={{ access: t("newApp.access") }}
			extraCheck={() => accessMissing(state.values)}
		>
			<AccessChoice state={state} />
		</Form>
	);
}
