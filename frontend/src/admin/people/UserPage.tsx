import { Button, Skeleton } from "@mantine/core";
import { IconLifebuoy } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { send } from "~/api/client";
import { useChange, useGet } from "~/api/query";
import type { User } from "~/api/schema.gen";
import { toldUndo } from "~/api/undo";
import { useAddress } from "~/list/useList";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Problem } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { personName } from "~/ui/names";
import { complain } from "~/ui/notices";
import { EventList } from "../activity/EventList";
import { at } from "../frame/addresses";
import { Page, TabLinks } from "../frame/Page";
import { useMe } from "../frame/session";
import { go } from "../frame/To";
import { Help } from "./help/Help";
import { UserAccess } from "./UserAccess";
import { UserChips } from "./UserChips";
import { UserGroups } from "./UserGroups";
import { UserOverview } from "./UserOverview";
import { UserSessions } from "./UserSessions";
import { UserTokens } from "./UserTokens";

const tabs = ["overview", "help", "groups", "apps", "sessions", "tokens", "activity"] as const;

export function UserPage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const [search] = useAddress();
	const tab = tabs.find((name) => name === search.tab) ?? "overview";
	const path = `/core/users/${encodeURIComponent(pk)}/`;
	const { data: user, error, refetch } = useGet<User>(path);
	const crumbs = [{ label: t("users.title"), to: at.users }];
	if (error && !user) {
		return (
			<Page title={t("users.title")} crumbs={crumbs}>
				<Problem error={error} again={refetch} />
			</Page>
		);
	}
	if (!user) {
		return (
			<Page title="…" crumbs={crumbs}>
				<Skeleton height={320} />
			</Page>
		);
	}
	return (
		<Page
			title={personName(user)}
			crumbs={crumbs}
			icon={<Face name={personName(user)} src={user.avatar} size={48} />}
			chips={<UserChips user={user} />}
			actions={<Actions user={user} />}
			tabs={
				<TabLinks
					label={personName(user)}
					current={tab}
					tabs={tabs.map((id) => ({
						id,
						label: id === "help" ? t("helping.tab") : t(`users.tab.${id}`),
						to: at.user(user.pk, id === "overview" ? undefined : id),
					}))}
				/>
			}
		>
			{tab === "overview" && <UserOverview user={user} />}
			{tab === "help" && <Help key={user.pk} user={user} />}
			{tab === "groups" && <UserGroups user={user} />}
			{tab === "apps" && <UserAccess user={user} />}
			{tab === "sessions" && <UserSessions user={user} />}
			{tab === "tokens" && <UserTokens user={user} />}
			{tab === "activity" && <EventList fixed={{ username: user.username }} />}
		</Page>
	);
}

function Actions({ user }: { user: User }) {
	const { me } = useMe();
	const name = personName(user);
	const help = (
		<Button leftSection={<IconLifebuoy size={16} />} onClick={() => go(at.user(user.pk, "help"))}>
			{t("helping.button")}
		</Button>
	);
	const setActive = useChange(
		(active: boolean) => send("PATCH", `/core/users/${user.pk}/`, { is_active: active }),
		(_done, active) => toldUndo(t(active ? "users.activated" : "users.deactivated", { name }), "authentik_core.user", user.pk),
	);
	if (me?.pk === user.pk) return help;
	const askDeactivate = () =>
		confirm({
			title: t("users.deactivateTitle", { name }),
			body: <p>{t("users.deactivateText")}</p>,
			yes: t("users.deactivate"),
			danger: true,
			act: () => setActive.mutateAsync(false),
		});
	const impersonate = () =>
		confirm({
			title: t("users.impersonateTitle", { name }),
			body: <p>{t("users.impersonateText", { name })}</p>,
			yes: t("users.impersonate"),
			act: async () => {
				await send("POST", `/core/users/${user.pk}/impersonate/`, {});
				location.assign("/if/user/");
			},
		});
	return (
		<>
			{help}
			<Button variant="default" onClick={impersonate}>
				{t("users.impersonate")}
			</Button>
			{user.is_active ? (
				<Button variant="default" onClick={askDeactivate}>
					{t("users.deactivate")}
				</Button>
			) : (
				<Button variant="default" onClick={() => setActive.mutate(true, { onError: complain })}>
					{t("users.activate")}
				</Button>
			)}
		</>
	);
}
