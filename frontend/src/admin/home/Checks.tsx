import type { Check } from "~/api/gatehouse";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { LinkTo } from "../frame/LinkTo";
import classes from "./Home.module.css";

const rank = { danger: 0, warning: 1, notice: 2, good: 3 };

/** The health of the server: what needs a hand comes first. */
export function Checks({ checks }: { checks: Check[] }) {
	const sorted = [...checks].sort((a, b) => rank[a.state] - rank[b.state]);
	return (
		<ul className={classes.list}>
			{sorted.map((check) => (
				<li key={check.id} className={classes.item}>
					<ToneIcon tone={check.state} size={20} />
					<div className={classes.words}>
						<p>
							<span className="gh-visually-hidden">{t(`home.state.${check.state}`)}: </span>
							{check.text}
						</p>
						{check.help && <p className={classes.help}>{check.help}</p>}
					</div>
					{check.link && check.state !== "good" && <LinkTo link={check.link} label={t("home.mend")} about={check.text} />}
				</li>
			))}
		</ul>
	);
}
