import { Alert } from "@mantine/core";
import { useMemo } from "react";
import { send } from "~/api/client";
import type { ServerSettings } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toChange, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { Section } from "../frame/Page";
import { SettingsPage } from "./SettingsPage";

const plain = { nullable: false, advanced: false, options: [], required: false };
const field = (name: string, widget: Field["widget"], required = false): Field => ({
	...plain,
	name,
	widget,
	required,
	label: t(`settings.server.${name}`),
	help: t(`settings.server.${name}Help`),
});
const fields = () => [
	field("office_name", "text"),
	field("server_name", "text", true),
	field("allowed_hosts", "texts"),
	field("admin_on_lan", "switch"),
];

const PATH = "/gatehouse/settings/";

/** The name of the server, and from where it answers. */
export function ServerPage() {
	const { data, error, refetch } = useGet<ServerSettings>(PATH);
	return (
		<SettingsPage tab="server">
			{error && !data ? <Problem error={error} again={refetch} /> : data ? <Loaded settings={data} /> : <FormSkeleton />}
		</SettingsPage>
	);
}

function Loaded({ settings }: { settings: ServerSettings }) {
	const all = useMemo(fields, []);
	const start = useMemo(() => toForm(all, settings), [all, settings]);
	const state = useFormState(start);
	const save = useChange(
		() => send<ServerSettings>("PATCH", PATH, toChange(all, state.values, state.initial)),
		(saved) => {
			told(t("forms.saved"));
			state.reset(toForm(all, saved));
		},
	);
	const renamed = state.values.server_name !== state.initial.server_name;
	const closing = state.initial.admin_on_lan === true && state.values.admin_on_lan === false;
	return (
		<>
			<Section title={t("settings.server.names")}>
				<Form
					fields={all}
					state={state}
					existing
					saving={save.isPending}
					onSave={() => save.mutate(undefined, { onError: state.refuseWith })}
				>
					{renamed && (
						<Warning title={t("settings.server.renameTitle")} text={t("settings.server.renameText", { name: settings.server_name })} />
					)}
					{closing && <Warning title={t("settings.server.closeTitle")} text={t("settings.server.closeText")} />}
				</Form>
			</Section>
			<Section title={t("settings.server.addresses")} text={t("settings.server.addressesText")}>
				<CopyList>
					<CopyRow label={t("settings.server.https")} value={settings.https_url} />
					<CopyRow label={t("settings.server.http")} value={settings.http_url} />
					<CopyRow label={t("settings.server.install")} value={settings.install_id} help={t("settings.server.installHelp")} />
				</CopyList>
			</Section>
		</>
	);
}

function Warning({ title, text }: { title: string; text: string }) {
	return (
		<Alert
			variant="default"
			role="status"
			icon={<ToneIcon tone="warning" size={18} />}
			title={title}
			style={{ borderColor: "var(--gh-warning)" }}
		>
			{text}
		</Alert>
	);
}
