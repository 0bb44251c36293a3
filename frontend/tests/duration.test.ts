import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration, split } from "~/lib/duration";

describe("durations", () => {
	test.each([
		["hours=1;minutes=30", 5400],
		["hours=1,minutes=30", 5400],
		["days=14", 1_209_600],
		["seconds=0", 0],
		[" Hours = 2 ; ", 7200],
		["minutes=1.5", 90],
		["hours=-1", -3600],
	])("%s is %d seconds", (wire, seconds) => expect(parseDuration(wire)).toBe(seconds));

	test.each(["", ";", "hours", "hours=", "fortnights=1", "hours=one", "hours=1=2"])("%j is none", (wire) =>
		expect(parseDuration(wire)).toBeUndefined(),
	);

	test.each([
		[0, 0, "seconds"],
		[90, 90, "seconds"],
		[5400, 90, "minutes"],
		[86_400, 1, "days"],
		[1_209_600, 2, "weeks"],
		[0.5, 0.5, "seconds"],
	])("%d seconds are shown as %d %s", (seconds, amount, unit) => expect(split(seconds)).toEqual({ amount, unit }));

	test("what is shown and sent comes back as it was", () => {
		for (const wire of ["weeks=3", "days=1", "hours=5", "minutes=90", "seconds=7"]) {
			const { amount, unit } = split(parseDuration(wire) ?? -1);
			expect(parseDuration(formatDuration(amount, unit))).toBe(parseDuration(wire));
		}
	});
});
