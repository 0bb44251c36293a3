// Reads the sources for the tests of words: which messages they ask for, and which texts stand in them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";

type Node = { type: string; [name: string]: unknown };

export type Found = {
	/** Whole keys, with where they stand. */
	keys: Map<string, string>;
	/** Keys of which a part, written as *, is known only at run time. */
	shapes: Map<string, string>;
	/** The values that a message is asked for with, where they can be read off. */
	values: { key: string; names: string[]; where: string }[];
	/** Texts for people that come from no table. */
	loose: string[];
};

const src = fileURLToPath(new URL("../src", import.meta.url));
const readers = new Set(["t", "tOr"]);
/** Attributes that a person reads or hears. */
const spoken = new Set([
	"label",
	"title",
	"placeholder",
	"aria-label",
	"description",
	"alt",
	"text",
	"saveLabel",
	"error",
	"nothingFoundMessage",
]);
/** What is the same in every language. */
const names = new Set(["Gatehouse", "https://"]);

export function sources(): string[] {
	return readdirSync(src, { recursive: true, encoding: "utf8" })
		.filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".gen.ts"))
		.map((path) => join(src, path));
}

const hasLetters = (text: string) => /\p{L}/u.test(text) && !names.has(text.trim());
const isNode = (value: unknown): value is Node => !!value && typeof value === "object" && typeof (value as Node).type === "string";

function children(node: Node): Node[] {
	return Object.values(node).flatMap((value) => (Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []));
}

/** The strings that an argument may be: both sides of a choice, the beginning of a template. */
function readKey(node: Node, where: string, found: Found): void {
	if (node.type === "Literal" && typeof node.value === "string" && node.value.includes(".")) found.keys.set(node.value, where);
	else if (node.type === "ConditionalExpression") {
		readKey(node.consequent as Node, where, found);
		readKey(node.alternate as Node, where, found);
	} else if (node.type === "LogicalExpression") {
		readKey(node.left as Node, where, found);
		readKey(node.right as Node, where, found);
	} else if (node.type === "TemplateLiteral") {
		const parts = (node.quasis as { value: { cooked: string } }[]).map((quasi) => quasi.value.cooked);
		if (parts[0]?.includes(".")) found.shapes.set(parts.join("*"), where);
	}
}

function visit(node: Node, where: string, found: Found): void {
	if (node.type === "CallExpression" && readers.has(String((node.callee as Node).name))) {
		const given = node.arguments as Node[];
		const keys = (node.callee as Node).name === "tOr" ? given.slice(1) : given.slice(0, 1);
		for (const argument of keys) readKey(argument, where, found);
		const [key, values] = given;
		if ((node.callee as Node).name === "t" && key?.type === "Literal" && (!values || values.type === "ObjectExpression")) {
			const names = ((values?.properties as Node[] | undefined) ?? []).map((property) => String((property.key as Node | undefined)?.name));
			found.values.push({ key: String(key.value), names, where });
		}
	}
	if (node.type === "JSXText" && hasLetters(String(node.value))) found.loose.push(`${where}: ${String(node.value).trim()}`);
	if (node.type === "JSXAttribute") {
		const value = node.value as Node | null;
		const name = String((node.name as Node).name);
		if (spoken.has(name) && value?.type === "Literal" && hasLetters(String(value.value)))
			found.loose.push(`${where}: ${name}=${String(value.value)}`);
	}
	if (node.type === "Property" && spoken.has(String((node.key as Node).name))) {
		const value = node.value as Node;
		if (value.type === "Literal" && typeof value.value === "string" && hasLetters(value.value))
			found.loose.push(`${where}: ${String((node.key as Node).name)}: ${String(value.value)}`);
	}
	if (node.type === "JSXExpressionContainer") {
		const inner = node.expression as Node;
		if (inner.type === "Literal" && typeof inner.value === "string" && hasLetters(inner.value))
			found.loose.push(`${where}: ${inner.value}`);
	}
	for (const child of children(node)) visit(child, where, found);
}

export function readSources(files: string[]): Found {
	const found: Found = { keys: new Map(), shapes: new Map(), values: [], loose: [] };
	for (const file of files) {
		const program = parseAst(readFileSync(file, "utf8"), { lang: file.endsWith(".tsx") ? "tsx" : "ts" }) as unknown as Node;
		visit(program, file.slice(src.length + 1), found);
	}
	return found;
}
