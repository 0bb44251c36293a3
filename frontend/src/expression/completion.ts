// Offers, while one types, the names that the server gives an expression.
import { autocompletion, type Completion, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import type { EditorView, Rect } from "@codemirror/view";
import type { ExpressionName, ExpressionNames } from "~/api/gatehouse";
import { t, tOr } from "~/text/text";
import { membersOf, membersOfModule, placeAfter, wordsOf } from "./names";

const keywords = (
	"False None True and as assert break case continue def del elif else except finally for from global if import in is lambda match " +
	"nonlocal not or pass raise return try while with yield"
).split(" ");

/** A wrong name in a text or a remark helps nobody; inside the braces of an f-string it does. */
function isQuoted({ state, pos }: CompletionContext): boolean {
	for (let node = syntaxTree(state).resolveInner(pos, -1); ; node = node.parent) {
		if (node.name === "FormatReplacement") return false;
		if (node.name === "String" || node.name === "FormatString" || node.name === "Comment") return true;
		if (!node.parent) return false;
	}
}

/** How it is called, and what it is for; shown beside the list. */
function explain({ signature, help, name }: ExpressionName): Node {
	const box = document.createElement("div");
	const head = document.createElement("code");
	head.textContent = signature || name;
	box.append(head);
	if (help) box.append(Object.assign(document.createElement("p"), { textContent: help }));
	return box;
}

function offer(one: ExpressionName, boost: number): Completion {
	return {
		label: one.name,
		detail: one.kind === "function" && one.signature.startsWith(one.name) ? one.signature.slice(one.name.length) : kindOf(one.kind),
		type: one.kind,
		boost,
		info: one.help || one.signature ? () => explain(one) : undefined,
	};
}

const kindOf = (kind: string) => tOr("", `expression.kind.${kind}`);

/** The names that belong at a place; the best known first. */
export function optionsAt(names: ExpressionNames | undefined, line: string, text: string): { typed: string; options: Completion[] } {
	const place = placeAfter(line);
	if (place.what === "nothing") return { typed: "", options: [] };
	const { typed } = place;
	const known = names ?? { results: [], builtins: [], modules: [] };
	if (place.what === "member") return { typed, options: membersOf(known, place.of, text).map((one) => offer(one, 0)) };
	if (place.what === "imported") return { typed, options: membersOfModule(known, place.of).map((one) => offer(one, 0)) };
	if (place.what === "module")
		return { typed, options: known.modules.map(({ name }) => ({ label: name, type: "module", detail: kindOf("module") })) };
	const options = known.results.map((one) => offer(one, 3));
	const add = (labels: string[], type: string, boost: number) => {
		const taken = new Set(options.map((one) => one.label));
		for (const label of labels) if (!taken.has(label)) options.push({ label, type, detail: kindOf(type), boost });
	};
	add(keywords, "keyword", 2);
	add(known.builtins, "builtin", 1);
	add(wordsOf(text, typed), "word", 0);
	return { typed, options };
}

/** What CodeMirror asks: names from a place in the text, or none. */
export function complete(context: CompletionContext, names: ExpressionNames | undefined): CompletionResult | null {
	if (isQuoted(context)) return null;
	const line = context.state.doc.lineAt(context.pos);
	const before = line.text.slice(0, context.pos - line.from);
	const { typed, options } = optionsAt(names, before, context.state.doc.toString());
	if (options.length === 0 || (typed === "" && !before.endsWith(".") && !context.explicit)) return null;
	return { from: context.pos - typed.length, options, validFor: /^\w*$/ };
}

/** Beside the list where there is room, else below it: what is told of one name covers no other. */
function placeInfo(_view: EditorView, list: Rect, option: Rect, info: Rect, space: Rect): { style: string; class?: string } {
	const width = info.right - info.left;
	const side = space.right - list.right >= width ? "right" : list.left - space.left >= width ? "left" : undefined;
	if (!side) return { style: "top: 100%; left: 0; right: 0; margin-top: 4px" };
	const top = Math.max(space.top, Math.min(option.top, space.bottom - (info.bottom - info.top))) - list.top;
	return { style: `top: ${top}px`, class: `cm-completionInfo-${side}` };
}

/**
 * The extension of an editor. Ctrl-Space opens the list, the arrows choose, Enter takes what was chosen, Escape closes it. Nothing is
 * chosen beforehand, so that Enter at the end of a line is a new line, and Tab goes on to what comes after the editor.
 */
export function completion(names: () => ExpressionNames | undefined): Extension {
	return [
		autocompletion({
			override: [(context) => complete(context, names())],
			icons: false,
			selectOnOpen: false,
			maxRenderedOptions: 60,
			positionInfo: placeInfo,
		}),
		EditorState.phrases.of({ Completions: t("expression.completions") }),
	];
}
