import { Button, Skeleton } from "@mantine/core";
import { IconPlugConnected } from "@tabler/icons-react";
import { type Page, remove, useChange, useGet } from "~/api/query";
import type { UserSetting, UserSourceConnection } from "~/api/schema.gen";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { confirm } from "~/ui/confirm";
import { Empty, Problem } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { matched, type Pair } from "./connected";
import { notify } from "./notice";
import classes from "./Portal.module.css";
import { thereAndBack } from "./setup";

/** Accounts elsewhere: those that are connected, and those that could be. */
export function Connections({ user }: { user: number }) {
	const offered = useGet<UserSetting[]>("/sources/all/user_settings/");
	const mine = useGet<Page<UserSourceConnection>>("/sources/user_connections/all/", { query: { user, page_size: 100 } });
	const error = offered.error ?? mine.error;
	if (error && !(offered.data && mine.data))
		return (
			<Problem
				error={error}
				again={() => {
					offered.refetch();
					mine.refetch();
				}}
			/>
		);
	if (!offered.data || !mine.data) return <Skeleton height={160} aria-busy="true" />;
	const pairs = matched(offered.data, mine.data.results);
	return (
		<>
			<p className={classes.text}>{t("account.connections.text")}</p>
			{pairs.length === 0 ? (
				<div className="gh-panel">
					<Empty icon={<IconPlugConnected size={36} />} title={t("account.connections.none")} text={t("account.connections.noneText")} />
				</div>
			) : (
				<ul className={`gh-panel ${classes.list}`}>
					{pairs.map((pair) => (
						<Row key={pair.connection?.pk ?? pair.slug} pair={pair} />
					))}
				</ul>
			)}
		</>
	);
}

function Row({ pair: { name, icon, offer, connection } }: { pair: Pair }) {
	const drop = useChange(
		(pk: number) => remove(`/sources/user_connections/all/${pk}/`),
		() => notify.good(t("account.connections.disconnected", { name })),
	);
	const ask = (pk: number) =>
		confirm({
			title: t("account.connections.disconnectTitle", { name }),
			body: <p>{t("account.connections.disconnectText")}</p>,
			yes: t("account.connections.disconnect"),
			danger: true,
			act: () => drop.mutateAsync(pk),
		});
	const address = offer?.configure_url?.startsWith("/") ? offer.configure_url : undefined;
	return (
		<li className={classes.row}>
			<Face name={name} src={icon} size={40} square />
			<div className={classes.rowWords}>
				<div className={classes.rowName}>
					{name}
					{connection ? <Chip tone="good">{t("account.connections.connected")}</Chip> : <Chip>{t("account.connections.not")}</Chip>}
				</div>
				<div className={classes.rowText}>
					{connection
						? [t("account.connections.since", { time: ago(connection.created) }), !offer && t("account.connections.off")]
								.filter(Boolean)
								.join(" · ")
						: !address && t("account.connections.byAdmin")}
				</div>
			</div>
			{connection && (
				<Button variant="default" onClick={() => ask(connection.pk)} aria-label={t("account.connections.disconnectOf", { name })}>
					{t("account.connections.disconnect")}
				</Button>
			)}
			{!connection && address && (
				<Button
					component="a"
					href={thereAndBack(address, "connections")}
					variant="default"
					aria-label={t("account.connections.connectTo", { name })}
				>
					{t("account.connections.connect")}
				</Button>
			)}
		</li>
	);
}
