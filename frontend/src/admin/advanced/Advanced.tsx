import { t } from "~/text/text";
import { at } from "../frame/addresses";
import { Page } from "../frame/Page";
import { To } from "../frame/To";
import classes from "./Advanced.module.css";
import { families } from "./families";

/** The parts that everything else is made of. */
export function Advanced() {
	return (
		<Page title={t("nav.advanced")} text={t("advanced.text")}>
			<ul className={classes.families}>
				{families.map(({ id }) => (
					<li key={id} className={`gh-panel ${classes.family}`}>
						<To to={at.family(id)} className={classes.link}>
							{t(`families.${id}.title`)}
						</To>
						<p>{t(`families.${id}.text`)}</p>
					</li>
				))}
			</ul>
		</Page>
	);
}
