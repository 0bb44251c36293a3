import type { Field } from "~/schema/fields";

/** A picker of one person, outside any form. */
export const personField = (label: string, required = false): Field => ({
	name: "person",
	label,
	help: "",
	widget: "reference",
	required,
	nullable: !required,
	advanced: false,
	options: [],
	reference: { path: "/core/users/", key: "pk" },
});
