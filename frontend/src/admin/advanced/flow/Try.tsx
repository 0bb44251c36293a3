import { Alert, Button, Code, Collapse, NativeSelect, TextInput, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight, IconPlayerPlay } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useMe } from "~/admin/frame/session";
import { send } from "~/api/client";
import { ApiError } from "~/api/errors";
import type { FlowTrial, FlowTried, FlowTriedPolicy, FlowTriedStep } from "~/api/gatehouse";
import asking from "~/expression/Expression.module.css";
import { Log } from "~/expression/Outcome";
import { readContext, took } from "~/expression/ran";
import { personField } from "~/forms/personField";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { kindTitle } from "~/schema/fields";
import { t } from "~/text/text";
import { Chip, ToneIcon } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { problemText } from "~/ui/problem";
import { at } from "../../frame/addresses";
import { Section } from "../../frame/Page";
import { To } from "../../frame/To";
import classes from "./Flow.module.css";
import { answerOf, askedOf, endOf, sentenceOf, toneOfStep } from "./tried";

const CodeInput = lazy(() => import("~/forms/CodeInput"));

const comings = ["usual", "in", "out"] as const;
type Coming = (typeof comings)[number];
const signedIn: Record<Coming, boolean | null> = { usual: null, in: true, out: false };

/** What the flow would do with somebody, step by step, without anything being changed. */
export function Try({ slug }: { slug: string }) {
	const { me } = useMe();
	const [picked, setPicked] = useState<string | number | null | undefined>(undefined);
	const user = picked === undefined ? (me?.pk ?? null) : picked;
	const [coming, setComing] = useState<Coming>("usual");
	const [remote, setRemote] = useState("");
	const [context, setContext] = useState("");
	const [wrong, setWrong] = useState(false);
	const [unfolded, setUnfolded] = useState(false);
	const trial = useMutation({
		mutationFn: (asked: FlowTrial) => send<FlowTried>("POST", `/gatehouse/flows/${encodeURIComponent(slug)}/try/`, asked),
	});
	const { data, error, isPending } = trial;
	const field = personField(t("flowPage.try.user"));
	const errors = error instanceof ApiError ? error.fields : {};
	const folded = !(unfolded || wrong || errors.remote || errors.context);

	const end = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (data || error) end.current?.scrollIntoView({ block: "nearest" });
	}, [data, error]);

	function start() {
		const read = readContext(context);
		setWrong(read === undefined);
		if (read)
			trial.mutate({ user: user === null ? null : Number(user), signed_in: signedIn[coming], remote: remote.trim(), context: read });
		else requestAnimationFrame(() => document.getElementById("flow-try-context")?.focus());
	}

	return (
		<Section title={t("flowPage.try.title")} text={t("flowPage.try.text")}>
			<form
				onSubmit={(event) => {
					event.preventDefault();
					start();
				}}
			>
				<div className={asking.asked}>
					<ReferenceInput
						id="flow-try-user"
						label={field.label}
						required={false}
						field={field}
						value={user}
						onChange={setPicked}
						error={errors.user?.join(" ")}
					/>
					<NativeSelect
						label={t("flowPage.try.coming.label")}
						value={coming}
						error={errors.signed_in?.join(" ")}
						onChange={(event) => setComing(event.currentTarget.value as Coming)}
						data={comings.map((value) => ({ value, label: t(`flowPage.try.coming.${value}`) }))}
					/>
					<Button type="submit" variant="default" leftSection={<IconPlayerPlay size={16} />} loading={isPending}>
						{t(user === null ? "flowPage.try.runNobody" : "flowPage.try.run")}
					</Button>
				</div>
				<UnstyledButton className={asking.fold} aria-expanded={!folded} onClick={() => setUnfolded(!unfolded)}>
					{folded ? <IconChevronRight size={16} /> : <IconChevronDown size={16} />}
					{t("flowPage.try.more")}
				</UnstyledButton>
				<Collapse expanded={!folded}>
					{!folded && (
						<>
							<TextInput
								id="flow-try-remote"
								className={classes.remote}
								label={t("flowPage.try.remote")}
								description={t("flowPage.try.remoteHelp")}
								error={errors.remote?.join(" ")}
								value={remote}
								onChange={(event) => setRemote(event.currentTarget.value)}
							/>
							<Suspense>
								<CodeInput
									id="flow-try-context"
									label={t("flowPage.try.context")}
									description={t("flowPage.try.contextHelp")}
									error={wrong ? t("expression.contextWrong") : errors.context?.join(" ")}
									required={false}
									value={context}
									mode="json"
									onChange={(next) => {
										setContext(next);
										setWrong(false);
									}}
								/>
							</Suspense>
						</>
					)}
				</Collapse>
			</form>
			<div className={asking.end}>
				<div ref={end} role="status" className={classes.heard}>
					{!isPending && error && (
						<Alert variant="default" icon={<ToneIcon tone="danger" size={18} />} title={t("common.problem.title")}>
							{problemText(error)}
						</Alert>
					)}
					{!isPending && data && <End tried={data} />}
				</div>
				{!isPending && data && <Way tried={data} />}
			</div>
		</Section>
	);
}

function End({ tried }: { tried: FlowTried }) {
	const { tone, text, more } = endOf(tried);
	const said = [...more, ...tried.messages];
	return (
		<Alert variant="default" icon={<ToneIcon tone={tone} size={18} />} title={text} classNames={{ title: asking.title }}>
			{said.map((message, index) => (
				// biome-ignore lint/suspicious/noArrayIndexKey: the same message may be there twice
				<p key={index} className={asking.said}>
					{message}
				</p>
			))}
		</Alert>
	);
}

/** The way through the flow: who is asked first, then each step. */
function Way({ tried: { flow_policies, flow_policies_user, requirement, steps, passing, messages } }: { tried: FlowTried }) {
	const open = steps.length > 0 && steps.every(({ outcome }) => outcome === "open");
	return (
		<>
			{requirement.met && flow_policies.length > 0 && (
				<div className={classes.before}>
					<h3 className={asking.heading}>{t("flowPage.entry")}</h3>
					<span className={classes.small}>{askedOf({ evaluated: "plan", user: flow_policies_user })}</span>
					<Voices policies={flow_policies} />
				</div>
			)}
			<h3 className={asking.heading}>{t("flows.steps")}</h3>
			{steps.length === 0 ? (
				<Empty title={t("flows.noSteps")} text={t("flowPage.try.noSteps")} />
			) : (
				<ol className={classes.steps}>
					{steps.map((step, index) => (
						// biome-ignore lint/suspicious/noArrayIndexKey: a step that was put in has no key, and may be there twice
						<Step key={index} step={step} place={index + 1} />
					))}
				</ol>
			)}
			{!passing && open && messages.length > 0 && <p className="gh-soft">{t("flowPage.try.stops")}</p>}
		</>
	);
}

function Step({ step, place }: { step: FlowTriedStep; place: number }) {
	const { stage, policies, binding, outcome } = step;
	return (
		<li className={`${classes.step} ${classes.tried} ${outcome === "open" || outcome === "skipped" ? classes.quiet : ""}`}>
			<span className={classes.place} aria-hidden="true">
				{place}
			</span>
			<div className={classes.words}>
				<strong className={classes.triedName}>{stage?.name ?? t("flowPage.try.elsewhere")}</strong>{" "}
				<Chip tone={toneOfStep(step)}>{t(`flowPage.try.outcome.${outcome}`)}</Chip>
				{stage && <span className={classes.small}>{kindTitle(stage)}</span>}
				{!binding && <span className={classes.small}>{t("flowPage.try.putIn")}</span>}
				<p className={classes.sentence}>{sentenceOf(step)}</p>
				{policies.length > 0 && <span className={classes.small}>{askedOf(step)}</span>}
				<Voices policies={policies} />
			</div>
		</li>
	);
}

function Voices({ policies }: { policies: FlowTriedPolicy[] }) {
	if (policies.length === 0) return null;
	return (
		<ul className={classes.voices}>
			{policies.map((voice) => (
				<Voice key={voice.pk} voice={voice} />
			))}
		</ul>
	);
}

const places = { policy: "policies", group: "", user: "" } as const;

function Voice({ voice }: { voice: FlowTriedPolicy }) {
	const { tone, text } = answerOf(voice);
	const { error, messages, log_messages, took_ms, enabled, negate, via, target } = voice;
	const name = voice.name ? t(`flowPage.try.label.${via}`, { name: voice.name }) : t("flowPage.try.label.hidden");
	return (
		<li>
			<span className={classes.voice}>
				<ToneIcon tone={tone} size={16} />
				<span>
					{places[via] && voice.name ? <To to={at.object(places[via], target)}>{name}</To> : <span>{name}</span>}
					<strong>{text}</strong>
					{negate && <Chip tone="notice">{t("flowPage.guards.reversed")}</Chip>}
					{enabled && via === "policy" && <span className="gh-soft">{t("expression.took", { time: took(took_ms * 1000) })}</span>}
				</span>
			</span>
			{error ? (
				<p className={`gh-mono ${classes.sentence}`}>
					{error.line > 0 && `${t("flowPage.try.line", { line: error.line })} `}
					{[error.type, error.message].filter(Boolean).join(": ")}
				</p>
			) : (
				messages.map((message, index) => (
					// biome-ignore lint/suspicious/noArrayIndexKey: the same message may be there twice
					<p key={index} className={classes.sentence}>
						{t("flowPage.try.message", { message })}
					</p>
				))
			)}
			{error?.message.includes("prompt_data") && <p className={`gh-soft ${classes.sentence}`}>{t("flowPage.try.typed")}</p>}
			{error?.trace && (
				<details className={classes.inWords}>
					<summary>{t("expression.trace")}</summary>
					<Code block tabIndex={0} role="region" aria-label={t("expression.trace")} className={asking.block}>
						{error.trace}
					</Code>
				</details>
			)}
			{log_messages.length > 0 && (
				<details className={classes.inWords} open>
					<summary>{t("flowPage.try.log", { count: log_messages.length })}</summary>
					<Log lines={log_messages} />
				</details>
			)}
		</li>
	);
}
