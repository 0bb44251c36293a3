import { Button, Skeleton } from "@mantine/core";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { send } from "~/api/client";
import { useChange, useGet } from "~/api/query";
import type { Group, User } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { useAddress } from "~/list/useList";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { personName } from "~/ui/names";
import { complain } from "~/ui/notices";
import { EventList } from "../activity/EventList";
import { at } from "../frame/addresses";
import { Page, Section, TabLinks } from "../frame/Page";
import { go } from "../frame/To";
import { type Item, TwoSided } from "../frame/TwoSided";
import { Danger } from "../frame/UsedBy";

const tabs = ["members", "details", "activity"] as const;
const first = ["name", "parent", "is_superuser"] as const;
const elsewhere = ["users"] as const;

export function GroupPage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const [search] = useAddress();
	const tab = tabs.find((name) => name === search.tab) ?? "members";
	const path = `/core/groups/${encodeURIComponent(pk)}/`;
	const { data: group, error, refetch } = useGet<Group>(path);
	const crumbs = [{ label: t("groups.title"), to: at.groups }];
	if (!group) {
		return (
			<Page title={error ? t("groups.title") : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={320} />}
			</Page>
		);
	}
	return (
		<Page
			title={group.name}
			crumbs={[...crumbs, ...(group.parent && group.parent_name ? [{ label: group.parent_name, to: at.group(group.parent) }] : [])]}
			icon={<IconUsersGroup size={40} stroke={1.5} aria-hidden="true" />}
			chips={
				<>
					<Chip>{t("groups.memberCount", { count: group.users?.length ?? 0 })}</Chip>
					{group.is_superuser && <Chip tone="notice">{t("groups.admins")}</Chip>}
				</>
			}
			actions={
				<Button variant="default" leftSection={<IconPlus size={16} />} onClick={() => go(`${at.newGroup}?parent=${group.pk}`)}>
					{t("groups.addBelow")}
				</Button>
			}
			tabs={
				<TabLinks
					label={group.name}
					current={tab}
					tabs={tabs.map((id) => ({ id, label: t(`groups.tab.${id}`), to: at.group(group.pk, id === "members" ? undefined : id) }))}
				/>
			}
		>
			{tab === "members" && <Members group={group} />}
			{tab === "details" && <Details group={group} path={path} />}
			{tab === "activity" && (
				<EventList
					fixed={{ context_model_app: "authentik_core", context_model_name: "group", context_model_pk: group.pk.replaceAll("-", "") }}
				/>
			)}
		</Page>
	);
}

const toItem = (user: User): Item => ({
	key: String(user.pk),
	label: personName(user),
	note: user.name && user.name !== user.username ? user.username : undefined,
	to: at.user(user.pk),
	picture: user.avatar,
});

function Members({ group }: { group: Group }) {
	const change = useChange(({ pk, verb }: { pk: number; verb: "add_user" | "remove_user" }) =>
		send("POST", `/core/groups/${group.pk}/${verb}/`, { pk }),
	);
	return (
		<Section title={t("groups.membersTitle")} text={t("groups.membersText")}>
			<TwoSided<User>
				source={{ path: "/core/users/", query: { include_groups: false, ordering: "name" }, toItem }}
				chosen={{ path: "/core/users/", query: { include_groups: false, groups_by_pk: group.pk, ordering: "name" }, toItem }}
				titles={{ all: t("groups.everybody"), chosen: t("groups.members") }}
				busy={change.isPending}
				onAdd={(item) => change.mutate({ pk: Number(item.key), verb: "add_user" }, { onError: complain })}
				onRemove={(item) => change.mutate({ pk: Number(item.key), verb: "remove_user" }, { onError: complain })}
			/>
		</Section>
	);
}

function Details({ group, path }: { group: Group; path: string }) {
	const object = useMemo(() => group as unknown as Row, [group]);
	return (
		<>
			<Section title={t("groups.details")}>
				<ResourceForm key={group.pk} kind="group" object={object} first={first} fixed={elsewhere} />
			</Section>
			<Danger
				path={path}
				name={group.name}
				text={t("groups.deleteText")}
				after={() => go(at.groups)}
				undo={{ model: "authentik_core.group", pk: group.pk }}
			/>
		</>
	);
}
