// Marks mistakes in the text while one types; the server says what they are.
import { type Diagnostic, linter, lintGutter, nextDiagnostic, previousDiagnostic } from "@codemirror/lint";
import type { Extension, Text } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import type { ExpressionCheck } from "~/api/gatehouse";

/** Long enough that a word is finished. */
const pause = 500;

/** Where a line and a column, both from 1 and counted in characters, are in the text. The first column stands for the whole line. */
export function positionOf(doc: Text, line: number, column: number): number {
	const found = doc.line(Math.min(Math.max(line, 1), doc.lines));
	if (column < 2) return found.from + (found.text.length - found.text.trimStart().length);
	return found.from + [...found.text].slice(0, column - 1).join("").length;
}

/** The part of the text that a mistake is drawn under: the word at its place, else the rest of the line. */
export function rangeOf(doc: Text, { line, column }: Pick<ExpressionCheck, "line" | "column">): { from: number; to: number } {
	const at = positionOf(doc, line, column);
	const whole = doc.lineAt(at);
	const rest = doc.sliceString(at, whole.to);
	if (column < 2) return { from: at, to: at + rest.trimEnd().length };
	if (rest === "") return { from: Math.max(whole.from, at - 1), to: at };
	return { from: at, to: at + (/^\w+/.exec(rest)?.[0].length ?? 1) };
}

export function toDiagnostics(doc: Text, check: ExpressionCheck): Diagnostic[] {
	if (check.ok) return [];
	return [{ ...rangeOf(doc, check), severity: "error", message: check.message }];
}

/** Puts the cursor on a line, in sight, with the focus in the editor. */
export function goToLine(view: EditorView, line: number, column = 0): void {
	const at = positionOf(view.state.doc, line, column);
	view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
	view.focus();
	view.dom.scrollIntoView({ block: "nearest" });
}

/** The extension of an editor: asks after a pause, and tells what came of it; undefined as long as it is not known. */
export function marks(check: (text: string) => Promise<ExpressionCheck>, told: (found: ExpressionCheck | undefined) => void): Extension {
	async function ask(view: EditorView): Promise<Diagnostic[]> {
		const { doc } = view.state;
		if (doc.toString().trim() === "") {
			told(undefined);
			return [];
		}
		try {
			const found = await check(doc.toString());
			if (view.state.doc !== doc) return [];
			told(found);
			return toDiagnostics(doc, found);
		} catch {
			// No answer is no mistake; saving checks the text once more.
			told(undefined);
			return [];
		}
	}
	return [
		linter(ask, { delay: pause }),
		lintGutter(),
		keymap.of([
			{ key: "F8", run: nextDiagnostic },
			{ key: "Shift-F8", run: previousDiagnostic },
		]),
	];
}
