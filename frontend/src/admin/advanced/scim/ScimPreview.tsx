import { Box, Code, NativeSelect } from "@mantine/core";
import { useState } from "react";
import type { ScimPlan } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { personField } from "~/forms/personField";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { Section } from "../../frame/Page";
import { useMe } from "../../frame/session";
import log from "../Log.module.css";
import classes from "./Scim.module.css";

/** What is sent of a person or a group, as they are now. */
export function ScimPreview({ path }: { path: string }) {
	const { me } = useMe();
	const [kind, setKind] = useState<"user" | "group">("user");
	const [person, setPerson] = useState<string | number | null>(me?.pk ?? null);
	const [group, setGroup] = useState<string | number | null>(null);
	const field =
		kind === "user"
			? personField(t("scimOut.one.user"))
			: { ...personField(t("scimOut.one.group")), name: "group", reference: { path: "/core/groups/", key: "pk" } };
	const value = kind === "user" ? person : group;
	const { data, error, refetch } = useGet<ScimPlan>(`${path}preview/`, {
		query: { [kind]: value ?? undefined },
		enabled: value !== null,
		keep: true,
	});
	return (
		<Section title={t("scimOut.preview")} text={t("scimOut.previewText")}>
			<div className={classes.asks}>
				<NativeSelect
					label={t("scimOut.kind")}
					value={kind}
					onChange={(event) => setKind(event.currentTarget.value as typeof kind)}
					data={(["user", "group"] as const).map((one) => ({ value: one, label: t(`scimOut.one.${one}`) }))}
				/>
				<Box maw={420}>
					<ReferenceInput
						key={kind}
						id="scim-preview"
						label={field.label}
						required={false}
						field={field}
						value={value}
						onChange={kind === "user" ? setPerson : setGroup}
					/>
				</Box>
			</div>
			{error ? (
				<Problem error={error} again={refetch} />
			) : (
				data &&
				value !== null && (
					<>
						<p className={log.words}>
							{data.says || t(`scimOut.would.${data.does}`)} <span className="gh-mono">{data.method && `${data.method} ${data.url}`}</span>
						</p>
						{data.body && (
							<Code block tabIndex={0} aria-label={t("scimOut.preview")}>
								{JSON.stringify(data.body, null, 2)}
							</Code>
						)}
					</>
				)
			)}
		</Section>
	);
}
