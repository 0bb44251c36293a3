import type { CatalogTemplate } from "~/api/gatehouse";
import { type Field, optionsOf } from "~/schema/fields";
import { t } from "~/text/text";

const plain = { nullable: false, advanced: false, options: [], required: false };

/** A field of the one form that adds an application; its words stand under newApp. */
function field(name: string, widget: Field["widget"], more: Partial<Field> = {}): Field {
	return { ...plain, name, label: t(`newApp.${name}`), help: t(`newApp.${name}Help`), widget, ...more };
}

/** What every application is asked for; one of the catalogue needs its address, and its redirect URI only when it alone knows that. */
export function mainFields(template?: CatalogTemplate): Field[] {
	if (!template) {
		return [field("name", "text", { required: true }), field("redirect_uris", "area", { required: true }), field("launch_url", "text")];
	}
	const fields = placeFields(template);
	if (template.redirects.length === 0) fields.push(field("redirect_uris", "area", { required: true, help: template.redirect_hint }));
	return fields;
}

/** What every application of the catalogue is asked for. */
export const placeFields = (template: CatalogTemplate): Field[] => [
	field("name", "text", { required: true, default: template.name }),
	field("url", "text", { required: true, help: t("newApp.urlHelp", { example: template.address }) }),
];

export const groupsField = (): Field => field("groups", "references", { reference: { path: "/core/groups/", key: "pk" } });
export const usersField = (): Field => field("users", "references", { reference: { path: "/core/users/", key: "pk" } });

/** What is rarely asked for. The catalogue knows the kind of client, and of some applications the signature. */
export function foldedFields(template?: CatalogTemplate): Field[] {
	const known = (what: string) => template?.needs.some((need) => need.what === what);
	const fields = [
		field("client_type", "choice", {
			options: optionsOf("client_type", ["confidential", "public"]),
			default: "confidential",
			required: true,
		}),
		field("signing", "choice", { options: optionsOf("signing", ["rs256", "es256", "hs256"]), default: "rs256", required: true }),
		field("consent", "switch"),
		field("slug", "slug"),
		field("client_id", "text"),
		field("client_secret", "secret"),
		field("icon_url", "text"),
		field("description", "text"),
		field("publisher", "text"),
		field("group", "text"),
	];
	return fields.filter((one) => !known(one.name)).map((one) => ({ ...one, advanced: true }));
}
