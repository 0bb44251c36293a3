import { Button } from "@mantine/core";
import { IconDeviceLaptop } from "@tabler/icons-react";
import { remove, useChange } from "~/api/query";
import type { AuthenticatedSession, User } from "~/api/schema.gen";
import { deviceOf, whereOf } from "~/lib/device";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";

/** Where a person is signed in. */
export function UserSessions({ user }: { user: User }) {
	const end = useChange(
		(all: AuthenticatedSession[]) => Promise.all(all.map((session) => remove(`/core/authenticated_sessions/${session.uuid}/`))),
		(_all, sessions) => told(t("sessions.ended", { count: sessions.length })),
	);
	const askEnd = (sessions: AuthenticatedSession[], done?: () => void) =>
		confirm({
			title: t("sessions.endTitle", { count: sessions.length }),
			body: <p>{t("sessions.endText")}</p>,
			yes: t("sessions.end"),
			danger: true,
			act: async () => {
				await end.mutateAsync(sessions).catch(complain);
				done?.();
			},
		});
	return (
		<ListView<AuthenticatedSession>
			path="/core/authenticated_sessions/"
			fixed={{ user__username: user.username }}
			ordering="-last_used"
			label={t("sessions.title")}
			keyOf={(session) => String(session.uuid)}
			nameOf={(session) => deviceOf(session)}
			iconOf={() => <IconDeviceLaptop size={20} aria-hidden="true" />}
			columns={[
				{
					id: "device",
					title: t("sessions.device"),
					cell: (session) => (
						<>
							{deviceOf(session)} {session.current && <Chip tone="notice">{t("sessions.this")}</Chip>}
						</>
					),
				},
				{
					id: "ip",
					title: t("sessions.ip"),
					sort: "last_ip",
					from: "phone",
					cell: (session) => <span className="gh-mono gh-once">{whereOf(session)}</span>,
				},
				{ id: "used", title: t("sessions.used"), sort: "last_used", cell: (session) => <Ago time={session.last_used} /> },
				{ id: "expires", title: t("sessions.expires"), sort: "expires", from: "tablet", cell: (session) => <Ago time={session.expires} /> },
				{
					id: "end",
					title: t("sessions.end"),
					right: true,
					cell: (session) => (
						<Button
							size="compact-sm"
							variant="default"
							onClick={() => askEnd([session])}
							aria-label={t("sessions.endOf", { device: deviceOf(session) })}
						>
							{t("sessions.end")}
						</Button>
					),
				},
			]}
			bulk={[{ label: t("sessions.endAll"), danger: true, act: askEnd }]}
			empty={<Empty icon={<IconDeviceLaptop size={32} />} title={t("sessions.none")} text={t("sessions.noneText")} />}
		/>
	);
}
