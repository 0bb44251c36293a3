import { useState } from "react";
import classes from "./Face.module.css";

const initials = (name: string) => {
	const words = name.trim().split(/\s+/);
	const first = words[0]?.[0] ?? "?";
	const last = words.length > 1 ? (words.at(-1)?.[0] ?? "") : "";
	return (first + last).toUpperCase();
};

type Props = { name: string; src?: string | null; size?: number; square?: boolean };

/** The picture of a person or an application; its initials where there is none. It stands beside the name, so it says nothing itself. */
export function Face({ name, src, size = 28, square }: Props) {
	const [broken, setBroken] = useState(false);
	const shape = `${classes.face} ${square ? classes.square : ""}`;
	const box = { width: size, height: size, fontSize: size * 0.38 };
	if (src && !broken) {
		return <img className={shape} src={src} alt="" width={size} height={size} style={box} onError={() => setBroken(true)} />;
	}
	return (
		<span className={shape} style={box} aria-hidden="true">
			{initials(name)}
		</span>
	);
}
