import { useMemo } from "react";
import { send } from "~/api/client";
import type { SamlBeyond } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { Section } from "../frame/Page";
import { beyondFields } from "./samlFields";

/** What a SAML provider has that the release does not: signatures, encryption, signing out. */
export function SamlMore({ provider }: { provider: number }) {
	const path = `/gatehouse/providers/saml/${provider}/beyond/`;
	const { data, error, refetch } = useGet<SamlBeyond>(path);
	return (
		<Section title={t("samlMore.title")} text={t("samlMore.text")}>
			{data ? <More key={provider} path={path} data={data} /> : error ? <Problem error={error} again={refetch} /> : <FormSkeleton />}
		</Section>
	);
}

function More({ path, data }: { path: string; data: SamlBeyond }) {
	const fields = useMemo(beyondFields, []);
	const start = useMemo(() => toForm(fields, data as unknown as Row), [fields, data]);
	const state = useFormState(start);
	const save = useChange(
		() => send<SamlBeyond>("PUT", path, { encryption_kp: null, ...toCreate(fields, state.values) }),
		() => {
			state.reset(state.values);
			told(t("forms.saved"));
		},
	);
	return (
		<Form
			fields={fields}
			state={state}
			existing
			saving={save.isPending}
			onSave={() => save.mutate(undefined, { onError: state.refuseWith })}
		/>
	);
}
