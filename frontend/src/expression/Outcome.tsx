import { Alert, Anchor, Code } from "@mantine/core";
import type { LogEvent } from "~/api/schema.gen";
import { dateTime } from "~/lib/format";
import { t, tOr } from "~/text/text";
import { Chip, ToneIcon } from "~/ui/Chip";
import classes from "./Expression.module.css";
import { attributesOf, clock, type Outcome, pretty, toneOf, toneOfLevel, took } from "./ran";

type HeadlineProps = { outcome: Outcome; changed: boolean; onLine?: (line: number) => void };

/** What came of a run, as short as it can be said aloud. */
export function Headline({ outcome, changed, onLine }: HeadlineProps) {
	const { error, passing, messages, microseconds } = outcome;
	const key = error ? "failed" : passing === null ? "gave" : passing ? "passes" : "fails";
	return (
		<Alert
			variant="default"
			icon={<ToneIcon tone={toneOf(outcome)} size={18} />}
			title={t(`expression.outcome.${key}`)}
			classNames={{ title: classes.title }}
		>
			{error && (
				<p className={`gh-mono ${classes.said}`}>
					{error.type}
					{error.type && error.message && ": "}
					{error.message}
				</p>
			)}
			{error && error.line > 0 && onLine && (
				<p className={classes.said}>
					<Anchor component="button" type="button" inherit onClick={() => onLine(error.line)}>
						{t("expression.goToLine", { line: error.line })}
					</Anchor>
				</p>
			)}
			{messages.map((message, index) => (
				// biome-ignore lint/suspicious/noArrayIndexKey: the same message may be there twice
				<p key={index} className={classes.said}>
					{message}
				</p>
			))}
			{microseconds !== undefined && <p className={`gh-soft ${classes.said}`}>{t("expression.took", { time: took(microseconds) })}</p>}
			{changed && <p className={`gh-soft ${classes.said}`}>{t("expression.changed")}</p>}
		</Alert>
	);
}

/** What one reads at leisure: the result, the whole error, the log. */
export function Rest({ outcome: { result, error, log } }: { outcome: Outcome }) {
	return (
		<>
			{error?.trace && <Block title={t("expression.trace")} text={error.trace} />}
			{result !== "" && <Block title={t("expression.result")} text={pretty(result)} />}
			{log && (
				<>
					<h3 className={classes.heading}>{t("expression.log")}</h3>
					{log.length === 0 ? <p className={`gh-soft ${classes.none}`}>{t("expression.logNone")}</p> : <Log lines={log} />}
				</>
			)}
		</>
	);
}

function Block({ title, text }: { title: string; text: string }) {
	return (
		<>
			<h3 className={classes.heading}>{title}</h3>
			<Code block tabIndex={0} role="region" aria-label={title} className={classes.block}>
				{text}
			</Code>
		</>
	);
}

export function Log({ lines }: { lines: LogEvent[] }) {
	return (
		// The list is long at times and scrolls by itself.
		// biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard has to be able to scroll it
		<ol className={classes.log} aria-label={t("expression.log")} tabIndex={0}>
			{lines.map((line, index) => (
				// biome-ignore lint/suspicious/noArrayIndexKey: lines have nothing else of their own, and stay where they are
				<li key={index}>
					<time dateTime={line.timestamp} title={dateTime(line.timestamp)}>
						{clock(line.timestamp)}
					</time>
					<Chip tone={toneOfLevel(line.log_level)}>{tOr(line.log_level, `expression.level.${line.log_level}`)}</Chip>
					<span className="gh-soft">{line.logger}</span>
					<span className={classes.event}>{line.event}</span>
					{attributesOf(line).length > 0 && (
						<dl className={classes.attributes}>
							{attributesOf(line).map(([name, value]) => (
								<div key={name}>
									<dt>{name}</dt>
									<dd>{value}</dd>
								</div>
							))}
						</dl>
					)}
				</li>
			))}
		</ol>
	);
}
