// Between what a form holds and what goes over the wire.
import { parseDuration } from "~/lib/duration";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";

export type Values = Record<string, unknown>;
export type FieldErrors = Record<string, string[]>;

const two = (number: number) => String(number).padStart(2, "0");

/** A date and time as an input of type datetime-local has it, in the time of this place. */
export function toLocalTime(wire: string): string {
	const time = new Date(wire);
	if (Number.isNaN(time.getTime())) return "";
	const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
	return `${day}T${two(time.getHours())}:${two(time.getMinutes())}`;
}

const asJson = (value: unknown) => (value === undefined || value === null ? "" : JSON.stringify(value, null, 2));

function formValue(field: Field, wire: unknown): unknown {
	switch (field.widget) {
		case "switch":
			return wire === true;
		case "number":
			return typeof wire === "number" ? wire : "";
		case "choices":
		case "references":
		case "texts":
		case "links":
			return Array.isArray(wire) ? wire : [];
		case "reference":
			return wire ?? null;
		case "json":
			return asJson(wire);
		case "time":
			return typeof wire === "string" && wire ? toLocalTime(wire) : "";
		default:
			return wire === undefined || wire === null ? "" : String(wire);
	}
}

/** What a form starts with: the object, or the defaults of a new one. */
export function toForm(fields: Field[], object?: Values): Values {
	return Object.fromEntries(fields.map((field) => [field.name, formValue(field, object ? object[field.name] : field.default)]));
}

export const isEmpty = (value: unknown): boolean =>
	value === "" || value === null || value === undefined || (Array.isArray(value) && value.length === 0);

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What the person has to mend before anything is sent. */
export function check(fields: Field[], values: Values): FieldErrors {
	const errors: FieldErrors = {};
	for (const field of fields) {
		const value = values[field.name];
		if (isEmpty(value)) {
			if (field.required) errors[field.name] = [t("forms.required")];
		} else if (field.widget === "json") {
			if (readJson(String(value)) === undefined) errors[field.name] = [t("forms.badJson")];
		} else if (field.widget === "duration" && parseDuration(String(value)) === undefined) {
			errors[field.name] = [t("forms.badDuration")];
		}
	}
	return errors;
}

function readJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

const emptyOf = (field: Field): unknown => {
	if (field.nullable) return null;
	return field.widget === "json" ? {} : "";
};

function wireOf(field: Field, value: unknown): unknown {
	if (Array.isArray(value)) return value;
	if (isEmpty(value)) return emptyOf(field);
	if (field.widget === "json") return readJson(String(value));
	if (field.widget === "time") return new Date(String(value)).toISOString();
	return value;
}

/** The body of a new object: what was left empty is absent, so that the server's defaults hold. */
export function toCreate(fields: Field[], values: Values): Values {
	const sent = fields.filter((field) => field.widget === "switch" || field.always || !isEmpty(values[field.name]));
	return Object.fromEntries(sent.map((field) => [field.name, wireOf(field, values[field.name])]));
}

/** The body of a change: only what differs from what the form started with, so an untouched secret is never sent. */
export function toChange(fields: Field[], values: Values, initial: Values): Values {
	const sent = fields.filter((field) => !same(values[field.name], initial[field.name]));
	return Object.fromEntries(
		sent
			.filter((field) => field.widget !== "number" || field.nullable || !isEmpty(values[field.name]))
			.map((field) => [field.name, wireOf(field, values[field.name])]),
	);
}
