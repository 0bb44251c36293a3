import { useMemo } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { FlowSet, Invitation } from "~/api/schema.gen";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { Page, Section } from "../../frame/Page";
import { go } from "../../frame/To";
import { bodyOf, checkInvitation } from "./body";
import { useInvitationFlows } from "./flows";
import { Setup } from "./Setup";

const plain = { nullable: false, advanced: false, options: [], required: false };

const fieldsFor = (flows: FlowSet[]): Field[] => [
	{ ...plain, name: "who", label: t("invitations.new.who"), help: t("invitations.new.whoHelp"), widget: "text", required: true },
	{ ...plain, name: "email", label: t("invitations.new.email"), help: t("invitations.new.emailHelp"), widget: "text" },
	{ ...plain, name: "username", label: t("invitations.new.username"), help: t("invitations.new.usernameHelp"), widget: "text" },
	{ ...plain, name: "lasts", label: t("invitations.new.lasts"), help: "", widget: "duration", required: true, default: "days=3" },
	{
		...plain,
		name: "single_use",
		label: t("invitations.new.single"),
		help: t("invitations.new.singleHelp"),
		widget: "switch",
		default: true,
	},
	{
		...plain,
		name: "flow",
		label: t("invitations.new.flow"),
		help: t("invitations.new.flowHelp"),
		widget: "choice",
		required: true,
		advanced: flows.length === 1,
		options: flows.map(({ pk, name }) => ({ value: pk, label: name })),
		default: flows[0]?.pk,
	},
	{ ...plain, name: "more", label: t("invitations.new.more"), help: t("invitations.new.moreHelp"), widget: "json", advanced: true },
];

export function NewInvitation() {
	const { flows, error, refetch } = useInvitationFlows();
	return (
		<Page title={t("invitations.new.title")} text={t("invitations.text")} crumbs={[{ label: t("users.invitations"), to: at.invitations }]}>
			{error && !flows && <Problem error={error} again={refetch} />}
			{flows?.length === 0 && <Setup />}
			{flows?.length !== 0 && (
				<Section title={t("invitations.new.details")}>{flows ? <Asked flows={flows} /> : !error && <FormSkeleton />}</Section>
			)}
		</Page>
	);
}

function Asked({ flows }: { flows: FlowSet[] }) {
	const fields = useMemo(() => fieldsFor(flows), [flows]);
	const start = useMemo(() => toForm(fields), [fields]);
	const state = useFormState(start);
	const make = useChange(
		() => send<Invitation>("POST", "/stages/invitation/invitations/", bodyOf(state.values, Date.now())),
		(made) => {
			told(t("forms.created"));
			go(at.invitation(made.pk));
		},
	);
	return (
		<Form
			fields={fields}
			state={state}
			existing={false}
			saving={make.isPending || make.isSuccess}
			extraCheck={() => checkInvitation(state.values)}
			onSave={() => make.mutate(undefined, { onError: state.refuseWith })}
			onCancel={() => go(at.invitations)}
			saveLabel={t("invitations.new.make")}
		/>
	);
}
