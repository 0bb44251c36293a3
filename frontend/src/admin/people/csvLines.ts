// What the preview of a CSV file says of its lines.
import type { SheetLine } from "~/api/gatehouse";
import { t } from "~/text/text";
import type { Tone } from "~/ui/Chip";

/** The lines that say most come first: refused, changed, new; each by its number. */
export function inOrder(lines: SheetLine[]): SheetLine[] {
	const rank = { error: 0, update: 1, create: 2, unchanged: 3 };
	return [...lines].sort((a, b) => rank[a.action] - rank[b.action] || a.line - b.line);
}

/** What happens to a line, in words. */
export function detailOf(line: SheetLine): string[] {
	if (line.action === "error") {
		return Object.entries(line.errors).map(([column, all]) =>
			column === "non_field_errors" ? all.join(" ") : `${column}: ${all.join(" ")}`,
		);
	}
	if (line.action === "create") return line.changes.map(({ column, now }) => `${column}: ${now}`);
	return line.changes.map(({ column, was, now }) => t("csv.change", { column, was: was || t("csv.empty"), now: now || t("csv.empty") }));
}

/** The signal of a line; a word stands beside it. */
export function toneOf({ action }: SheetLine): Tone {
	if (action === "create") return "good";
	if (action === "update") return "notice";
	return action === "unchanged" ? "plain" : "danger";
}
