import { Button } from "@mantine/core";
import { IconDeviceLaptop } from "@tabler/icons-react";
import { remove, useChange } from "~/api/query";
import type { AuthenticatedSession } from "~/api/schema.gen";
import { deviceOf } from "~/lib/device";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { notify } from "./notice";
import classes from "./Portal.module.css";
import { Rows } from "./Rows";

/** Where I am signed in. */
export function Sessions({ username }: { username: string }) {
	const end = useChange(
		(session: AuthenticatedSession) => remove(`/core/authenticated_sessions/${session.uuid}/`),
		() => notify.good(t("portal.sessions.ended")),
	);
	const askEnd = (session: AuthenticatedSession) =>
		confirm({
			title: t("portal.sessions.endTitle", { device: deviceOf(session) }),
			body: <p>{t("portal.sessions.endText")}</p>,
			yes: t("portal.sessions.end"),
			danger: true,
			act: () => end.mutateAsync(session),
		});
	return (
		<>
			<p className={classes.text}>{t("portal.sessions.text")}</p>
			<Rows<AuthenticatedSession>
				path="/core/authenticated_sessions/"
				query={{ user__username: username, ordering: "-last_used" }}
				keyOf={(session) => String(session.uuid)}
				row={(session) => ({
					icon: <IconDeviceLaptop size={24} aria-hidden="true" />,
					name: (
						<>
							{deviceOf(session)}
							{session.current && <Chip tone="good">{t("portal.sessions.this")}</Chip>}
						</>
					),
					text: t("portal.sessions.used", { ip: session.last_ip, time: ago(session.last_used) }),
					action: !session.current && (
						<Button
							variant="default"
							onClick={() => askEnd(session)}
							aria-label={t("portal.sessions.endOf", { device: deviceOf(session) })}
						>
							{t("portal.sessions.end")}
						</Button>
					),
				})}
				empty={<Empty icon={<IconDeviceLaptop size={36} />} title={t("portal.sessions.none")} />}
			/>
		</>
	);
}
