import { Button } from "@mantine/core";
import { IconDeviceLaptop } from "@tabler/icons-react";
import { type Page, remove, useChange, useGet } from "~/api/query";
import type { AuthenticatedSession } from "~/api/schema.gen";
import { deviceOf, whereOf } from "~/lib/device";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { notify } from "./notice";
import classes from "./Portal.module.css";
import { Rows } from "./Rows";

const queryOf = (username: string) => ({ user__username: username, ordering: "-last_used" });

/** Ends every session but this one. */
function EndOthers({ username }: { username: string }) {
	const { data } = useGet<Page<AuthenticatedSession>>("/core/authenticated_sessions/", {
		query: { page_size: 100, ...queryOf(username) },
	});
	const others = (data?.results ?? []).filter((session) => !session.current);
	const end = useChange(
		(all: AuthenticatedSession[]) => Promise.all(all.map(({ uuid }) => remove(`/core/authenticated_sessions/${uuid}/`))),
		(_done, all) => notify.good(t("account.sessions.othersEnded", { count: all.length })),
	);
	if (others.length < 2) return null;
	const ask = () =>
		confirm({
			title: t("account.sessions.endOthersTitle", { count: others.length }),
			body: <p>{t("account.sessions.endOthersText")}</p>,
			yes: t("account.sessions.endOthers"),
			danger: true,
			act: () => end.mutateAsync(others),
		});
	return (
		<Button variant="default" mb={16} onClick={ask}>
			{t("account.sessions.endOthers")}
		</Button>
	);
}

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
			<EndOthers username={username} />
			<Rows<AuthenticatedSession>
				path="/core/authenticated_sessions/"
				query={queryOf(username)}
				keyOf={(session) => String(session.uuid)}
				row={(session) => ({
					icon: <IconDeviceLaptop size={24} aria-hidden="true" />,
					name: (
						<>
							{deviceOf(session)}
							{session.current && <Chip tone="good">{t("portal.sessions.this")}</Chip>}
						</>
					),
					text: t("portal.sessions.used", { ip: whereOf(session), time: ago(session.last_used) }),
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
