import { Button, SegmentedControl, Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { IconX } from "@tabler/icons-react";
import { useEffect, useMemo, useRef } from "react";
import { send } from "~/api/client";
import { useChange, useGet } from "~/api/query";
import type { FlowStageBinding } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { useAddress } from "~/list/useList";
import { idOf, type Row } from "~/schema/description";
import { kindTitle } from "~/schema/fields";
import { useKinds } from "~/schema/use";
import { t, tOr } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";
import { lists, starts } from "../order";
import classes from "./Flow.module.css";
import { Guards } from "./Guards";
import { type FlowRow, kindOf, orderAfter } from "./parts";

type Props = {
	flow: FlowRow;
	steps: FlowStageBinding[];
	step: FlowStageBinding | undefined;
	/** The kind of a stage that is to be made. */
	model: string | undefined;
	onClose: () => void;
};

const parts = ["stage", "settings", "policies"] as const;
const how = ["evaluate_on_plan", "re_evaluate_policies", "invalid_response_action", "policy_engine_mode"] as const;

/** Beside the outline: one step, changed without leaving the flow. */
export function Panel({ flow, steps, step, model, onClose }: Props) {
	const narrow = useMediaQuery("(max-width: 480px)");
	const heading = useRef<HTMLHeadingElement>(null);
	const [search, change] = useAddress();
	const part = parts.find((one) => one === search.part) ?? "stage";
	const name = step?.stage_obj.name ?? "";
	useEffect(() => heading.current?.focus(), []);
	const title = step ? name : t("flowPage.adder.newTitle", { kind: tOr(model ?? "", `kinds.${model}.title`) });
	return (
		<section className={`gh-panel ${classes.panel}`} aria-labelledby="step-panel">
			<div className={classes.panelHead}>
				<div>
					<h2 id="step-panel" ref={heading} tabIndex={-1} className={classes.panelTitle}>
						{title}
					</h2>
					{step && <span className="gh-soft">{kindTitle(step.stage_obj)}</span>}
				</div>
				<Button variant="default" size="compact-md" leftSection={<IconX size={14} />} onClick={onClose}>
					{t("flowPage.panel.close")}
				</Button>
			</div>
			{step && (
				<SegmentedControl
					fullWidth
					orientation={narrow ? "vertical" : "horizontal"}
					mb="md"
					aria-label={t("flowPage.panel.parts", { name })}
					value={part}
					onChange={(next) => change({ part: next === "stage" ? undefined : next })}
					data={parts.map((value) => ({ value, label: t(`flowPage.panel.${value}`) }))}
				/>
			)}
			{step && part === "stage" && <Stage step={step} flow={flow.pk} />}
			{step && part === "settings" && (
				<ResourceForm key={step.pk} kind="flowstagebinding" object={step as unknown as Row} first={how} only />
			)}
			{step && part === "policies" && <Guards target={step.policybindingmodel_ptr_id} />}
			{model && <NewStage key={model} model={model} flow={flow.pk} steps={steps} onClose={onClose} />}
		</section>
	);
}

function Stage({ step, flow }: { step: FlowStageBinding; flow: string }) {
	const { kinds } = useKinds();
	const kind = kinds?.get(kindOf(step.stage_obj));
	const { data, error, refetch } = useGet<Row>(kind ? `${kind.path}${encodeURIComponent(step.stage)}/` : "", { enabled: !!kind });
	const others = (step.stage_obj.flow_set ?? []).filter((one) => one.pk !== flow).map((one) => one.name);
	if (kinds && !kind?.canChange) return <Empty title={t("flowPage.panel.stageMissing")} />;
	if (error && !data) return <Problem error={error} again={refetch} />;
	if (!kind || !data) return <Skeleton height={240} aria-busy="true" />;
	return (
		<>
			{others.length > 0 && (
				<p className={classes.note}>
					<ToneIcon tone="notice" size={18} />
					{t("flowPage.panel.shared", { flows: others.join(", ") })}
				</p>
			)}
			<ResourceForm key={step.stage} kind={kind.name} object={data} first={lists[kind.name]} />
		</>
	);
}

type NewProps = { model: string; flow: string; steps: FlowStageBinding[]; onClose: () => void };

/** A new stage that becomes the last step; when only the second half fails, the stage stays and can be added by its name. */
function NewStage({ model, flow, steps, onClose }: NewProps) {
	const { kinds } = useKinds();
	const preset = useMemo(() => ({ ...starts[model] }), [model]);
	const bind = useChange(
		(stage: string) => send("POST", "/flows/bindings/", { target: flow, stage, order: orderAfter(steps) }),
		() => {
			told(t("flowPage.adder.added"));
			onClose();
		},
	);
	return (
		<ResourceForm
			kind={model}
			first={lists[model]}
			preset={preset}
			onCancel={onClose}
			onSaved={(saved) => bind.mutate(idOf({ param: kinds?.get(model)?.param ?? "pk" }, saved), { onError: complain })}
		/>
	);
}
