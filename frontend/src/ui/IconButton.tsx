import type { ButtonHTMLAttributes } from "react";
import classes from "./IconButton.module.css";

type Props = ButtonHTMLAttributes<HTMLButtonElement> & { "aria-label": string; small?: boolean };

/** A button that shows only an icon; its label is what it says to those who do not see it. */
export function IconButton({ small, className = "", ...rest }: Props) {
	return (
		<button type="button" title={rest["aria-label"]} className={`${classes.button} ${small ? classes.small : ""} ${className}`} {...rest} />
	);
}
