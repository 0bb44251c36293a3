import { Table } from "@mantine/core";
import type { MailEntry, MailState } from "~/api/gatehouse";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip, type Tone } from "~/ui/Chip";
import classes from "./MailTable.module.css";

const tones: Record<MailState, Tone> = { queued: "notice", sent: "good", failed: "danger" };

/** What became of mails, and what the mail server said of each. */
export function MailTable({ mails, label, subjects }: { mails: MailEntry[]; label: string; subjects?: boolean }) {
	return (
		<Table.ScrollContainer minWidth={0}>
			<Table verticalSpacing="xs" aria-label={label}>
				<Table.Thead>
					<Table.Tr>
						<Table.Th>{t("settings.mail.logTo")}</Table.Th>
						<Table.Th>{t("settings.mail.logState")}</Table.Th>
						<Table.Th className={classes.wide}>{t("settings.mail.logWords")}</Table.Th>
						<Table.Th className={classes.when}>{t("settings.mail.logWhen")}</Table.Th>
					</Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{mails.map((mail) => (
						<Table.Tr key={mail.pk}>
							<Table.Td className={classes.words}>
								<strong>{mail.to}</strong>
								{subjects && <div className={classes.soft}>{mail.subject}</div>}
								{mail.state !== "sent" && mail.words && <div className={`${classes.soft} ${classes.narrow}`}>{mail.words}</div>}
							</Table.Td>
							<Table.Td>
								<Chip tone={tones[mail.state]}>{t(`settings.mail.states.${mail.state}`)}</Chip>
								{mail.tries > 1 && <div className={classes.soft}>{t("settings.mail.tries", { count: mail.tries })}</div>}
							</Table.Td>
							<Table.Td className={`${classes.wide} ${classes.words}`}>{mail.words || "–"}</Table.Td>
							<Table.Td className={classes.when}>
								<Ago time={mail.created} />
							</Table.Td>
						</Table.Tr>
					))}
				</Table.Tbody>
			</Table>
		</Table.ScrollContainer>
	);
}
