import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { python } from "@codemirror/lang-python";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { Input } from "@mantine/core";
import { type RefObject, useEffect, useRef } from "react";
import classes from "./CodeInput.module.css";

type Props = {
	id: string;
	label: string;
	description?: string;
	error?: string;
	required: boolean;
	value: string;
	mode: "json" | "python";
	onChange: (value: string) => void;
	/** What the editor does beyond that; the same ones for as long as it stands. */
	extensions?: Extension;
	/** What describes the text besides the help, by its id. */
	describedBy?: string;
	/** Is given the editor, for who has to lead to a place in the text. */
	handle?: RefObject<EditorView | undefined>;
};

const colours = HighlightStyle.define([
	{ tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword], color: "var(--gh-accent)", fontWeight: "600" },
	{ tag: [tags.string, tags.special(tags.string)], color: "var(--gh-good)" },
	{ tag: [tags.number, tags.bool, tags.null], color: "var(--gh-notice)" },
	{ tag: tags.comment, color: "var(--gh-soft)", fontStyle: "italic" },
	{ tag: tags.propertyName, color: "var(--gh-accent)" },
	{ tag: tags.invalid, color: "var(--gh-danger)" },
]);

/** Code or JSON. Tab leaves the editor, so that the keyboard never gets stuck in it. */
export default function CodeInput(props: Props) {
	const { id, label, description, error, required, value, mode, onChange, extensions, describedBy = "", handle } = props;
	const box = useRef<HTMLDivElement>(null);
	const view = useRef<EditorView>(undefined);
	const changed = useRef(onChange);
	changed.current = onChange;
	const first = useRef(value);
	const hasError = !!error;

	useEffect(() => {
		if (!box.current) return;
		const editor = new EditorView({
			parent: box.current,
			state: EditorState.create({
				doc: first.current,
				extensions: [
					lineNumbers(),
					history(),
					drawSelection(),
					indentOnInput(),
					bracketMatching(),
					syntaxHighlighting(colours),
					mode === "json" ? json() : python(),
					EditorView.lineWrapping,
					extensions ?? [],
					keymap.of([...defaultKeymap, ...historyKeymap]),
					EditorView.contentAttributes.of({
						id,
						"aria-labelledby": `${id}-label`,
						"aria-describedby": `${id}-description ${id}-error ${describedBy}`.trim(),
					}),
					EditorView.updateListener.of((update) => {
						if (update.docChanged) changed.current(update.state.doc.toString());
					}),
				],
			}),
		});
		view.current = editor;
		if (handle) handle.current = editor;
		return () => {
			first.current = editor.state.doc.toString();
			editor.destroy();
		};
	}, [id, mode, extensions, describedBy, handle]);

	useEffect(() => {
		const editor = view.current;
		if (!editor || editor.state.doc.toString() === value) return;
		editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
	}, [value]);

	return (
		<Input.Wrapper
			label={label}
			labelElement="div"
			labelProps={{ id: `${id}-label` }}
			description={description}
			descriptionProps={{ id: `${id}-description` }}
			error={error}
			errorProps={{ id: `${id}-error` }}
			required={required}
		>
			<div ref={box} className={classes.editor} data-error={hasError || undefined} />
		</Input.Wrapper>
	);
}
