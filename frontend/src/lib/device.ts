import type { AuthenticatedSession } from "~/api/schema.gen";
import { currentLocale, t } from "~/text/text";

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

/** Where a session was last used: its address, and the place when the server knows it: "192.0.2.7 (Bonn, Germany)". */
export function whereOf(session: Pick<AuthenticatedSession, "last_ip" | "geo_ip">): string {
	const place = [session.geo_ip?.city, countryOf(session.geo_ip?.country)].filter(Boolean).join(", ");
	return place ? `${session.last_ip} (${place})` : session.last_ip;
}

const countryOf = (code: string | undefined): string => {
	if (!code) return "";
	try {
		return new Intl.DisplayNames(currentLocale(), { type: "region" }).of(code) ?? code;
	} catch {
		return code; // no code of a region
	}
};
