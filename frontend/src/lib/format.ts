// Dates, times, sizes and numbers by locale.
import { currentLocale, t } from "~/text/text";

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
	["year", 31_536_000],
	["month", 2_592_000],
	["week", 604_800],
	["day", 86_400],
	["hour", 3_600],
	["minute", 60],
];

/** "3 minutes ago", "in 2 days", "just now". */
export function ago(time: string | number | Date, now: number = Date.now()): string {
	const distance = (new Date(time).getTime() - now) / 1000;
	for (const [unit, length] of steps) {
		if (Math.abs(distance) >= length) {
			const format = new Intl.RelativeTimeFormat(currentLocale(), { numeric: "auto", style: "short" });
			return format.format(Math.trunc(distance / length), unit);
		}
	}
	return t("common.time.now");
}

export function dateTime(time: string | number | Date): string {
	return new Date(time).toLocaleString(currentLocale(), { dateStyle: "medium", timeStyle: "medium" });
}

export function date(time: string | number | Date): string {
	return new Date(time).toLocaleDateString(currentLocale(), { dateStyle: "medium" });
}

export const number = (value: number): string => value.toLocaleString(currentLocale());

export function bytes(value: number): string {
	const names = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
	let unit = 0;
	let rest = value;
	while (rest >= 1000 && unit < names.length - 1) {
		rest /= 1000;
		unit++;
	}
	const digits = rest < 10 && unit > 0 ? 1 : 0;
	return new Intl.NumberFormat(currentLocale(), {
		style: "unit",
		unit: names[unit],
		unitDisplay: "short",
		maximumFractionDigits: digits,
	}).format(rest);
}

/** A list in words: "a, b and c". */
export const inWords = (items: string[]): string => new Intl.ListFormat(currentLocale(), { type: "conjunction" }).format(items);
