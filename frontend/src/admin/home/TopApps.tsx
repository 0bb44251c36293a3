import { t } from "~/text/text";
import classes from "./TopApps.module.css";

type Bar = { name: string; count: number; text: string };

export function TopApps({ rows }: { rows: Bar[] }) {
	const most = Math.max(...rows.map((row) => row.count), 1);
	return (
		<>
			<h3 className={classes.title}>{t("home.topApps")}</h3>
			<ul className={classes.bars}>
				{rows.map((row) => (
					<li key={row.name}>
						<span className={classes.name}>{row.name}</span>
						<span className={classes.track} aria-hidden="true">
							<span className={classes.bar} style={{ width: `${(row.count / most) * 100}%` }} />
						</span>
						<span className={classes.text}>{row.text}</span>
					</li>
				))}
			</ul>
		</>
	);
}
