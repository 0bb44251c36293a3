import { type ReactNode, useEffect, useId, useRef } from "react";
import classes from "./Dialog.module.css";

type Props = { title: string; onClose: () => void; children: ReactNode; buttons: ReactNode };

/** A question that has to be answered first. The browser's own dialog keeps the focus inside and closes with Escape. */
export function Dialog({ title, onClose, children, buttons }: Props) {
	const box = useRef<HTMLDialogElement>(null);
	const id = useId();
	useEffect(() => {
		const dialog = box.current;
		if (dialog && !dialog.open) dialog.showModal();
	}, []);
	return (
		<dialog
			ref={box}
			className={classes.dialog}
			aria-labelledby={id}
			onCancel={(event) => {
				event.preventDefault();
				onClose();
			}}
		>
			<h2 id={id} className={classes.title}>
				{title}
			</h2>
			{children}
			<div className={classes.buttons}>{buttons}</div>
		</dialog>
	);
}
