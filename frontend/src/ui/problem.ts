import { ApiError } from "~/api/client";
import { t, tOr } from "~/text/text";

/** What went wrong, in words for a person: the server's sentence where it has one. */
export function problemText(problem: unknown): string {
	if (!(problem instanceof ApiError)) return t("common.problem.page");
	const own = problem.general[0] ?? Object.values(problem.fields)[0]?.[0];
	if (own && (problem.status < 500 || problem.status === 503)) return own; // 503: what it needs is not there, and it says what
	return tOr(t("common.problem.other"), `common.problem.${problem.status}`);
}
