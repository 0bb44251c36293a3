import { IconAlertTriangle, IconCircleCheck, IconCircleX, IconInfoCircle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import classes from "./Chip.module.css";

export type Tone = "good" | "notice" | "warning" | "danger" | "plain";

const icons = { good: IconCircleCheck, notice: IconInfoCircle, warning: IconAlertTriangle, danger: IconCircleX };

/** The sign of a state: the colour never stands alone. */
export function ToneIcon({ tone, size = 16 }: { tone: Tone; size?: number }) {
	if (tone === "plain") return null;
	const Icon = icons[tone];
	return <Icon size={size} aria-hidden="true" className={classes[tone]} />;
}

export function Chip({ tone = "plain", children, icon = true }: { tone?: Tone; children: ReactNode; icon?: boolean }) {
	return (
		<span className={`${classes.chip} ${classes[`${tone}Chip`]}`}>
			{icon && <ToneIcon tone={tone} size={13} />}
			{children}
		</span>
	);
}
