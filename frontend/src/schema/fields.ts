// What a form shows for each property that the server takes.
import { tOr } from "~/text/text";
import { type Description, type Property, resolve } from "./description";

export type Widget =
	| "text"
	| "area"
	| "number"
	| "switch"
	| "choice"
	| "choices"
	| "reference"
	| "references"
	| "secret"
	| "duration"
	| "json"
	| "expression"
	| "texts"
	| "time"
	| "slug"
	| "links";

type Typed = { meta_model_name?: unknown; verbose_name?: unknown };

/** The kind of an object in our words, else in the server's. */
export function kindTitle(row: Typed): string {
	const model = String(row.meta_model_name ?? "");
	return tOr(String(row.verbose_name ?? ""), `kinds.${model.slice(model.lastIndexOf(".") + 1)}.title`);
}

/** What is asked for: a name for the words, and what may be sent. */
export type Asked = { name: string; request: Property };

export type Option = { value: string; label: string };

export type Field = {
	name: string;
	label: string;
	help: string;
	widget: Widget;
	required: boolean;
	/** The server wants the property even when it is empty. */
	always?: boolean;
	nullable: boolean;
	advanced: boolean;
	options: Option[];
	reference?: { path: string; key: string };
	default?: unknown;
	min?: number;
	max?: number;
	maxLength?: number;
};

/** Long texts that the description has no hint for. */
const longTexts = new Set(["redirect_uris", "certificate_data", "key_data", "sub_text", "deny_message", "meta_description"]);

function widgetOf(name: string, property: Property, item: Property): Widget {
	const format = property["x-format"];
	if (name === "footer_links") return "links";
	if (property["x-secret"]) return longTexts.has(name) ? "area" : "secret";
	if (property["x-ref-path"]) return property.type === "array" ? "references" : "reference";
	if (item["x-ref-path"]) return "references";
	if (format === "duration" || format === "expression" || format === "slug") return format;
	if (property.enum) return "choice";
	if (property.type === "array") return item.enum ? "choices" : item.type === "object" || item.properties ? "json" : "texts";
	if (property.type === "boolean") return "switch";
	if (property.type === "integer" || property.type === "number") return "number";
	if (property.type === "string") return property.format === "date-time" ? "time" : longTexts.has(name) ? "area" : "text";
	return "json";
}

/** The name of a property in words, for those that have no words of their own. */
function words(name: string): string {
	const text = name.replaceAll("_", " ").trim();
	return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A value in words; dots part the names of messages, so they are written otherwise. */
export const optionLabel = (name: string, value: string) => tOr(value, `options.${name}.${value.replaceAll(".", "_")}`);

export function optionsOf(name: string, values: (string | number)[]): Option[] {
	return values
		.map(String)
		.filter((value) => value !== "")
		.map((value) => ({ value, label: optionLabel(name, value) }));
}

export const labelOf = (kind: string, name: string) => tOr(words(name), `fieldsOf.${kind}.${name}`, `fields.${name}`);

function helpOf(kind: string, name: string, property: Property): string {
	return tOr(property.description ?? "", `helpOf.${kind}.${name}`, `help.${name}`);
}

/** A text that has to be there but may be empty, such as the full name of a person. */
const mayBeBlank = (property: Property): boolean =>
	property.type === "string" && !property.minLength && !property.enum && !property.format && !property["x-format"];

function fieldOf(description: Description, kind: Asked, name: string, raw: Property): Field {
	const property = resolve(description, raw);
	const item = property.items ? resolve(description, property.items) : {};
	const widget = widgetOf(name, property, item);
	const always = (kind.request.required ?? []).includes(name);
	const path = property["x-ref-path"] ?? item["x-ref-path"];
	return {
		name,
		label: labelOf(kind.name, name),
		help: helpOf(kind.name, name, property),
		widget,
		required: always && widget !== "switch" && !mayBeBlank(property),
		always,
		nullable: property.nullable ?? false,
		advanced: property["x-group"] === "advanced",
		options: optionsOf(name, property.enum ?? item.enum ?? []),
		reference: path ? { path: path.replace(/^\/api\/v3/, ""), key: property["x-ref-key"] ?? item["x-ref-key"] ?? "pk" } : undefined,
		default: property.default,
		min: property.minimum,
		max: property.maximum,
		maxLength: property.maxLength,
	};
}

/** Lists that the server derives from other objects; they are changed over there. */
const derived = new Set(["flow_set", "promptstage_set", "last_login"]);

export function fieldsOf(description: Description, kind: Asked): Field[] {
	return Object.entries(kind.request.properties ?? {})
		.filter(([name, property]) => !property.readOnly && !derived.has(name))
		.map(([name, property]) => fieldOf(description, kind, name, property));
}

/** A text is written as an expression while the switch that says so is on, as placeholder_expression does for placeholder. */
export function withExpression(field: Field, values: Record<string, unknown>): Field {
	const asked = (field.widget === "text" || field.widget === "area") && values[`${field.name}_expression`] === true;
	return asked ? { ...field, widget: "expression" } : field;
}

/** The named fields, in the given order. */
export function chosenFields(fields: Field[], names: readonly string[]): Field[] {
	return names.flatMap((name) => fields.find((field) => field.name === name) ?? []);
}
