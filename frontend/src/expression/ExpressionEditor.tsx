import type { EditorView } from "@codemirror/view";
import { type ComponentProps, type RefObject, useMemo, useRef } from "react";
import type { ExpressionCheck, ExpressionNames } from "~/api/gatehouse";
import CodeInput from "~/forms/CodeInput";
import { completion } from "./completion";
import { goToLine, marks } from "./marks";

type Props = Omit<ComponentProps<typeof CodeInput>, "mode" | "extensions" | "handle"> & {
	names: ExpressionNames | undefined;
	check: (text: string) => Promise<ExpressionCheck>;
	onChecked: (found: ExpressionCheck | undefined) => void;
	/** Is given what leads to a line of the text. */
	goTo: RefObject<GoTo | undefined>;
};

export type GoTo = (line: number, column?: number) => void;

/** The editor itself: it comes later than what stands around it. */
export default function ExpressionEditor({ names, check, onChecked, goTo, ...input }: Props) {
	const known = useRef(names);
	known.current = names;
	const view = useRef<EditorView>(undefined);
	const extensions = useMemo(() => [completion(() => known.current), marks(check, onChecked)], [check, onChecked]);
	goTo.current = (line, column) => view.current && goToLine(view.current, line, column);
	return <CodeInput {...input} mode="python" extensions={extensions} handle={view} />;
}
