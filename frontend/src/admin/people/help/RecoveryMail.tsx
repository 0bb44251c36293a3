import { Button, Group, Select } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import { type Page, useChange, useGet } from "~/api/query";
import type { EmailStage, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { at } from "../../frame/addresses";
import { To } from "../../frame/To";
import classes from "./Help.module.css";

/** The link by mail, in the words of an e-mail stage. */
export function RecoveryMail({ user }: { user: User }) {
	const stages = useGet<Page<EmailStage>>("/stages/email/", { query: { ordering: "name", page_size: 100 } }).data?.results;
	const [chosen, setChosen] = useState<string | null>(null);
	const stage = chosen ?? stages?.[0]?.pk;
	const mail = useChange(
		() => send("POST", `/core/users/${user.pk}/recovery_email/?email_stage=${encodeURIComponent(stage ?? "")}`, {}),
		() => told(t("helping.mail.sent", { email: user.email ?? "" })),
	);
	if (!stages) return null;
	return (
		<div style={{ marginTop: 16 }}>
			<h3 style={{ margin: "0 0 4px" }}>{t("helping.mail.title")}</h3>
			{!user.email && <p className={classes.plain}>{t("helping.mail.noAddress")}</p>}
			{user.email && stages.length === 0 && (
				<p className={classes.plain}>
					{t("helping.mail.noStage")} <To to={at.newOf("stages", "emailstage")}>{t("helping.mail.addStage")}</To>
				</p>
			)}
			{user.email && stages.length > 0 && (
				<Group align="flex-end" gap="xs">
					{stages.length > 1 && (
						<Select
							label={t("helping.mail.stage")}
							description={t("helping.mail.stageHelp")}
							data={stages.map(({ pk, name }) => ({ value: pk, label: name }))}
							value={stage ?? null}
							onChange={setChosen}
							allowDeselect={false}
						/>
					)}
					<Button variant="default" leftSection={<IconMail size={16} />} loading={mail.isPending} onClick={() => mail.mutate(undefined)}>
						{t("helping.mail.send")}
					</Button>
				</Group>
			)}
			{mail.error && <p role="alert">{problemText(mail.error)}</p>}
		</div>
	);
}
