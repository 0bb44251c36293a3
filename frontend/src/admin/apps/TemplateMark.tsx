import classes from "./Catalog.module.css";

/** The sign of an application of the catalogue: letters under our arch, not the maker's own sign. It stands beside the name. */
export function TemplateMark({ mark, size = 40 }: { mark: string; size?: number }) {
	return (
		<svg className={classes.mark} width={size} height={size} viewBox="0 0 40 40" aria-hidden="true" focusable="false">
			<path className={classes.arch} d="M4.5 38.5V20a15.5 15.5 0 0 1 31 0v18.5z" />
			<text className={classes.letters} x="20" y="29" textAnchor="middle" fontSize={mark.length > 1 ? 15 : 18}>
				{mark}
			</text>
		</svg>
	);
}
