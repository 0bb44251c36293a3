// How long an app password works.
import type { TokenLife } from "~/api/gatehouse";

const DAY = 86_400_000;
const days = { week: 7, month: 30, quarter: 90, year: 365 } as const;

export const ends = ["usual", "week", "month", "quarter", "year", "longest", "date"] as const;
export type End = (typeof ends)[number];

/** The ends that the server allows. Before it said how long that is, those that it may allow. */
export function endsIn(life: TokenLife | undefined): End[] {
	const most = life && Date.parse(life.longest) - Date.parse(life.now);
	return ends.filter((end) => {
		if (end === "longest") return life !== undefined;
		return end === "usual" || end === "date" || most === undefined || days[end] * DAY <= most;
	});
}

/** The end as it is sent; nothing where the server decides. day is what an input of type datetime-local holds. */
export function endOf(end: End, day: string, now: Date, life?: TokenLife): string | undefined {
	if (end === "usual") return undefined;
	if (end === "longest") return life?.longest;
	const at = end === "date" ? new Date(day) : new Date(now.getTime() + days[end] * DAY);
	if (Number.isNaN(at.getTime())) return undefined;
	// The clock of this computer may be ahead of the server's.
	if (life && end !== "date" && at.getTime() > Date.parse(life.longest)) return life.longest;
	return at.toISOString();
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
