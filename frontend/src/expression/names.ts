// Which names an expression may use at a place of its text.
import type { ExpressionName, ExpressionNames } from "~/api/gatehouse";

/** What stands before the place where a name is wanted. */
export type Place =
	| { what: "nothing" }
	/** A name by itself. */
	| { what: "name"; typed: string }
	/** A name after one or more others and a dot. */
	| { what: "member"; of: string[]; typed: string }
	/** The name of a module that is imported. */
	| { what: "module"; typed: string }
	/** A name out of a module that is imported. */
	| { what: "imported"; of: string; typed: string };

const word = "[A-Za-z_][A-Za-z0-9_]*";
const dotted = `${word}(?:\\.${word})*`;
const importing = new RegExp(`^\\s*(?:import|from)\\s+(?:${dotted}\\s*,\\s*)*((?:${dotted}\\.?)?)$`);
const importingFrom = new RegExp(`^\\s*from\\s+(${dotted})\\s+import\\s+\\(?[\\w\\s,]*?((?:${word})?)$`);
const member = new RegExp(`(?:^|[^\\w.)\\]'"])((?:${word}\\.)+)((?:${word})?)$`);
const name = new RegExp(`(?:^|[^\\w.])(${word})$`);
const empty = /(?:^|[^\w.)\]'"])$/;

/** Reads the line up to the place. */
export function placeAfter(line: string): Place {
	const from = importingFrom.exec(line);
	if (from?.[1] !== undefined && from[2] !== undefined) return { what: "imported", of: from[1], typed: from[2] };
	const module = importing.exec(line);
	if (module?.[1] !== undefined) return { what: "module", typed: module[1] };
	const inside = member.exec(line);
	if (inside?.[1] && inside[2] !== undefined) return { what: "member", of: inside[1].slice(0, -1).split("."), typed: inside[2] };
	const alone = name.exec(line);
	if (alone?.[1]) return { what: "name", typed: alone[1] };
	return empty.test(line) ? { what: "name", typed: "" } : { what: "nothing" };
}

/** Names that the text gives to others: "people = request.user" and "import json as j". */
export function aliases(text: string): Map<string, string[]> {
	const found = new Map<string, string[]>();
	for (const match of text.matchAll(new RegExp(`^[ \\t]*(${word})[ \\t]*=[ \\t]*(${dotted})[ \\t]*(?:#.*)?$`, "gm"))) {
		if (match[1] && match[2]) found.set(match[1], match[2].split("."));
	}
	for (const match of text.matchAll(new RegExp(`^[ \\t]*import[ \\t]+(${dotted})[ \\t]+as[ \\t]+(${word})`, "gm"))) {
		if (match[1] && match[2]) found.set(match[2], match[1].split("."));
	}
	return found;
}

const asName = (name: string): ExpressionName => ({ name, kind: "property", signature: "", help: "", members: [] });

/** What a module holds. */
export const membersOfModule = (names: ExpressionNames, module: string): ExpressionName[] =>
	names.modules.find((one) => one.name === module)?.members.map(asName) ?? [];

/** What stands behind the dot after a path of names; nothing when that is not known. */
export function membersOf(names: ExpressionNames, path: string[], text: string): ExpressionName[] {
	const renamed = aliases(text);
	const seen = new Set<string>();
	let [root = "", ...rest] = path;
	for (let other = renamed.get(root); other && !seen.has(root); other = renamed.get(root)) {
		seen.add(root);
		rest = [...other.slice(1), ...rest];
		root = other[0] ?? "";
	}
	let found = names.results.find((one) => one.name === root);
	for (const part of rest) found = found?.members.find((one) => one.name === part);
	return found?.members.length ? found.members : membersOfModule(names, [root, ...rest].join("."));
}

/** The words that the text uses, without the one that is being typed. */
export function wordsOf(text: string, typed: string): string[] {
	const counted = new Map<string, number>();
	for (const [found] of text.matchAll(/[A-Za-z_]\w{2,}/g)) counted.set(found, (counted.get(found) ?? 0) + 1);
	if (counted.get(typed) === 1) counted.delete(typed);
	return [...counted.keys()];
}
