// How long an app password works.

const DAY = 86_400_000;
const days = { week: 7, month: 30, quarter: 90, year: 365 } as const;

export const ends = ["usual", "week", "month", "quarter", "year", "date"] as const;
export type End = (typeof ends)[number];

/** The end as it is sent; nothing where the server decides. day is what an input of type datetime-local holds. */
export function endOf(end: End, day: string, now: Date): string | undefined {
	if (end === "usual") return undefined;
	const at = end === "date" ? new Date(day) : new Date(now.getTime() + days[end] * DAY);
	return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** The latest end that the server allows, from its words "… (2026-11-30 09:15:00 UTC)." */
export function latestIn(refusal: string): Date | undefined {
	const found = /\((\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC\)/.exec(refusal);
	const at = found ? new Date(`${found[1]}T${found[2]}Z`) : undefined;
	return at && !Number.isNaN(at.getTime()) ? at : undefined;
}

const two = (number: number) => String(number).padStart(2, "0");

/** A time for an input of type datetime-local, cut to the minute so that it is never later. */
export function toMinute(time: Date): string {
	const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
	return `${date}T${two(time.getHours())}:${two(time.getMinutes())}`;
}
