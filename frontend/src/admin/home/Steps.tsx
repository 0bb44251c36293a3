import { IconCircleCheckFilled, IconCircleDashed } from "@tabler/icons-react";
import type { Step } from "~/api/gatehouse";
import { t } from "~/text/text";
import { LinkTo } from "../frame/LinkTo";
import { Section } from "../frame/Page";
import classes from "./Home.module.css";

/** What to do next; gone when all of it is done. */
export function Steps({ steps, missing }: { steps: Step[]; missing: number }) {
	const open = steps.filter((step) => !step.done).length;
	if (open === 0 && missing === 0) return null;
	return (
		<Section title={t("home.steps")} text={open > 0 ? t("home.stepsLeft", { count: open }) : undefined}>
			<ul className={classes.list}>
				{steps.map((step) => (
					<li key={step.id} className={classes.item}>
						{step.done ? (
							<IconCircleCheckFilled size={20} color="var(--gh-good)" aria-hidden="true" />
						) : (
							<IconCircleDashed size={20} color="var(--gh-soft)" aria-hidden="true" />
						)}
						<div className={`${classes.words} ${step.done ? classes.done : ""}`}>
							<p>
								{step.text}
								{step.done && <span className="gh-visually-hidden"> ({t("home.done")})</span>}
							</p>
						</div>
						{!step.done && step.link && <LinkTo link={step.link} label={t("home.start")} about={step.text} />}
					</li>
				))}
				{missing > 0 && (
					<li className={classes.item}>
						<IconCircleDashed size={20} color="var(--gh-soft)" aria-hidden="true" />
						<div className={classes.words}>
							<p>{t("home.secondFactor", { count: missing })}</p>
						</div>
					</li>
				)}
			</ul>
		</Section>
	);
}
