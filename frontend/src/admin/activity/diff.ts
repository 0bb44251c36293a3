// What a change of an object changed, from the context of its event.
import type { Event } from "~/api/schema.gen";
import { labelOf } from "~/schema/fields";
import { t } from "~/text/text";
import { modelOfEvent } from "./sentence";

export type Change = { name: string; label: string; before: string; after: string };

const shown = (value: unknown): string => {
	if (value === null || value === undefined || value === "") return "";
	if (typeof value === "boolean") return t(value ? "common.yes" : "common.noShort");
	return typeof value === "string" ? value : JSON.stringify(value);
};

const isRecord = (value: unknown): value is Record<string, unknown> => !!value && typeof value === "object" && !Array.isArray(value);

type Entry = { previous_value?: unknown; new_value?: unknown; before?: unknown; after?: unknown };

function sidesOf(entry: unknown): [unknown, unknown] | undefined {
	if (!isRecord(entry)) return undefined;
	const { previous_value, new_value, before, after } = entry as Entry;
	if ("previous_value" in entry || "new_value" in entry) return [previous_value, new_value];
	if ("add" in entry || "remove" in entry || "clear" in entry) return [entry.clear ? "*" : entry.remove, entry.add];
	if ("before" in entry || "after" in entry) return [before, after];
	return undefined;
}

export function changesOf(event: Event): Change[] {
	const context = isRecord(event.context) ? event.context : {};
	if (!isRecord(context.diff)) return [];
	const kind = modelOfEvent(event).model_name ?? "";
	return Object.entries(context.diff).flatMap(([name, entry]) => {
		const sides = sidesOf(entry);
		return sides ? [{ name, label: labelOf(kind, name), before: shown(sides[0]), after: shown(sides[1]) }] : [];
	});
}
