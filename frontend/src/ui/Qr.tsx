import { useMemo } from "react";
import { qrCode, qrPath } from "~/lib/qr";
import { t } from "~/text/text";
import classes from "./Qr.module.css";

const BORDER = 4;

/** A text as a QR code, dark on white in every scheme since scanners want that. */
export function Qr({ text, label }: { text: string; label: string }) {
	const drawn = useMemo(() => {
		const code = qrCode(text);
		return code && { path: qrPath(code, BORDER), size: code.size + 2 * BORDER };
	}, [text]);
	if (!drawn) return <p className="gh-soft">{t("qr.tooLong")}</p>;
	return (
		<svg
			className={classes.code}
			viewBox={`0 0 ${drawn.size} ${drawn.size}`}
			shapeRendering="crispEdges"
			role="img"
			aria-label={t("qr.label", { what: label })}
		>
			<path fill="#fff" d={`M0 0h${drawn.size}v${drawn.size}H0z`} />
			<path fill="#000" d={drawn.path} />
		</svg>
	);
}
