// What the server says of a file that was to be imported.
import { ApiError } from "~/api/errors";
import type { FlowImportResult } from "~/api/schema.gen";
import { t } from "~/text/text";
import type { Tone } from "~/ui/Chip";
import { problemText } from "~/ui/problem";

export type Said = { tone: Tone; text: string };

const grave = ["error", "critical", "exception"];
const toneOf = (level: string): Tone => (grave.includes(level) ? "danger" : level === "warning" ? "warning" : "notice");

/** What the server said of a file. */
export const saidOf = ({ logs }: Pick<FlowImportResult, "logs">): Said[] =>
	logs.map(({ log_level, event }) => ({ tone: toneOf(log_level), text: event }));

/** A refusal without a reason. */
export const silent = (): Said[] => [{ tone: "danger", text: t("flowPage.import.silent") }];

/** A refusal has the same lines as an answer, under the names of fields. */
export function saidIn(problem: unknown): Said[] {
	if (!(problem instanceof ApiError)) return [{ tone: "danger", text: problemText(problem) }];
	const lines = Object.entries(problem.fields)
		.filter(([name]) => /^logs\.\d+\.event$/.test(name))
		.flatMap(([, texts]) => texts);
	const others = Object.entries(problem.fields)
		.filter(([name]) => !name.startsWith("logs."))
		.flatMap(([, texts]) => texts);
	const all = [...problem.general, ...lines, ...others];
	return all.length > 0 ? all.map((text) => ({ tone: "danger", text })) : silent();
}
