import { Button, Skeleton } from "@mantine/core";
import { type Page, remove, useChange, useGet } from "~/api/query";
import type { AuthenticatedSession, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { Section } from "../../frame/Page";
import classes from "./Help.module.css";

/** Ends every session of a person but the one that does this. */
export function Everywhere({ user }: { user: User }) {
	const { data, error, refetch } = useGet<Page<AuthenticatedSession>>("/core/authenticated_sessions/", {
		query: { user__username: user.username, page_size: 100 },
	});
	const open = (data?.results ?? []).filter(({ current }) => !current);
	const end = useChange(
		(all: AuthenticatedSession[]) => Promise.all(all.map(({ uuid }) => remove(`/core/authenticated_sessions/${uuid}/`))),
		(_done, all) => told(t("sessions.ended", { count: all.length })),
	);
	const ask = () =>
		confirm({
			title: t("sessions.endTitle", { count: open.length }),
			body: <p>{t("sessions.endText")}</p>,
			yes: t("sessions.end"),
			danger: true,
			act: () => end.mutateAsync(open),
		});
	return (
		<Section title={t("helping.sessions.title")}>
			{error && !data && <Problem error={error} again={refetch} />}
			{!error && !data && <Skeleton height={40} />}
			{data && (
				<p className={classes.plain}>{open.length > 0 ? t("helping.sessions.text", { count: open.length }) : t("helping.sessions.none")}</p>
			)}
			{open.length > 0 && (
				<Button variant="default" onClick={ask}>
					{t("helping.sessions.end")}
				</Button>
			)}
		</Section>
	);
}
