import { MantineThemeProvider } from "@mantine/core";
import { type ReactNode, useEffect, useId, useRef } from "react";
import classes from "./Dialog.module.css";

type Props = { title: string; onClose: () => void; children: ReactNode; buttons: ReactNode; wide?: boolean };

/** Only what is inside the dialog is shown above it and can be reached while it is open. */
const inside = { components: { Combobox: { defaultProps: { withinPortal: false } } } };

/** A question that has to be answered first. The browser's own dialog keeps the focus inside and closes with Escape. */
export function Dialog({ title, onClose, children, buttons, wide }: Props) {
	const box = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const dialog = box.current;
		if (dialog && !dialog.open) dialog.showModal();
	}, []);
	return (
		<dialog
			ref={box}
			className={`${classes.dialog} ${wide ? classes.wide : ""}`}
			aria-labelledby={id}
			onKeyDown={(event) => {
				// An open list of choices is what Escape closes first.
				if (event.key === "Escape" && event.currentTarget.querySelector("[aria-expanded=true]")) event.preventDefault();
			}}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
		>
			<h2 id={id} className={classes.title}>
				{title}
			</h2>
			<MantineThemeProvider inherit theme={inside}>
				{children}
			</MantineThemeProvider>
			<div className={classes.buttons}>{buttons}</div>
		</dialog>
	);
}
