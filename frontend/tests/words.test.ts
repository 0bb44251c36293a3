import account from "@text/account.json";
import admin from "@text/admin.json";
import flows from "@text/flows.json";
import people from "@text/people.json";
import portal from "@text/portal.json";
import scim from "@text/scim.json";
import { describe, expect, test } from "vitest";
import type { Table } from "~/text/text";
import { readSources, sources } from "./source";

const plurals = new Set(["zero", "one", "two", "few", "many", "other"]);
const isPlural = (value: object) =>
	"other" in value && Object.entries(value).every(([name, text]) => plurals.has(name) && typeof text === "string");

function keysOf(table: Table, before = ""): string[] {
	return Object.entries(table).flatMap(([name, value]) => {
		const key = before + name;
		return typeof value === "string" || isPlural(value) ? [key] : keysOf(value as Table, `${key}.`);
	});
}

/** The texts of a table; the forms of a plural as one. */
function textsOf(table: Table, before = ""): [string, string][] {
	return Object.entries(table).flatMap(([name, value]): [string, string][] => {
		const key = before + name;
		if (typeof value === "string") return [[key, value]];
		return isPlural(value) ? [[key, Object.values(value).join(" ")]] : textsOf(value as Table, `${key}.`);
	});
}

const found = readSources(sources());
const tables = { admin: keysOf(admin), portal: keysOf(portal), account: keysOf(account), flows: keysOf(flows), people: keysOf(people), scim: keysOf(scim) };
const all = Object.values(tables).flat();

/** Tables that come with a part which is loaded later, and the sources of that part. */
const later = [
	{ table: tables.account, part: /\/portal\/(?!main|Portal|Apps|Closed|address|grouped|notice)/ },
	{ table: tables.flows, part: /\/admin\/advanced\/(?!families|names)/ },
	{ table: tables.scim, part: /\/admin\/advanced\/scim\/ScimOut|\/admin\/advanced\/scim\/ScimPreview|\/admin\/apps\/NewScim/ },
	{ table: tables.people, part: /\/admin\/people\/|\/ui\/Qr/ },
];
const shapes = [...found.shapes].map(([shape, where]) => ({
	where,
	shape,
	pattern: new RegExp(
		`^${shape
			.split("*")
			.map((part) => part.replace(/[.]/g, "\\."))
			.join("[^.]+")}$`,
	),
}));

describe("words", () => {
	test("every text for people comes from a table", () => expect(found.loose).toEqual([]));

	test("every message that is asked for exists", () => {
		const known = new Set(all);
		const missing = [...found.keys].filter(([key]) => !known.has(key)).map(([key, where]) => `${key} (${where})`);
		const empty = shapes.filter(({ pattern }) => !all.some((key) => pattern.test(key))).map(({ shape, where }) => `${shape} (${where})`);
		expect([...missing, ...empty]).toEqual([]);
	});

	test("every message gets the values that it has places for", () => {
		const messages = new Map([admin, portal, account, flows, people, scim].flatMap((table) => textsOf(table)));
		const wrong = found.values.flatMap(({ key, names, where }) => {
			const places = [...(messages.get(key) ?? "").matchAll(/\{(\w+)\}/g)].map((match) => String(match[1]));
			return places.filter((place) => !names.includes(place)).map((place) => `${key}: {${place}} (${where})`);
		});
		expect(wrong).toEqual([]);
	});

	test("every message is asked for", () => {
		expect(all.filter((key) => !found.keys.has(key) && !shapes.some(({ pattern }) => pattern.test(key)))).toEqual([]);
	});

	test("the portal and what it shares ask only for what the portal's tables have", () => {
		const shared = readSources(
			sources().filter((file) => (/\/(portal|ui|text)\//.test(file) && !file.includes("/ui/Qr")) || /\/lib\/(device|format)/.test(file)),
		);
		const known = new Set([...tables.portal, ...tables.account]);
		expect([...shared.keys.keys()].filter((key) => !known.has(key))).toEqual([]);
	});

	test("what comes with a part is asked for in that part only", () => {
		for (const { table, part } of later) {
			const others = readSources(sources().filter((file) => !part.test(file)));
			expect([...others.keys.keys()].filter((key) => table.includes(key))).toEqual([]);
		}
	});

	// Tables are merged by their outermost names, so not even those may be the same.
	test("no name stands in two tables", () => {
		const names = [admin, portal, account, flows, people, scim].flatMap((table) => Object.keys(table));
		expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
	});
});
