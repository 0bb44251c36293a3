// What came of a run, whoever was asked for it.
import type { ExpressionRun } from "~/api/gatehouse";
import type { LogEvent, PolicyTestResult, PropertyMappingTestResult } from "~/api/schema.gen";
import { currentLocale } from "~/text/text";
import type { Tone } from "~/ui/Chip";

export type Outcome = Omit<ExpressionRun, "ok" | "log" | "microseconds"> & {
	/** Absent where the server does not tell it. */
	log?: LogEvent[];
	microseconds?: number;
};

/** The answer to the published test of a policy, or of a mapping. */
export function fromTest(answer: PolicyTestResult | PropertyMappingTestResult): Outcome {
	if ("passing" in answer) return { passing: answer.passing, result: "", messages: answer.messages, log: answer.log_messages, error: null };
	const error = answer.successful ? null : { type: "", message: answer.result, line: 0, trace: "" };
	return { passing: null, result: answer.successful ? answer.result : "", messages: [], error };
}

export function toneOf({ error, passing }: Outcome): Tone {
	if (error || passing === false) return error ? "danger" : "warning";
	return "good";
}

/** JSON with one value on a line; anything else as it is. */
export function pretty(result: string): string {
	try {
		const value: unknown = JSON.parse(result);
		return value && typeof value === "object" ? JSON.stringify(value, null, 2) : result;
	} catch {
		return result;
	}
}

/** "0.42 ms", "1.3 sec". */
export function took(microseconds: number): string {
	const [unit, value] = microseconds < 1_000_000 ? ["millisecond", microseconds / 1000] : ["second", microseconds / 1_000_000];
	return new Intl.NumberFormat(currentLocale(), { style: "unit", unit: String(unit), maximumSignificantDigits: 2 }).format(Number(value));
}

/** The time of a line of the log, to the millisecond. */
export function clock(time: string): string {
	const found = new Date(time);
	if (Number.isNaN(found.getTime())) return time;
	return found.toLocaleTimeString(currentLocale(), {
		hour: "2-digit",
		minute: "2-digit",
		second: "2-digit",
		fractionalSecondDigits: 3,
		hourCycle: "h23",
	});
}

/** The attributes of a line of the log, as name and text. */
export function attributesOf(line: LogEvent): [name: string, value: string][] {
	return Object.entries(line.attributes ?? {}).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]);
}

const tones = new Map<string, Tone>([
	["info", "notice"],
	["warn", "warning"],
	["warning", "warning"],
	["error", "danger"],
	["exception", "danger"],
	["critical", "danger"],
]);
export const toneOfLevel = (level: string): Tone => tones.get(level) ?? "plain";

/** A context as it was typed; nothing typed is an empty one, and undefined what is no JSON object. */
export function readContext(text: string): Record<string, unknown> | undefined {
	if (text.trim() === "") return {};
	try {
		const value: unknown = JSON.parse(text);
		return value && typeof value === "object" && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}
