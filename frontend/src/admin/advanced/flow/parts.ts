// What the page of a flow is made of: steps in order, and what is asked before each.
import { type Page, useGet } from "~/api/query";
import type { Flow, FlowStageBinding, PolicyBinding } from "~/api/schema.gen";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { nameOfRow } from "../names";

export const nameOfGuard = (guard: PolicyBinding) => nameOfRow(guard as unknown as Row);

export const useSteps = (flow: string) =>
	useGet<Page<FlowStageBinding>>("/flows/bindings/", { query: { target: flow, ordering: "order", page_size: 100 } });

/** What is bound to any of these, by what it is bound to. */
export function useGuards(targets: string[]) {
	const { data } = useGet<Page<PolicyBinding>>("/policies/bindings/", {
		query: { target_in: targets.join(","), ordering: "order", page_size: 100 },
		enabled: targets.length > 0,
		keep: true,
	});
	return data && byTarget(data.results);
}

export function byTarget(guards: readonly PolicyBinding[]): Map<string, PolicyBinding[]> {
	const found = new Map<string, PolicyBinding[]>();
	for (const guard of guards) found.set(guard.target, [...(found.get(guard.target) ?? []), guard]);
	return found;
}

const worded = (guard: PolicyBinding) => (guard.negate ? t("flowPage.not", { who: nameOfGuard(guard) }) : nameOfGuard(guard));

/** When a step is shown, in words; a binding that is switched off asks nobody. */
export function whenShown(step: Pick<FlowStageBinding, "policy_engine_mode">, guards: readonly PolicyBinding[]): string[] {
	const on = guards.filter((guard) => guard.enabled).map(worded);
	const off = guards.filter((guard) => !guard.enabled).map(nameOfGuard);
	const said =
		on.length === 0
			? t("flowPage.always")
			: on.length === 1
				? t("flowPage.asked", { who: on[0] ?? "" })
				: t(step.policy_engine_mode === "all" ? "flowPage.askedAll" : "flowPage.askedAny", { who: on.join(", ") });
	return off.length > 0 ? [said, t("flowPage.off", { who: off.join(", ") })] : [said];
}

/** The model of an object without its app, as kinds are known by. */
export const kindOf = (row: { meta_model_name: string }) => row.meta_model_name.slice(row.meta_model_name.lastIndexOf(".") + 1);

export type FlowRow = Pick<Flow, "pk" | "slug" | "name" | "policybindingmodel_ptr_id">;

/** The order after the last step, with room before it. */
export const orderAfter = (rows: readonly { order: number }[]) => rows.reduce((most, { order }) => Math.max(most, order), -10) + 10;
