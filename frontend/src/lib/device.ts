import type { AuthenticatedSession } from "~/api/schema.gen";
import { t } from "~/text/text";

const family = (value: unknown): string => {
	const name = value && typeof value === "object" ? (value as { family?: unknown }).family : undefined;
	return typeof name === "string" && name !== "Other" ? name : "";
};

/** The program and system of a session: "Firefox on Linux". */
export function deviceOf(session: Pick<AuthenticatedSession, "user_agent" | "last_user_agent">): string {
	const agent = (session.user_agent ?? {}) as Record<string, unknown>;
	const program = family(agent.user_agent);
	const system = family(agent.os);
	if (program && system) return t("common.device", { program, system });
	return program || system || session.last_user_agent?.slice(0, 60) || t("common.unknownDevice");
}
