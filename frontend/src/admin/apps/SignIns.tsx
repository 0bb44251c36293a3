import { Button, Skeleton } from "@mantine/core";
import { useState } from "react";
import type { RefusedSignIn, SignIns as State } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { number } from "~/lib/format";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";
import { Section } from "../frame/Page";
import { mend } from "./mend";
import classes from "./SignIns.module.css";

/** The last sign-ins at an application: why some failed, in words, and who got in. */
export function SignIns({ provider }: { provider: number }) {
	const { data, error, refetch } = useGet<State>(`/gatehouse/providers/oauth2/${provider}/signins/`, { every: 10_000 });
	return (
		<Section title={t("signIns.title")} text={t("signIns.text")}>
			{data ? <Known provider={provider} state={data} /> : error ? <Problem error={error} again={refetch} /> : <Skeleton height={96} />}
		</Section>
	);
}

/** How many causes are shown at once. */
const FIRST = 5;

function Known({ provider, state }: { provider: number; state: State }) {
	const { refused, given } = state;
	const [all, setAll] = useState(false);
	const shown = all ? refused : refused.slice(0, FIRST);
	if (refused.length === 0 && given.length === 0) return <p className={classes.soft}>{t("signIns.nothing")}</p>;
	return (
		<>
			{refused.length > 0 && (
				<ul className={classes.list} aria-label={t("signIns.refused")}>
					{shown.map((one) => (
						<Refused key={`${one.place} ${one.cause} ${one.came}`} provider={provider} one={one} />
					))}
				</ul>
			)}
			{shown.length < refused.length && (
				<Button variant="subtle" size="compact-md" onClick={() => setAll(true)}>
					{t("signIns.all", { count: refused.length })}
				</Button>
			)}
			{given.length > 0 && (
				<>
					<h3 className={classes.heading}>{t("signIns.given")}</h3>
					<ul className={classes.list} aria-label={t("signIns.given")}>
						{given.map((one) => (
							<li key={`${one.when} ${one.username}`} className={classes.row}>
								<div className={classes.head}>
									<strong>{one.username}</strong>
									<Chip tone="good">{t("signIns.gotIn")}</Chip>
									<span className={classes.when}>
										<Ago time={one.when} />
									</span>
								</div>
								<div className={classes.soft}>{one.scopes || t("signIns.noScopes")}</div>
							</li>
						))}
					</ul>
				</>
			)}
		</>
	);
}

/** Causes that let the person in all the same. */
const gentle = ["scope", "claim", "no_email"];

function Refused({ provider, one }: { provider: number; one: RefusedSignIn }) {
	const fix = useChange(
		() => mend(provider, one),
		() => told(t("signIns.mended")),
	);
	return (
		<li className={classes.row}>
			<div className={classes.head}>
				<strong>{one.says}</strong>
				{one.fixed ? (
					<Chip tone="good">{t("signIns.fixed")}</Chip>
				) : gentle.includes(one.cause) ? (
					<Chip tone="notice">{t("signIns.incomplete")}</Chip>
				) : (
					<Chip tone="warning">{t("signIns.failed")}</Chip>
				)}
				<span className={classes.when}>
					<Ago time={one.last} />
				</span>
			</div>
			<dl className={classes.pairs}>
				{one.came && (
					<>
						<dt>{t("signIns.came")}</dt>
						<dd className="gh-mono">{one.came}</dd>
					</>
				)}
				{one.expected && (
					<>
						<dt>{t("signIns.expected")}</dt>
						<dd className="gh-mono">{one.expected}</dd>
					</>
				)}
			</dl>
			<div className={classes.soft}>
				{[
					one.username && t("signIns.who", { name: one.username }),
					t("signIns.from", { ip: one.client_ip }),
					one.count > 1 && t("signIns.times", { count: one.count, times: number(one.count) }),
				]
					.filter(Boolean)
					.join(" · ")}
			</div>
			{one.fix && (
				<Button
					className={classes.fix}
					variant="default"
					size="compact-md"
					loading={fix.isPending}
					onClick={() => fix.mutate(undefined, { onError: complain })}
				>
					{t(`signIns.fixes.${one.fix}`)}
				</Button>
			)}
		</li>
	);
}
