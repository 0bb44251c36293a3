import { useMemo } from "react";
import { send } from "~/api/client";
import type { ProviderBeyond } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toChange, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { Section } from "../frame/Page";

const widgets = {
	backchannel_logout_uri: "text",
	backchannel_logout_session_required: "switch",
	require_pushed_authorization_requests: "switch",
	dpop_bound_access_tokens: "switch",
	dpop_nonce_required: "switch",
	resources: "area",
} as const;

function fields(): Field[] {
	return (Object.keys(widgets) as (keyof typeof widgets)[]).map((name) => ({
		name,
		widget: widgets[name],
		label: t(`beyondPage.${name}`),
		help: t(`beyondPage.help.${name}`),
		nullable: false,
		advanced: false,
		options: [],
		required: false,
	}));
}

/** What a provider can do besides what the release has: told of logouts, pushed requests, bound tokens, resources. */
export function Beyond({ provider }: { provider: number }) {
	const path = `/gatehouse/providers/oauth2/${provider}/beyond/`;
	const { data, error, refetch } = useGet<ProviderBeyond>(path);
	return (
		<Section title={t("beyondPage.title")} text={t("beyondPage.text")}>
			{data ? <Loaded key={provider} path={path} now={data} /> : error ? <Problem error={error} again={refetch} /> : <FormSkeleton />}
		</Section>
	);
}

function Loaded({ path, now }: { path: string; now: ProviderBeyond }) {
	const all = useMemo(fields, []);
	const start = useMemo(() => toForm(all, now), [all, now]);
	const state = useFormState(start);
	const save = useChange(
		() => send<ProviderBeyond>("PATCH", path, toChange(all, state.values, state.initial)),
		(saved) => {
			told(t("forms.saved"));
			state.reset(toForm(all, saved));
		},
	);
	return (
		<Form
			fields={all}
			state={state}
			existing
			saving={save.isPending}
			onSave={() => save.mutate(undefined, { onError: state.refuseWith })}
		/>
	);
}
