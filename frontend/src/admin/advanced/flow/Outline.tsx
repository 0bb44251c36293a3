import { Skeleton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconFilter, IconTrash } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { FlowStageBinding, PolicyBinding } from "~/api/schema.gen";
import { useAddress } from "~/list/useList";
import { kindTitle } from "~/schema/fields";
import { t } from "~/text/text";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Empty, Problem } from "~/ui/Empty";
import { IconButton } from "~/ui/IconButton";
import { complain } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { Section } from "../../frame/Page";
import { To } from "../../frame/To";
import { useDelete } from "../../frame/UsedBy";
import { useServerUrl } from "../../frame/useServerUrl";
import { reordered } from "../reorder";
import { Adder } from "./Adder";
import classes from "./Flow.module.css";
import { Panel } from "./Panel";
import { type FlowRow, useGuards, useSteps, whenShown } from "./parts";

/** A flow as an outline: what it asks first, its steps, and beside them the one that is being changed. */
export function Outline({ flow }: { flow: FlowRow }) {
	const { data, error, refetch } = useSteps(flow.pk);
	const [search, change] = useAddress();
	const steps = [...(data?.results ?? [])].sort((a, b) => a.order - b.order);
	const guards = useGuards(data ? [flow.policybindingmodel_ptr_id, ...steps.map((step) => step.policybindingmodel_ptr_id)] : []);
	const base = useServerUrl();
	const opener = useRef<string>(undefined);
	if (error && !data) return <Problem error={error} again={refetch} />;
	const open = (step: string, part?: string, model?: string) => {
		opener.current = document.activeElement?.id;
		change({ step, part, model });
	};
	const close = () => {
		change({ step: undefined, part: undefined, model: undefined });
		requestAnimationFrame(() => document.getElementById(opener.current ?? "")?.focus());
	};
	const opened = search.step ? String(search.step) : undefined;
	const step = steps.find(({ pk }) => pk === opened);
	const model = opened === "new" && search.model ? String(search.model) : undefined;
	return (
		<div className={step || model ? classes.sides : undefined}>
			<Section title={t("flows.steps")} text={t("flowPage.stepsText")}>
				<CopyList>
					<CopyRow label={t("flowPage.address")} help={t("flowPage.addressHelp")} value={`${base}/if/flow/${flow.slug}/`} />
				</CopyList>
				{!data ? (
					<Skeleton height={160} />
				) : (
					<>
						<Entry flow={flow} guards={guards?.get(flow.policybindingmodel_ptr_id)} />
						{steps.length === 0 ? (
							<Empty title={t("flows.noSteps")} text={t("flows.noStepsText")} />
						) : (
							<Steps steps={steps} guards={guards} current={opened} onOpen={open} />
						)}
						<Adder flow={flow.pk} steps={steps} onNew={(kind) => open("new", undefined, kind)} />
					</>
				)}
			</Section>
			{(step || model) && <Panel key={opened} flow={flow} steps={steps} step={step} model={model} onClose={close} />}
		</div>
	);
}

function Entry({ flow, guards }: { flow: FlowRow; guards: PolicyBinding[] | undefined }) {
	const count = guards?.length ?? 0;
	return (
		<p className={classes.entry}>
			<strong>{t("flowPage.entry")}</strong>{" "}
			<span className="gh-soft">{count > 0 ? t("flowPage.entryBound", { count }) : t("flowPage.entryNobody")}</span>{" "}
			<To to={at.object("flows", flow.slug, "bindings")}>{t("flowPage.entryOpen")}</To>
		</p>
	);
}

type StepsProps = {
	steps: FlowStageBinding[];
	guards: Map<string, PolicyBinding[]> | undefined;
	current: string | undefined;
	onOpen: (step: string, part?: string) => void;
};

const idOf = (step: string, what: string) => `step-${step}-${what}`;

function Steps({ steps, guards, current, onOpen }: StepsProps) {
	const askDelete = useDelete();
	const [said, setSaid] = useState("");
	const back = useRef<string>(undefined);
	const move = useChange(async ({ from, to }: { from: number; to: number }) => {
		for (const { pk, order } of reordered(steps, from, to)) await send("PATCH", `/flows/bindings/${pk}/`, { order });
	});
	const order = steps.map(({ pk }) => pk).join(" ");
	// A row that moved in the page loses the focus; a button that is at the end of its way passes it to its neighbour.
	useEffect(() => {
		if (!back.current || !order) return;
		const [step, what] = back.current.split(" ");
		back.current = undefined;
		const wanted = [what, what === "up" ? "down" : "up"].map((one) => document.getElementById(idOf(step ?? "", one ?? "")));
		wanted.find((one) => one && !(one as HTMLButtonElement).disabled)?.focus();
	}, [order]);

	function shift(from: number, to: number, what: string) {
		const step = steps[from];
		if (!step || to < 0 || to >= steps.length || move.isPending) return;
		back.current = `${step.pk} ${what}`;
		move.mutate(
			{ from, to },
			{
				onError: complain,
				onSuccess: () => setSaid(t("flowPage.moved", { name: step.stage_obj.name, place: to + 1, all: steps.length })),
			},
		);
	}
	function onKey(event: KeyboardEvent, index: number) {
		const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
		if (!event.altKey || by === undefined) return;
		event.preventDefault();
		shift(index, index + by, (document.activeElement?.id ?? "").split("-").at(-1) ?? "open");
	}

	return (
		<>
			<ol className={classes.steps}>
				{steps.map((step, index) => {
					const name = step.stage_obj.name;
					const asked = guards && whenShown(step, guards.get(step.policybindingmodel_ptr_id) ?? []);
					return (
						<li
							key={step.pk}
							className={`${classes.step} ${current === step.pk ? classes.current : ""}`}
							onKeyDown={(event) => onKey(event, index)}
						>
							<span className={classes.place} aria-hidden="true">
								{index + 1}
							</span>
							<span className={classes.words}>
								<button
									type="button"
									id={idOf(step.pk, "open")}
									className={classes.name}
									aria-label={t("flowPage.edit", { name })}
									aria-expanded={current === step.pk}
									aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown"
									onClick={() => onOpen(step.pk)}
								>
									{name}
								</button>
								<span className={classes.small}>{kindTitle(step.stage_obj)}</span>
								{asked?.map((text) => (
									<span key={text} className={classes.small}>
										{text}
									</span>
								))}
							</span>
							<span className={classes.buttons}>
								<IconButton
									id={idOf(step.pk, "up")}
									disabled={index === 0}
									aria-label={t("flows.moveUp", { name })}
									onClick={() => shift(index, index - 1, "up")}
								>
									<IconArrowUp size={16} />
								</IconButton>
								<IconButton
									id={idOf(step.pk, "down")}
									disabled={index === steps.length - 1}
									aria-label={t("flows.moveDown", { name })}
									onClick={() => shift(index, index + 1, "down")}
								>
									<IconArrowDown size={16} />
								</IconButton>
								<IconButton
									id={idOf(step.pk, "when")}
									aria-label={t("flowPage.when", { name })}
									onClick={() => onOpen(step.pk, "policies")}
								>
									<IconFilter size={16} />
								</IconButton>
								<IconButton aria-label={t("flows.removeStep", { name })} onClick={() => askDelete(`/flows/bindings/${step.pk}/`, name)}>
									<IconTrash size={16} />
								</IconButton>
							</span>
						</li>
					);
				})}
			</ol>
			<span role="status" className="gh-visually-hidden">
				{said}
			</span>
		</>
	);
}
