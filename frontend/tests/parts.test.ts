import { describe, expect, test } from "vitest";
import { toCsv } from "~/admin/activity/csv";
import { reordered } from "~/admin/advanced/reorder";
import { merge, without } from "~/admin/chart/series";
import { fromPublished } from "~/admin/frame/addresses";
import { byParent } from "~/admin/people/tree";
import { ago } from "~/lib/format";
import { grouped, matching } from "~/portal/grouped";
import { setEnglish } from "~/text/text";

describe("small parts", () => {
	test("a step that moves takes its neighbour's place", () => {
		const steps = [
			{ pk: "a", order: 0 },
			{ pk: "b", order: 10 },
			{ pk: "c", order: 30 },
		];
		expect(reordered(steps, 2, 1)).toEqual([
			{ pk: "c", order: 10 },
			{ pk: "b", order: 30 },
		]);
		expect(reordered(steps, 1, 1)).toEqual([]);
	});

	test("steps that share a place get places of their own", () => {
		const steps = ["a", "b", "c"].map((pk) => ({ pk, order: 5 }));
		expect(reordered(steps, 1, 0)).toEqual([
			{ pk: "b", order: 0 },
			{ pk: "a", order: 10 },
			{ pk: "c", order: 20 },
		]);
	});

	test("groups hang below their parents; circles and unknown parents end at the top", () => {
		const groups = [{ pk: "a" }, { pk: "b", parent: "a" }, { pk: "c", parent: "gone" }, { pk: "d", parent: "e" }, { pk: "e", parent: "d" }];
		const below = byParent(groups);
		expect(below.get(null)?.map((group) => group.pk)).toEqual(["a", "c", "d", "e"]);
		expect(below.get("a")?.map((group) => group.pk)).toEqual(["b"]);
	});

	test("series that were asked for one after the other share one time axis", () => {
		const first = [
			{ x_cord: 1000, y_cord: 5 },
			{ x_cord: 2000, y_cord: 6 },
		];
		const second = [
			{ x_cord: 1003, y_cord: 1 },
			{ x_cord: 2003, y_cord: 0 },
		];
		expect(merge([first, second, []])).toEqual({
			times: [1, 2],
			values: [
				[5, 6],
				[1, 0],
				[0, 0],
			],
		});
	});

	test("refused sign-ins are taken out of all of them", () => {
		const all = [
			{ x_cord: 1, y_cord: 5 },
			{ x_cord: 2, y_cord: 1 },
		];
		expect(
			without(all, [
				{ x_cord: 1, y_cord: 2 },
				{ x_cord: 2, y_cord: 3 },
			]),
		).toEqual([
			{ x_cord: 1, y_cord: 3 },
			{ x_cord: 2, y_cord: 0 },
		]);
	});

	test("published addresses lead to ours", () => {
		expect(fromPublished("/core/applications")).toBe("/apps");
		expect(fromPublished("/identity/users/7")).toBe("/people/users/7");
		expect(fromPublished("/flow/flows/default-authentication-flow")).toBe("/advanced/flows/default-authentication-flow");
		expect(fromPublished("/events/log;%7B%22page%22%3A2%7D")).toBe("/activity");
		expect(fromPublished("/nowhere")).toBeUndefined();
	});

	test("cells of a table can't become formulas or break a row", () => {
		expect(toCsv([["=1+1", 'say "hi"', "a\nb"]])).toBe('"\'=1+1","say ""hi""","a\nb"\r\n');
	});

	test("applications are found by all words, whatever their accents, and stand by group", () => {
		const apps = [
			{ name: "Müsli", group: "Küche" },
			{ name: "Wiki", group: "" },
			{ name: "Cloud", group: "Küche", meta_description: "Files and more" },
		];
		expect(matching(apps, "kuche files").map((app) => app.name)).toEqual(["Cloud"]);
		expect(grouped(apps).map(({ group, apps: all }) => [group, all.length])).toEqual([
			["", 1],
			["Küche", 2],
		]);
	});

	test("times are told by their distance", () => {
		setEnglish({ common: { time: { now: "just now" } } });
		const now = Date.parse("2026-11-24T12:00:00Z");
		expect(ago("2026-11-24T11:59:40Z", now)).toBe("just now");
		expect(ago("2026-11-24T11:57:00Z", now)).toBe("3 min. ago");
		expect(ago("2026-11-26T12:00:00Z", now)).toBe("in 2 days");
	});
});
