import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import { useChange, useGet } from "~/api/query";
import type { FlowStageBinding, TypeCreate } from "~/api/schema.gen";
import { ReferenceInput } from "~/forms/ReferenceInput";
import type { Field } from "~/schema/fields";
import { useKinds } from "~/schema/use";
import { t, tOr } from "~/text/text";
import { complain, told } from "~/ui/notices";
import shared from "../Advanced.module.css";
import classes from "./Flow.module.css";
import { orderAfter } from "./parts";

const stageField = (): Field => ({
	name: "stage",
	label: t("flowPage.adder.existing"),
	help: "",
	widget: "reference",
	required: false,
	nullable: true,
	advanced: false,
	options: [],
	reference: { path: "/stages/all/", key: "pk" },
});

type Props = { flow: string; steps: FlowStageBinding[]; onNew: (kind: string) => void };

/** One more step: a stage that there is, or a new one. */
export function Adder({ flow, steps, onNew }: Props) {
	const [stage, setStage] = useState<string | number | null>(null);
	const add = useChange(
		() => send("POST", "/flows/bindings/", { target: flow, stage, order: orderAfter(steps) }),
		() => {
			setStage(null);
			told(t("flowPage.adder.added"));
		},
	);
	return (
		<fieldset className={classes.adder}>
			<legend className={classes.legend}>{t("flowPage.adder.title")}</legend>
			<ReferenceInput
				id="flow-stage"
				label={t("flowPage.adder.existing")}
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
			<NewStage onNew={onNew} />
		</fieldset>
	);
}

function NewStage({ onNew }: { onNew: (kind: string) => void }) {
	const { kinds } = useKinds();
	const types = useGet<TypeCreate[]>("/stages/all/types/").data;
	const shown = (types ?? []).filter((type) => kinds?.get(type.model_name)?.canCreate);
	if (shown.length === 0) return null;
	return (
		<Menu position="bottom-start" returnFocus={false}>
			<Menu.Target>
				<Button id="flow-new-stage" variant="default" leftSection={<IconPlus size={16} />} rightSection={<IconChevronDown size={14} />}>
					{t("flowPage.adder.fresh")}
				</Button>
			</Menu.Target>
			<Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
				<Menu.Label>{t("flowPage.adder.freshText")}</Menu.Label>
				{shown.map((type) => (
					<Menu.Item key={type.component + type.model_name} onClick={() => onNew(type.model_name)}>
						{tOr(type.name, `kinds.${type.model_name}.title`)}
						<span className={shared.note}>{tOr(type.description, `kinds.${type.model_name}.text`)}</span>
					</Menu.Item>
				))}
			</Menu.Dropdown>
		</Menu>
	);
}
