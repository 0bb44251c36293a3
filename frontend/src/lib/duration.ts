// Durations as a number and a unit; on the wire they are texts such as "hours=1;minutes=30".

export const units = ["weeks", "days", "hours", "minutes", "seconds"] as const;
export type Unit = (typeof units)[number];

const seconds: Record<string, number> = {
	weeks: 604_800,
	days: 86_400,
	hours: 3_600,
	minutes: 60,
	seconds: 1,
	milliseconds: 0.001,
	microseconds: 0.000_001,
};

/** Seconds of a wire text, or undefined when it is none. */
export function parseDuration(wire: string): number | undefined {
	let total = 0;
	const parts = wire.split(/[;,]/).map((part) => part.trim());
	if (!parts.some((part) => part)) return undefined;
	for (const part of parts) {
		if (!part) continue;
		const [name, number, more] = part.split("=").map((side) => side.trim());
		const factor = seconds[(name ?? "").toLowerCase()];
		if (factor === undefined || !number || more !== undefined || !/^-?\d+(\.\d+)?$/.test(number)) return undefined;
		total += factor * Number(number);
	}
	return total;
}

/** The largest unit in which a duration is a whole number. */
export function split(total: number): { amount: number; unit: Unit } {
	if (total === 0) return { amount: 0, unit: "seconds" };
	for (const unit of units) {
		const amount = total / (seconds[unit] ?? 1);
		if (Number.isInteger(amount)) return { amount, unit };
	}
	return { amount: total, unit: "seconds" };
}

export function formatDuration(amount: number, unit: Unit): string {
	return `${unit}=${amount}`;
}
