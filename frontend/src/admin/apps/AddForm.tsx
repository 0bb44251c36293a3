import { type ReactNode, useMemo } from "react";
import { send } from "~/api/client";
import type { ApplicationSetup, CatalogTemplate } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page } from "../frame/Page";
import { go } from "../frame/To";
import { AccessChoice, accessFields, accessMissing, accessOf } from "./AccessChoice";
import { TemplateMark } from "./TemplateMark";
import { Tried } from "./Tried";
import { Way } from "./Way";

/** The way to a form that adds an application. */
export const crumbs = () => [
	{ label: t("apps.title"), to: at.apps },
	{ label: t("apps.add"), to: at.newApp },
];

type PageProps = { template?: CatalogTemplate; title: string; text: string; children: ReactNode };

/** The page of a form that adds an application; one of the catalogue has its own name, mark and words. */
export function AddPage({ template, title, text, children }: PageProps) {
	if (!template) {
		return (
			<Page title={title} text={text} crumbs={crumbs()}>
				{children}
			</Page>
		);
	}
	return (
		<Page
			title={t("catalog.addOne", { name: template.name })}
			text={template.about}
			crumbs={crumbs()}
			icon={<TemplateMark mark={template.mark} size={48} />}
			chips={
				<>
					<Way template={template} />
					<Tried tried={template.tried} />
				</>
			}
		>
			{children}
		</Page>
	);
}

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
