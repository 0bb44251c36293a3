import { Button, Skeleton } from "@mantine/core";
import { send } from "~/api/client";
import { type Page, remove, useChange, useGet } from "~/api/query";
import type { Reputation, User } from "~/api/schema.gen";
import { toldUndo } from "~/api/undo";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { personName } from "~/ui/names";
import { complain, told } from "~/ui/notices";
import { Section } from "../../frame/Page";
import classes from "./Help.module.css";

/** What keeps a person from signing in: the account is off, or failed attempts are held against it. */
export function Locked({ user }: { user: User }) {
	const { data, error, refetch } = useGet<Page<Reputation>>("/policies/reputation/scores/", {
		query: { identifier: user.username, ordering: "score", page_size: 100 },
	});
	const bad = (data?.results ?? []).filter(({ score }) => (score ?? 0) < 0);
	const activate = useChange(
		() => send("PATCH", `/core/users/${user.pk}/`, { is_active: true }),
		() => toldUndo(t("users.activated", { name: personName(user) }), "authentik_core.user", user.pk),
	);
	const forget = useChange(
		(scores: Reputation[]) => Promise.all(scores.map(({ pk }) => remove(`/policies/reputation/scores/${pk}/`))),
		() => told(t("helping.locked.forgotten")),
	);
	return (
		<Section title={t("helping.locked.title")}>
			{!user.is_active && (
				<div className={classes.row}>
					<p className={classes.note}>
						<ToneIcon tone="warning" size={18} />
						{t("helping.locked.inactive")}
					</p>
					<Button loading={activate.isPending} onClick={() => activate.mutate(undefined, { onError: complain })}>
						{t("users.activate")}
					</Button>
				</div>
			)}
			{error && !data && <Problem error={error} again={refetch} />}
			{!error && !data && <Skeleton height={40} />}
			{data && bad.length === 0 && user.is_active && <p className={classes.plain}>{t("helping.locked.none")}</p>}
			{bad.length > 0 && (
				<>
					<ul className={classes.list}>
						{bad.map(({ pk, ip, score, updated }) => (
							<li key={pk} className={classes.row}>
								{t("helping.locked.score", { count: Math.abs(score ?? 0), ip, time: ago(updated) })}
							</li>
						))}
					</ul>
					<Button mt="sm" variant="default" loading={forget.isPending} onClick={() => forget.mutate(bad, { onError: complain })}>
						{t("helping.locked.forget")}
					</Button>
				</>
			)}
		</Section>
	);
}
