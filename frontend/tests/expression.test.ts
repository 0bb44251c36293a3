import { CompletionContext } from "@codemirror/autocomplete";
import { python } from "@codemirror/lang-python";
import { EditorState, Text } from "@codemirror/state";
import { describe, expect, test } from "vitest";
import type { ExpressionName, ExpressionNames } from "~/api/gatehouse";
import { complete } from "~/expression/completion";
import { positionOf, rangeOf, toDiagnostics } from "~/expression/marks";
import { aliases, membersOf, placeAfter, wordsOf } from "~/expression/names";
import { attributesOf, clock, fromTest, pretty, readContext, toneOf, took } from "~/expression/ran";
import { type Field, withExpression } from "~/schema/fields";

const name = (name: string, members: ExpressionName[] = [], kind: ExpressionName["kind"] = "variable"): ExpressionName => ({
	name,
	kind,
	signature: kind === "function" ? `${name}(message)` : "",
	help: "",
	members,
});
const names: ExpressionNames = {
	results: [
		name("request", [name("user", [name("username"), name("email")]), name("http_request")]),
		name("ak_message", [], "function"),
		name("re", [], "module"),
	],
	builtins: ["len", "request"],
	modules: [
		{ name: "re", members: ["match", "sub"] },
		{ name: "json", members: ["dumps", "loads"] },
		{ name: "urllib.parse", members: ["quote"] },
	],
};

/** What is offered where | stands in the text; undefined where no list opens. */
function offered(marked: string, explicit = false): string[] | undefined {
	const pos = marked.indexOf("|");
	const state = EditorState.create({ doc: marked.replace("|", ""), extensions: [python()] });
	return complete(new CompletionContext(state, pos, explicit), names)?.options.map((one) => one.label);
}

describe("the place in a line", () => {
	test.each([
		["return re", { what: "name", typed: "re" }],
		["", { what: "name", typed: "" }],
		["x = (", { what: "name", typed: "" }],
		["return request.us", { what: "member", of: ["request"], typed: "us" }],
		["if not request.user.", { what: "member", of: ["request", "user"], typed: "" }],
		["import js", { what: "module", typed: "js" }],
		["import re, ", { what: "module", typed: "" }],
		["from json import du", { what: "imported", of: "json", typed: "du" }],
		["from json import (loads, du", { what: "imported", of: "json", typed: "du" }],
		["import urllib.pa", { what: "module", typed: "urllib.pa" }],
		["from urllib.", { what: "module", typed: "urllib." }],
		["from urllib.parse import quote, un", { what: "imported", of: "urllib.parse", typed: "un" }],
		["found().us", { what: "nothing" }],
		["rows[0].us", { what: "nothing" }],
		["1", { what: "nothing" }],
	])("%j", (line, place) => expect(placeAfter(line)).toEqual(place));
});

describe("what is offered", () => {
	test("names of the environment, keywords, builtins and words of the text, each once", () => {
		const all = offered("office = 1\nreturn r|") ?? [];
		expect(all.slice(0, 3)).toEqual(["request", "ak_message", "re"]);
		expect(all).toEqual(expect.arrayContaining(["return", "len", "office"]));
		expect(new Set(all).size).toBe(all.length);
	});
	test("members after a dot, at once and only those", () => {
		expect(offered("return request.|")).toEqual(["user", "http_request"]);
		expect(offered("return request.user.e|")).toEqual(["username", "email"]);
		expect(offered("return unknown.|", true)).toBeUndefined();
		expect(offered("return request.nothing.|", true)).toBeUndefined();
	});
	test("members of what a name was given to", () => {
		expect(offered("who = request.user # of the flow\nreturn who.|")).toEqual(["username", "email"]);
		expect(offered("asked = request\nwho = asked.user\nreturn who.|")).toEqual(["username", "email"]);
		expect(offered("import json as j\nreturn j.|")).toEqual(["dumps", "loads"]);
		expect(offered("a = b\nb = a\nreturn a.|", true)).toBeUndefined();
	});
	test("members of modules, and modules that can be imported", () => {
		expect(offered("return re.|")).toEqual(["match", "sub"]);
		expect(offered("from re import |")).toBeUndefined();
		expect(offered("from re import |", true)).toEqual(["match", "sub"]);
		expect(offered("import j|")).toEqual(["re", "json", "urllib.parse"]);
		expect(offered("from urllib.|")).toEqual(["re", "json", "urllib.parse"]);
		expect(offered("import urllib.parse\nreturn urllib.parse.|")).toEqual(["quote"]);
		expect(offered("import urllib.parse as p\nreturn p.|")).toEqual(["quote"]);
	});
	test("nothing by itself where nothing was typed, all of it when asked", () => {
		expect(offered("return |")).toBeUndefined();
		expect(offered("return |", true)).toContain("ak_message");
	});
	test("nothing in texts and remarks; in the braces of a text something", () => {
		expect(offered('return "request.|"', true)).toBeUndefined();
		expect(offered("return 1 # request.|", true)).toBeUndefined();
		expect(offered('return f"request.|"', true)).toBeUndefined();
		expect(offered('return f"{request.|}"')).toEqual(["user", "http_request"]);
	});
	test("a function tells what it takes", () => {
		const state = EditorState.create({ doc: "ak" });
		const option = complete(new CompletionContext(state, 2, false), names)?.options.find((one) => one.label === "ak_message");
		expect(option?.detail).toBe("(message)");
		expect(option?.info).toBeTypeOf("function");
	});
	test("keywords and words stand without the server's names, too", () => {
		const state = EditorState.create({ doc: "office = ret" });
		expect(complete(new CompletionContext(state, 12, false), undefined)?.options.map((one) => one.label)).toContain("return");
	});
	test("the word that is being typed is no word of the text", () => {
		expect(wordsOf("office = off", "off")).toEqual(["office"]);
		expect(wordsOf("office = office", "office")).toEqual(["office"]);
	});
	test("other names, and their members", () => {
		expect(aliases("  a = request.user\nb = f(x)\nc == d")).toEqual(new Map([["a", ["request", "user"]]]));
		expect(membersOf(names, ["a", "user"], "a = request").map((one) => one.name)).toEqual(["username", "email"]);
	});
});

describe("mistakes in the text", () => {
	const doc = Text.of(["if True:", '\tx = "🦉🦉" + wrong', "", "end"]);
	const at = (line: number, column: number) => {
		const { from, to } = rangeOf(doc, { line, column });
		return doc.sliceString(from, to);
	};
	test("columns count characters, not halves of them", () => expect(at(2, 13)).toBe("wrong"));
	test("a line is marked whole, without its indent, where the place in it is not known", () => {
		expect(at(2, 0)).toBe('x = "🦉🦉" + wrong');
		expect(at(2, 1)).toBe('x = "🦉🦉" + wrong');
	});
	test("the end of a line marks its last character", () => expect(at(1, 9)).toBe(":"));
	test("places past the end are at the end", () => {
		expect(positionOf(doc, 99, 99)).toBe(doc.length);
		expect(positionOf(doc, 0, 1)).toBe(0);
		expect(at(3, 1)).toBe("");
	});
	test("a good text has no marks, a wrong one has one with the server's words", () => {
		expect(toDiagnostics(doc, { ok: true, line: 0, column: 0, message: "" })).toEqual([]);
		const [mark] = toDiagnostics(doc, { ok: false, line: 4, column: 1, message: "invalid syntax" });
		expect(mark).toEqual({ from: doc.line(4).from, to: doc.line(4).to, severity: "error", message: "invalid syntax" });
	});
});

describe("what came of a run", () => {
	const line = { timestamp: "2026-11-24T12:00:00.1234Z", log_level: "info", logger: "x", event: "y", attributes: {} } as const;
	test("the tests of policies and mappings give the same as a run of a text", () => {
		expect(fromTest({ passing: false, messages: ["No."], log_messages: [line] })).toEqual({
			passing: false,
			result: "",
			messages: ["No."],
			log: [line],
			error: null,
		});
		expect(fromTest({ successful: true, result: "{}" })).toMatchObject({ passing: null, result: "{}", error: null });
		expect(fromTest({ successful: true, result: "{}" }).log).toBeUndefined();
		expect(fromTest({ successful: false, result: "KeyError" })).toMatchObject({ result: "", error: { message: "KeyError", line: 0 } });
	});
	test("its sign: an error is danger, a refusal a warning", () => {
		expect(toneOf(fromTest({ successful: false, result: "" }))).toBe("danger");
		expect(toneOf(fromTest({ passing: false, messages: [], log_messages: [] }))).toBe("warning");
		expect(toneOf(fromTest({ successful: true, result: "1" }))).toBe("good");
	});
	test("JSON is laid out, anything else stays", () => {
		expect(pretty('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}');
		expect(pretty("'a'")).toBe("'a'");
		expect(pretty('"a"')).toBe('"a"');
		expect(pretty("12345678901234567890")).toBe("12345678901234567890");
	});
	test("times in units that fit", () => {
		expect(took(412)).toBe("0.41 ms");
		expect(took(1_260_000)).toBe("1.3 sec");
		expect(clock("2026-11-24T12:34:56.1234Z")).toMatch(/^\d\d:34:56\.123$/);
		expect(clock("soon")).toBe("soon");
	});
	test("attributes of the log as text", () =>
		expect(attributesOf({ ...line, attributes: { a: "x", b: [1] } })).toEqual([
			["a", "x"],
			["b", "[1]"],
		]));
	test("a context is a JSON object, or nothing", () => {
		expect(readContext(" ")).toEqual({});
		expect(readContext('{"a": 1}')).toEqual({ a: 1 });
		for (const wrong of ["{", "[]", "1", "null"]) expect(readContext(wrong)).toBeUndefined();
	});
});

test("a text becomes an expression while its switch is on", () => {
	const field = { name: "placeholder", widget: "text" } as Field;
	expect(withExpression(field, { placeholder_expression: true }).widget).toBe("expression");
	expect(withExpression(field, { placeholder_expression: false }).widget).toBe("text");
	expect(withExpression({ ...field, widget: "choice" }, { placeholder_expression: true }).widget).toBe("choice");
});
