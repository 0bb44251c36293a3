// What an event says in words.
import type { Event } from "~/api/schema.gen";
import { t, tOr } from "~/text/text";
import type { Tone } from "~/ui/Chip";
import { isKey } from "~/ui/names";

type Context = Record<string, unknown>;
type Model = { name?: string; model_name?: string; app?: string; pk?: string | number };

const record = (value: unknown): Context => (value && typeof value === "object" ? (value as Context) : {});
const text = (value: unknown): string => (typeof value === "string" ? value : "");

export function whoOf(event: Event): string {
	const user = record(event.user);
	const name = text(user.username);
	if (!name || name === "AnonymousUser") return t("events.nobody");
	return name;
}

/** The person behind the event, when it was done in somebody else's name. */
export function behindOf(event: Event): string {
	return text(record(record(event.user).on_behalf_of).username);
}

export const modelOfEvent = (event: Event): Model => record(record(event.context).model) as Model;

export function kindName(model: string, form: "one" | "other" = "one"): string {
	return tOr(model.replaceAll("_", " "), `kinds.${model}.${form}`);
}

function nameOf(model: Model): string {
	const name = text(model.name);
	return name && !isKey(name) ? name : t("events.anObject");
}

function whatOf(event: Event): Record<string, string> {
	const context = record(event.context);
	const model = modelOfEvent(event);
	const application = record(context.authorized_application);
	return {
		who: whoOf(event),
		kind: model.model_name ? kindName(model.model_name) : t("events.something"),
		name: nameOf(model),
		app: text(application.name) || t("events.anApplication"),
		username: text(context.username) || whoOf(event),
		message: text(context.message) || t("events.noMessage"),
		secret: text(record(context.secret).name) || t("events.aSecret"),
		to: text(context.to_email) || t("events.someone"),
		task: text(context.task_name) || text(record(context.task).name) || t("events.something"),
		version: text(context.new_version),
		policy: text(record(context.binding).name) || text(record(context.policy).name) || t("events.something"),
		flow: text(record(context.flow).name) || t("events.something"),
		person: text(record(context.user).username) || t("events.someone"),
	};
}

export function sentenceOf(event: Event): string {
	const action = event.action as string;
	const known = action.startsWith("custom_") ? "custom" : action;
	if (tOr("", `events.sentence.${known}`) === "") return t("events.sentence.other", { who: whoOf(event), action: actionName(action) });
	return t(`events.sentence.${known}`, whatOf(event));
}

export const actionName = (action: string): string => tOr(action.replace(/^custom_/, "").replaceAll("_", " "), `events.action.${action}`);

/** What the filter of an action lets through: the server takes a part of the name, so sign-ins are all of them. */
export const filterName = (action: string): string => (action === "login" ? t("events.anyLogin") : actionName(action));

const tones: Record<string, Tone> = {
	login: "good",
	authorize_application: "good",
	login_failed: "warning",
	suspicious_request: "warning",
	configuration_error: "warning",
	policy_exception: "danger",
	property_mapping_exception: "danger",
	system_exception: "danger",
	system_task_exception: "danger",
	impersonation_started: "notice",
	impersonation_ended: "notice",
	model_deleted: "notice",
	secret_view: "notice",
	update_available: "notice",
};

export const toneOf = (action: string): Tone => tones[action] ?? "plain";
