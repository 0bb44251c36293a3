import { Button, Skeleton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconSettings, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import { type Page, useChange, useGet } from "~/api/query";
import type { FlowStageBinding } from "~/api/schema.gen";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { type Field, kindTitle } from "~/schema/fields";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { IconButton } from "~/ui/IconButton";
import { complain } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { go, To } from "../frame/To";
import { useDelete } from "../frame/UsedBy";
import classes from "./Advanced.module.css";
import { reordered } from "./reorder";

const stageField = (): Field => ({
	name: "stage",
	label: t("flows.addStep"),
	help: "",
	widget: "reference",
	required: false,
	nullable: true,
	advanced: false,
	options: [],
	reference: { path: "/stages/all/", key: "pk" },
});

/** The steps of a flow in their order; moved with buttons, so that the keyboard can do it too. */
export function FlowSteps({ flow }: { flow: string }) {
	const { data, error, refetch } = useGet<Page<FlowStageBinding>>("/flows/bindings/", {
		query: { target: flow, ordering: "order", page_size: 100 },
	});
	const [stage, setStage] = useState<string | number | null>(null);
	const askDelete = useDelete();
	const steps = [...(data?.results ?? [])].sort((a, b) => a.order - b.order);
	const move = useChange(async ({ from, to }: { from: number; to: number }) => {
		for (const { pk, order } of reordered(steps, from, to)) await send("PATCH", `/flows/bindings/${pk}/`, { order });
	});
	const add = useChange(
		() => send("POST", "/flows/bindings/", { target: flow, stage, order: (steps.at(-1)?.order ?? -10) + 10 }),
		() => setStage(null),
	);
	if (error && !data) return <Problem error={error} again={refetch} />;
	const shift = (from: number, to: number) => move.mutate({ from, to }, { onError: complain });
	return (
		<Section title={t("flows.steps")} text={t("flows.stepsText")}>
			{!data ? (
				<Skeleton height={160} />
			) : steps.length === 0 ? (
				<Empty title={t("flows.noSteps")} text={t("flows.noStepsText")} />
			) : (
				<ol className={classes.steps}>
					{steps.map((step, index) => {
						const name = step.stage_obj.name;
						return (
							<li key={step.pk} className={classes.step}>
								<span className={classes.place} aria-hidden="true">
									{index + 1}
								</span>
								<span className={classes.stepWords}>
									<To to={at.object("stages", step.stage)}>{name}</To>
									<span className="gh-soft" style={{ display: "block", fontSize: 12 }}>
										{kindTitle(step.stage_obj)}
									</span>
								</span>
								<span className={classes.buttons}>
									<IconButton
										disabled={index === 0 || move.isPending}
										aria-label={t("flows.moveUp", { name })}
										onClick={() => shift(index, index - 1)}
									>
										<IconArrowUp size={16} />
									</IconButton>
									<IconButton
										disabled={index === steps.length - 1 || move.isPending}
										aria-label={t("flows.moveDown", { name })}
										onClick={() => shift(index, index + 1)}
									>
										<IconArrowDown size={16} />
									</IconButton>
									<IconButton aria-label={t("flows.stepSettings", { name })} onClick={() => go(at.object("steps", step.pk))}>
										<IconSettings size={16} />
									</IconButton>
									<IconButton aria-label={t("flows.removeStep", { name })} onClick={() => askDelete(`/flows/bindings/${step.pk}/`, name)}>
										<IconTrash size={16} />
									</IconButton>
								</span>
							</li>
						);
					})}
				</ol>
			)}
			<div className={classes.adder}>
				<ReferenceInput
					id="flow-stage"
					label={t("flows.addStep")}
					required={false}
					field={stageField()}
					value={stage}
					onChange={setStage}
				/>
				<Button
					variant="default"
					disabled={stage === null}
					loading={add.isPending}
					onClick={() => add.mutate(undefined, { onError: complain })}
				>
					{t("flows.add")}
				</Button>
			</div>
		</Section>
	);
}
