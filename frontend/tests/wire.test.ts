import { beforeAll, describe, expect, test } from "vitest";
import { check, toChange, toCreate, toForm, toLocalTime } from "~/forms/wire";
import type { Field, Widget } from "~/schema/fields";
import { setEnglish } from "~/text/text";

const field = (name: string, widget: Widget, more: Partial<Field> = {}): Field => ({
	name,
	widget,
	label: name,
	help: "",
	required: false,
	nullable: false,
	advanced: false,
	options: [],
	...more,
});

const fields = [
	field("name", "text", { required: true }),
	field("note", "text", { nullable: true }),
	field("active", "switch"),
	field("order", "number"),
	field("timeout", "number", { nullable: true }),
	field("flow", "reference", { nullable: true }),
	field("groups", "references"),
	field("secret", "secret"),
	field("attributes", "json"),
	field("expires", "time", { nullable: true }),
	field("valid", "duration"),
];

const object = {
	name: "Nextcloud",
	note: null,
	active: true,
	order: 3,
	timeout: null,
	flow: null,
	groups: ["a", "b"],
	secret: "",
	attributes: { theme: "dark" },
	expires: "2026-11-24T15:30:00Z",
	valid: "days=1",
};

beforeAll(() => setEnglish({ forms: { required: "Fill this in.", badJson: "No JSON.", badDuration: "No duration." } }));

describe("from the wire into a form and back", () => {
	test("an untouched form sends nothing", () => {
		const start = toForm(fields, object);
		expect(toChange(fields, { ...start }, start)).toEqual({});
	});

	test("a secret that nobody touched is not sent, a new one is", () => {
		const start = toForm(fields, object);
		expect(toChange(fields, { ...start, name: "Cloud" }, start)).toEqual({ name: "Cloud" });
		expect(toChange(fields, { ...start, secret: "new" }, start)).toEqual({ secret: "new" });
	});

	test("emptied: null where the server takes it, an empty text where not", () => {
		const start = toForm(fields, { ...object, note: "x", flow: "f", timeout: 5 });
		expect(toChange(fields, { ...start, note: "", flow: null, timeout: "", name: "" }, start)).toEqual({
			note: null,
			flow: null,
			timeout: null,
			name: "",
		});
	});

	test("emptied lists are sent as empty lists, an emptied number that may not be empty is not sent", () => {
		const start = toForm(fields, object);
		expect(toChange(fields, { ...start, groups: [], order: "" }, start)).toEqual({ groups: [] });
	});

	test("a new object leaves out what was left empty, so that defaults hold; switches always count", () => {
		const start = { ...toForm(fields), name: "Gitea" };
		expect(toCreate(fields, start)).toEqual({ name: "Gitea", active: false });
	});

	test("what the server wants even when it is empty is sent", () => {
		expect(toCreate([field("full", "text", { always: true }), field("note", "text")], { full: "", note: "" })).toEqual({ full: "" });
	});

	test("defaults of the description are what a new form starts with", () => {
		const start = toForm([
			field("active", "switch", { default: true }),
			field("valid", "duration", { default: "hours=2" }),
			field("links", "links", { default: [] }),
		]);
		expect(start).toEqual({ active: true, valid: "hours=2", links: [] });
	});

	test("JSON goes out as an object", () => {
		const start = toForm(fields, object);
		expect(toChange(fields, { ...start, attributes: '{"theme": "light"}' }, start)).toEqual({ attributes: { theme: "light" } });
		expect(toChange(fields, { ...start, attributes: "" }, start)).toEqual({ attributes: {} });
	});

	test("times are shown in the time of this place and sent in UTC", () => {
		const start = toForm(fields, object);
		expect(start.expires).toBe(toLocalTime(object.expires));
		expect(toChange(fields, { ...start, expires: toLocalTime("2027-01-01T00:00:00Z") }, start)).toEqual({
			expires: "2027-01-01T00:00:00.000Z",
		});
		expect(toLocalTime("never")).toBe("");
	});

	test("what has to be mended is said before anything is sent", () => {
		const start = toForm(fields, object);
		expect(check(fields, { ...start, name: "", attributes: "{", valid: "soon" })).toEqual({
			name: ["Fill this in."],
			attributes: ["No JSON."],
			valid: ["No duration."],
		});
		expect(check(fields, start)).toEqual({});
	});
});
