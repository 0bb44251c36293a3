import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { labelOfRow } from "~/ui/names";

const inner = (value: unknown): string => (value && typeof value === "object" ? labelOfRow(value as Row) : "");

/** The name of an object, or of what it ties to something, where it has none of its own. */
export function nameOfRow(row: Row): string {
	if (row.stage_obj) return inner(row.stage_obj);
	if ("policy_obj" in row) return inner(row.policy_obj) || inner(row.group_obj) || inner(row.user_obj) || t("advanced.nameless");
	return labelOfRow(row) || t("advanced.nameless");
}
