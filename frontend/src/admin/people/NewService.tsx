import { Button } from "@mantine/core";
import { useMemo, useState } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { UserServiceAccountResponse } from "~/api/schema.gen";
import { Form } from "~/forms/Form";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { CopyList, CopyRow } from "~/ui/Copy";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";

const plain = { nullable: false, advanced: false, options: [], required: false };

const fields = (): Field[] => [
	{ ...plain, name: "name", label: t("services.name"), help: t("services.nameHelp"), widget: "text", required: true },
	{ ...plain, name: "create_group", label: t("services.group"), help: t("services.groupHelp"), widget: "switch" },
	{ ...plain, name: "expiring", label: t("services.expiring"), help: t("services.expiringHelp"), widget: "switch", default: true },
	{ ...plain, name: "expires", label: t("services.expires"), help: t("services.expiresHelp"), widget: "time", advanced: true },
];

/** An account for a program: a name and a token that is shown once. */
export function NewService() {
	const all = useMemo(fields, []);
	const start = useMemo(() => toForm(all), [all]);
	const state = useFormState(start);
	const [made, setMade] = useState<UserServiceAccountResponse>();
	const create = useChange(
		() => send<UserServiceAccountResponse>("POST", "/core/users/service_account/", toCreate(all, state.values)),
		setMade,
	);
	const crumbs = [{ label: t("users.title"), to: at.users }];
	if (made) {
		return (
			<Page title={t("services.made", { username: made.username })} crumbs={crumbs}>
				<Section title={t("services.values")} text={t("services.valuesText")}>
					<CopyList>
						<CopyRow label={t("services.username")} value={made.username} />
						<CopyRow label={t("services.token")} value={made.token} secret />
					</CopyList>
					<Button mt="md" onClick={() => go(at.user(made.user_pk))}>
						{t("services.open")}
					</Button>
				</Section>
			</Page>
		);
	}
	return (
		<Page title={t("users.addService")} text={t("services.text")} crumbs={crumbs}>
			<Section title={t("users.details")}>
				<Form
					fields={all}
					state={state}
					existing={false}
					saving={create.isPending}
					onSave={() => create.mutate(undefined, { onError: state.refuseWith })}
					onCancel={() => go(at.users)}
					saveLabel={t("users.addService")}
				/>
			</Section>
		</Page>
	);
}
