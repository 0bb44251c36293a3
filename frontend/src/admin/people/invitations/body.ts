// Between the form of an invitation and the server.
import type { FieldErrors, Values } from "~/forms/wire";
import { parseDuration } from "~/lib/duration";
import { t } from "~/text/text";
import { slugOf } from "./flows";

const read = (value: unknown): unknown => (value ? JSON.parse(String(value)) : {});

/** What goes to the server. What belongs to one person is filled in for one person only. */
export function bodyOf(values: Values, now: number): Values {
	const text = (name: string) => String(values[name] ?? "").trim();
	const single = values.single_use === true;
	const known = single ? { name: text("who"), email: text("email"), username: text("username") } : {};
	return {
		name: slugOf(text("who")),
		flow: values.flow,
		single_use: single,
		expires: new Date(now + (parseDuration(text("lasts")) ?? 0) * 1000).toISOString(),
		fixed_data: { ...Object.fromEntries(Object.entries(known).filter(([, value]) => value)), ...(read(values.more) as object) },
	};
}

/** What has to be mended beside what every form checks. */
export function checkInvitation(values: Values): FieldErrors {
	const errors: FieldErrors = {};
	if (values.who && !slugOf(String(values.who))) errors.who = [t("invitations.new.nameWrong")];
	try {
		const more = read(values.more);
		if (!more || typeof more !== "object" || Array.isArray(more)) errors.more = [t("invitations.new.moreWrong")];
	} catch {
		errors.more = [t("invitations.new.moreWrong")];
	}
	return errors;
}
