import type { Row } from "~/schema/description";
import { kindTitle, optionLabel } from "~/schema/fields";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { labelOfRow } from "~/ui/names";

type Props = { name: string; row: Row; flows: Map<string, string> };

/** One property of an object in a list. */
export function Cell({ name, row, flows }: Props) {
	const value = row[name];
	if (name === "verbose_name") return <Chip>{kindTitle(row)}</Chip>;
	if (name === "target") return <>{flows.get(String(value)) ?? "–"}</>;
	if (name === "flow_set" && Array.isArray(value))
		return <>{value.map((flow) => labelOfRow(flow as Row)).join(", ") || t("advanced.unused")}</>;
	if (name === "managed") return value ? <Chip tone="notice">{t("advanced.managed")}</Chip> : <>–</>;
	if (name === "user_obj" && value && typeof value === "object") return <>{labelOfRow(value as Row)}</>;
	if (name === "expires")
		return row.expiring === false ? <Chip tone="notice">{t("tokens.never")}</Chip> : <Ago time={value as string | null} />;
	if (typeof value === "boolean") return value ? <Chip tone="good">{t("common.yes")}</Chip> : <Chip>{t("common.noShort")}</Chip>;
	if (Array.isArray(value)) return <>{value.length}</>;
	if (value === null || value === undefined || value === "") return <>–</>;
	return <>{optionLabel(name, String(value))}</>;
}
