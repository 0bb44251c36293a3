import { type Field, optionsOf } from "~/schema/fields";
import { t } from "~/text/text";

const plain = { nullable: false, advanced: false, options: [], required: false };

/** A field of the one form that adds an application; its words stand under newApp. */
function field(name: string, widget: Field["widget"], more: Partial<Field> = {}): Field {
	return { ...plain, name, label: t(`newApp.${name}`), help: t(`newApp.${name}Help`), widget, ...more };
}

export const mainFields = (): Field[] => [
	field("name", "text", { required: true }),
	field("redirect_uris", "area", { required: true }),
	field("launch_url", "text"),
];

export const groupsField = (): Field => field("groups", "references", { reference: { path: "/core/groups/", key: "pk" } });
export const usersField = (): Field => field("users", "references", { reference: { path: "/core/users/", key: "pk" } });

export const foldedFields = (): Field[] =>
	[
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
	].map((one) => ({ ...one, advanced: true }));
