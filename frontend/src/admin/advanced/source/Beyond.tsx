import { Button, NativeSelect, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import { ApiError, send } from "~/api/client";
import type { SamlSourceBeyond } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { ReferencesInput } from "~/forms/ReferenceInput";
import { t } from "~/text/text";
import { complain, told } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { Section } from "../../frame/Page";
import { To } from "../../frame/To";
import classes from "./Source.module.css";

/** Settings of a SAML source that the published form does not have. */
export function Beyond({ path, canChange }: { path: string; canChange: boolean }) {
	const { data } = useGet<SamlSourceBeyond>(path);
	if (!data) return null;
	return (
		<Section title={t("sourcePage.rules")} text={t("sourcePage.rulesText")}>
			<Rules key={JSON.stringify(data)} path={path} stored={data} canChange={canChange} />
		</Section>
	);
}

const switches = ["logout_other_side", "allow_unsigned", "allow_sha1"] as const;

function Rules({ path, stored, canChange }: { path: string; stored: SamlSourceBeyond; canChange: boolean }) {
	const [now, setNow] = useState(stored);
	const save = useChange(
		() => send<SamlSourceBeyond>("PUT", path, now),
		() => told(t("sourcePage.saved")),
	);
	const wrong = save.error instanceof ApiError ? save.error.fields : {};
	const set = (more: Partial<SamlSourceBeyond>) => setNow({ ...now, ...more });
	return (
		<form
			className={classes.form}
			onSubmit={(event) => {
				event.preventDefault();
				save.mutate(undefined, { onError: (problem) => !(problem instanceof ApiError && problem.status === 400) && complain(problem) });
			}}
		>
			<TextInput
				label={t("sourcePage.idp")}
				description={t("sourcePage.idpHelp")}
				value={now.idp_entity_id}
				error={wrong.idp_entity_id?.[0]}
				disabled={!canChange}
				onChange={(event) => set({ idp_entity_id: event.currentTarget.value })}
			/>
			<Further now={now.further_verification_kps} wrong={wrong.further_verification_kps?.[0]} canChange={canChange} set={set} />
			<TextInput
				label={t("sourcePage.username")}
				description={t("sourcePage.usernameHelp")}
				value={now.username_attribute}
				error={wrong.username_attribute?.[0]}
				disabled={!canChange}
				onChange={(event) => set({ username_attribute: event.currentTarget.value })}
			/>
			<NativeSelect
				label={t("sourcePage.sloBinding")}
				value={now.slo_binding}
				disabled={!canChange}
				onChange={(event) => set({ slo_binding: event.currentTarget.value as SamlSourceBeyond["slo_binding"] })}
				data={(["redirect", "post"] as const).map((value) => ({ value, label: t(`sourcePage.bindings.${value}`) }))}
			/>
			{switches.map((name) => (
				<Switch
					key={name}
					label={t(`sourcePage.switch.${name}.label`)}
					description={t(`sourcePage.switch.${name}.help`)}
					checked={now[name]}
					disabled={!canChange}
					onChange={(event) => set({ [name]: event.currentTarget.checked })}
				/>
			))}
			{canChange && (
				<Button type="submit" loading={save.isPending} disabled={JSON.stringify(now) === JSON.stringify(stored)}>
					{t("sourcePage.save")}
				</Button>
			)}
		</form>
	);
}

const certificates = { path: "/crypto/certificatekeypairs/", key: "pk" };

type FurtherProps = { now: string[]; wrong: string | undefined; canChange: boolean; set: (more: Partial<SamlSourceBeyond>) => void };

/** The certificates that answers may be signed with beside the one of the published form. */
function Further({ now, wrong, canChange, set }: FurtherProps) {
	const label = t("sourcePage.further");
	return (
		<div>
			<ReferencesInput
				id="further-certificates"
				label={label}
				description={t("sourcePage.furtherHelp")}
				error={wrong}
				required={false}
				disabled={!canChange}
				field={{
					name: "further_verification_kps",
					label,
					help: "",
					widget: "references",
					nullable: false,
					required: false,
					advanced: false,
					options: [],
					reference: certificates,
				}}
				value={now}
				onChange={(next) => set({ further_verification_kps: next.map(String) })}
			/>
			{canChange && (
				<p className={classes.hint}>
					<To to={at.newCertificate}>{t("sourcePage.addCertificate")}</To>
				</p>
			)}
		</div>
	);
}
