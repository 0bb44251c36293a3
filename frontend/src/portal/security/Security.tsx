import { Skeleton } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import type { Device } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import classes from "../Portal.module.css";
import { setupsOf, useSetups } from "../setup";
import { type Advice, adviceFor, kindOf, kinds, useDevices } from "./devices";
import { Method } from "./Method";
import own from "./Security.module.css";

/** What I sign in with: what there is, what is missing, and how to set it up. */
export function Security() {
	const devices = useDevices();
	const setups = useSetups();
	const error = devices.error ?? setups.error;
	if (error && !(devices.data && setups.data))
		return (
			<Problem
				error={error}
				again={() => {
					devices.refetch();
					setups.refetch();
				}}
			/>
		);
	if (!devices.data || !setups.data) return <Skeleton height={240} aria-busy="true" />;
	const shown = kinds.filter((kind) => setupsOf(setups.data, kind).length > 0 || devices.data.some((one) => kindOf(one) === kind));
	if (shown.length === 0) {
		return (
			<div className="gh-panel">
				<Empty icon={<IconShieldCheck size={36} />} title={t("account.security.empty")} text={t("account.security.emptyText")} />
			</div>
		);
	}
	const advice = adviceFor(devices.data, (kind) => setupsOf(setups.data, kind).length > 0);
	const next = advice.find(({ done }) => !done)?.kind;
	return (
		<>
			<p className={classes.text}>{t("account.security.text")}</p>
			{advice.length > 0 && <Next advice={advice} />}
			{shown.map((kind) => (
				<Method key={kind} kind={kind} setups={setupsOf(setups.data, kind)} next={kind === next} last={isOnly(devices.data)} />
			))}
		</>
	);
}

const isOnly = (devices: readonly Device[]) => devices.filter((one) => one.confirmed).length === 1;

function Next({ advice }: { advice: Advice[] }) {
	const done = advice.filter((one) => one.done).length;
	const all = done === advice.length;
	return (
		<section className={`gh-panel ${classes.panel}`} aria-labelledby="advice">
			<div className={own.head}>
				<h2 id="advice" className={own.title}>
					{t(all ? "account.security.advice.done" : "account.security.advice.title")}
				</h2>
				<Chip tone={all ? "good" : "notice"}>{t("account.security.advice.score", { done, all: advice.length })}</Chip>
			</div>
			{all && <p className={own.reason}>{t("account.security.advice.doneText")}</p>}
			{!all && (
				<ol className={own.steps}>
					{advice.map(({ id, done: isDone }) => (
						<li key={id} className={own.step}>
							<div>
								<strong>{t(`account.security.advice.${id}`)}</strong>{" "}
								<Chip tone={isDone ? "good" : "plain"}>
									{t(isDone ? "account.security.advice.isDone" : "account.security.advice.isOpen")}
								</Chip>
							</div>
							{!isDone && <p className={own.reason}>{t(`account.security.advice.${id}Text`)}</p>}
						</li>
					))}
				</ol>
			)}
		</section>
	);
}
