import { IconCheck, IconCopy, IconEye, IconEyeOff } from "@tabler/icons-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { copyText } from "~/lib/clipboard";
import { t } from "~/text/text";
import classes from "./Copy.module.css";
import { IconButton } from "./IconButton";

export function CopyButton({ value, label }: { value: string; label: string }) {
	const [state, setState] = useState<"idle" | "done" | "failed">("idle");
	const timer = useRef<number>(undefined);
	useEffect(() => () => window.clearTimeout(timer.current), []);

	async function copy() {
		setState((await copyText(value)) ? "done" : "failed");
		window.clearTimeout(timer.current);
		timer.current = window.setTimeout(() => setState("idle"), 2_000);
	}

	const said = { idle: "", done: t("common.copy.done"), failed: t("common.copy.failed") }[state];
	return (
		<>
			<IconButton onClick={copy} aria-label={t("common.copy.label", { what: label })}>
				{state === "done" ? <IconCheck size={16} /> : <IconCopy size={16} />}
			</IconButton>
			<span className="gh-visually-hidden" role="status">
				{said}
			</span>
		</>
	);
}

type RowProps = { label: string; value: string; help?: ReactNode; secret?: boolean };

/** A value that another program asks for, with its copy button. */
export function CopyRow({ label, value, help, secret }: RowProps) {
	const [shown, setShown] = useState(!secret);
	return (
		<div className={classes.row}>
			<dt className={classes.label}>
				{label}
				{help && <span className={classes.help}>{help}</span>}
			</dt>
			<dd className={classes.value}>
				<span className={`gh-mono ${classes.text}`}>{shown ? value || "–" : "•".repeat(24)}</span>
				<span className={classes.buttons}>
					{secret && (
						<IconButton
							onClick={() => setShown(!shown)}
							aria-label={t(shown ? "common.secret.hideOf" : "common.secret.showOf", { what: label })}
						>
							{shown ? <IconEyeOff size={16} /> : <IconEye size={16} />}
						</IconButton>
					)}
					<CopyButton value={value} label={label} />
				</span>
			</dd>
		</div>
	);
}

export function CopyList({ children }: { children: ReactNode }) {
	return <dl className={classes.list}>{children}</dl>;
}
