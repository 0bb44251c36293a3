import { Group as Row, Skeleton } from "@mantine/core";
import { IconUsersGroup } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { get } from "~/api/client";
import type { Page } from "~/api/query";
import type { Group } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { To } from "../frame/To";
import { byParent } from "./tree";
import classes from "./Users.module.css";

const PAGES = 20;

async function allGroups(signal: AbortSignal): Promise<Group[]> {
	const all: Group[] = [];
	for (let page = 1; page <= PAGES; page++) {
		const answer = await get<Page<Group>>("/core/groups/", { page, page_size: 100, ordering: "name" }, signal);
		all.push(...answer.results);
		if (page >= answer.pagination.total_pages) break;
	}
	return all;
}

/** The groups by the group that they belong to. */
export function GroupTree({ side }: { side: ReactNode }) {
	const { data, error, refetch } = useQuery({ queryKey: ["api", "groups", "tree"], queryFn: ({ signal }) => allGroups(signal) });
	const children = data && byParent(data);
	return (
		<>
			<Row mb="sm">{side}</Row>
			<section className="gh-panel" style={{ padding: "12px 20px" }}>
				{error && !data ? (
					<Problem error={error} again={refetch} />
				) : !children ? (
					<Skeleton height={200} />
				) : (children.get(null) ?? []).length === 0 ? (
					<Empty icon={<IconUsersGroup size={32} />} title={t("groups.emptyTitle")} text={t("groups.emptyText")} />
				) : (
					<Branch groups={children.get(null) ?? []} below={children} />
				)}
			</section>
		</>
	);
}

function Branch({ groups, below }: { groups: Group[]; below: Map<string | null, Group[]> }) {
	return (
		<ul className={classes.tree}>
			{groups.map((group) => {
				const inside = below.get(group.pk) ?? [];
				return (
					<li key={group.pk}>
						<div className={classes.leaf}>
							<IconUsersGroup size={18} aria-hidden="true" />
							<To to={at.group(group.pk)}>{group.name}</To>
							{group.is_superuser && <Chip tone="notice">{t("groups.admins")}</Chip>}
							<span className="gh-soft">{t("groups.memberCount", { count: group.users?.length ?? 0 })}</span>
						</div>
						{inside.length > 0 && <Branch groups={inside} below={below} />}
					</li>
				);
			})}
		</ul>
	);
}
