import { ApiError, send } from "~/api/client";
import type { BulkOutcome, BulkRow } from "~/api/gatehouse";
import { t } from "~/text/text";

export type Chosen = { model: string; pks: string[] };
export type Change = { fields?: Record<string, unknown>; add?: Record<string, unknown>; remove?: Record<string, unknown> };

/** Of a refusal that names the reasons by key, the first reason beside what is said of the whole. */
export function withReason(problem: unknown): unknown {
	if (!(problem instanceof ApiError) || problem.status !== 400) return problem;
	const [whole] = problem.general;
	const [why] = Object.values(problem.fields).flat();
	if (!whole || !why) return problem;
	return new ApiError(problem.status, problem.fields, [t("bulk.refused", { whole, why })]);
}

async function ask(what: string, body: unknown): Promise<BulkOutcome> {
	try {
		return await send<BulkOutcome>("POST", `/gatehouse/bulk/${what}/`, body);
	} catch (problem) {
		throw withReason(problem);
	}
}

export const changeMany = (chosen: Chosen, change: Change) => ask("update", { ...chosen, ...change });

export const removeMany = (chosen: Chosen) => ask("delete", chosen);

export const tryRemove = (chosen: Chosen) => ask("delete", { ...chosen, dry_run: true });

/** What is wrong with one object, in one sentence; undefined when nothing is. */
export const reasonOf = (row: BulkRow): string | undefined => (row.ok ? undefined : Object.values(row.errors).flat().join(" "));
