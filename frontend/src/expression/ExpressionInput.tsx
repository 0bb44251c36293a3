import { Anchor, Textarea } from "@mantine/core";
import { lazy, Suspense, useCallback, useRef, useState } from "react";
import { send } from "~/api/client";
import type { ExpressionCheck, ExpressionNames, ExpressionRun, ExpressionTry } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import classes from "./Expression.module.css";
import type { GoTo } from "./ExpressionEditor";
import { type Asked, Trial } from "./Trial";

const ExpressionEditor = lazy(() => import("./ExpressionEditor"));

/** The object that an expression belongs to: its model, as "app.model", and its name as it stands in the form. */
export type Subject = { model: string; name: string };

type Props = {
	id: string;
	label: string;
	description?: string;
	error?: string;
	required: boolean;
	value: string;
	onChange: (value: string) => void;
	/** The name of the field, for objects with several expressions. */
	field: string;
	subject: Subject;
};

const check = (expression: string) => send<ExpressionCheck>("POST", "/gatehouse/expressions/check/", { expression });

/** The editor of an expression: names while one types, mistakes as they happen, and a run of the text as it stands. */
export function ExpressionInput({ field, subject, ...input }: Props) {
	const { data: names } = useGet<ExpressionNames>("/gatehouse/expressions/names/", { query: { model: subject.model } });
	const [found, setFound] = useState<ExpressionCheck>();
	const goTo = useRef<GoTo>(undefined);
	const onLine = useCallback((line: number) => goTo.current?.(line), []);
	const state = `${input.id}-state`;
	const { onChange, ...shown } = input;

	const run = ({ user, context }: Asked) =>
		send<ExpressionRun>("POST", "/gatehouse/expressions/run/", {
			model: subject.model,
			name: subject.name,
			expression: input.value,
			user,
			context,
			field,
		} satisfies ExpressionTry);

	return (
		<div>
			<Suspense fallback={<Textarea {...shown} readOnly rows={6} />}>
				<ExpressionEditor {...input} names={names} check={check} onChecked={setFound} describedBy={state} goTo={goTo} />
			</Suspense>
			<div className={classes.state}>
				<div id={state} role="status" className={classes.found}>
					{input.value.trim() !== "" && found && <Found found={found} onGo={() => goTo.current?.(found.line, found.column)} />}
				</div>
				<span className="gh-soft">{t("expression.keys")}</span>
			</div>
			{names && (
				<section className={classes.trial} aria-labelledby={`${input.id}-try`}>
					<h3 id={`${input.id}-try`}>{t("expression.try")}</h3>
					<p className={`gh-soft ${classes.lead}`}>{t("expression.tryText")}</p>
					<Trial id={`${input.id}-try`} run={run} text={input.value} onLine={onLine} />
				</section>
			)}
		</div>
	);
}

/** What the check of the text found, in words: the marks in the editor are only seen. */
function Found({ found, onGo }: { found: ExpressionCheck; onGo: () => void }) {
	if (found.ok)
		return (
			<>
				<ToneIcon tone="good" size={14} /> {t("expression.good")}
			</>
		);
	return (
		<>
			<ToneIcon tone="danger" size={14} />{" "}
			<Anchor component="button" type="button" inherit onClick={onGo}>
				{t("expression.wrong", { line: found.line, message: found.message })}
			</Anchor>
		</>
	);
}
