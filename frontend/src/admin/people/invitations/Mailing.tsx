import { Button, Textarea } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { type FormEvent, useId, useState } from "react";
import { ApiError, send } from "~/api/client";
import type { InvitationMails } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import type { Invitation } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Dialog } from "~/ui/Dialog";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { MailTable } from "../../frame/MailTable";
import { Section } from "../../frame/Page";
import { addressesIn } from "./mail";
import { isOver, knownOf } from "./who";

type Props = { invitation: Invitation; flow: string };

/** Mails the link from the server, and shows what became of each mail. */
export function Mailing({ invitation, flow }: Props) {
	const path = `/gatehouse/invitations/${encodeURIComponent(invitation.pk)}/mail/`;
	const [watching, setWatching] = useState(false);
	const [open, setOpen] = useState(false);
	const { data, error, refetch } = useGet<InvitationMails>(path, { every: watching ? 3_000 : undefined });
	const waiting = data?.results.some(({ state }) => state === "queued") ?? false;
	if (waiting !== watching) setWatching(waiting);
	const cant = isOver(invitation) ? t("invitations.mailing.over") : data?.problem;
	return (
		<Section
			title={t("invitations.mailing.title")}
			text={cant || t("invitations.mailing.text")}
			actions={
				data &&
				!cant && (
					<Button variant="default" leftSection={<IconMail size={16} />} aria-haspopup="dialog" onClick={() => setOpen(true)}>
						{t("invitations.mailing.open")}
					</Button>
				)
			}
		>
			{error && !data && <Problem error={error} again={refetch} />}
			{data && data.results.length > 0 && <MailTable mails={data.results} label={t("invitations.mailing.sentTo")} />}
			{open && <Ask invitation={invitation} flow={flow} path={path} onClose={() => setOpen(false)} />}
		</Section>
	);
}

function Ask({ invitation, flow, path, onClose }: Props & { path: string; onClose: () => void }) {
	const form = useId();
	const [to, setTo] = useState(knownOf(invitation, "email"));
	const [message, setMessage] = useState("");
	const addresses = addressesIn(to);
	const mail = useChange(
		() => send<InvitationMails>("POST", path, { addresses, flow: invitation.flow ?? flow, message }),
		() => {
			told(t("invitations.mailing.queued", { count: addresses.length }));
			onClose();
		},
	);
	const fields = mail.error instanceof ApiError ? mail.error.fields : {};
	const elsewhere = mail.error && !fields.addresses && !fields.message;
	function submit(event: FormEvent) {
		event.preventDefault();
		mail.mutate(undefined);
	}
	return (
		<Dialog
			title={t("invitations.mailing.dialog")}
			onClose={onClose}
			buttons={
				<>
					<Button variant="default" onClick={onClose}>
						{t("common.no")}
					</Button>
					<Button type="submit" form={form} loading={mail.isPending}>
						{t("invitations.mailing.send", { count: Math.max(1, addresses.length) })}
					</Button>
				</>
			}
		>
			<form id={form} onSubmit={submit} noValidate>
				<Textarea
					label={t("invitations.mailing.to")}
					description={t("invitations.mailing.toHelp")}
					required
					autosize
					minRows={2}
					maxRows={8}
					inputMode="email"
					data-autofocus
					value={to}
					error={fields.addresses?.join(" ")}
					onChange={(event) => {
						mail.reset();
						setTo(event.currentTarget.value);
					}}
				/>
				{invitation.single_use && addresses.length > 1 && <p className="gh-soft">{t("invitations.mailing.single")}</p>}
				<Textarea
					mt="md"
					label={t("invitations.mailing.message")}
					description={t("invitations.mailing.messageHelp")}
					autosize
					minRows={3}
					maxRows={10}
					maxLength={2000}
					value={message}
					error={fields.message?.join(" ")}
					onChange={(event) => setMessage(event.currentTarget.value)}
				/>
			</form>
			{elsewhere && <p role="alert">{problemText(mail.error)}</p>}
		</Dialog>
	);
}
