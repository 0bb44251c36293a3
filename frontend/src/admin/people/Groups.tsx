import { Button, SegmentedControl } from "@mantine/core";
import { IconPlus, IconUsersGroup } from "@tabler/icons-react";
import type { Group } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { ListView } from "~/list/ListView";
import { useAddress } from "~/list/useList";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go, To } from "../frame/To";
import { useBulkDelete } from "../frame/useBulkDelete";
import { useBulkEdit } from "../frame/useBulkEdit";
import { CsvMenu } from "./Csv";
import { GroupTree } from "./GroupTree";
import { Sections } from "./Sections";

export function Groups() {
	const [search, change] = useAddress();
	const tree = search.view === "tree";
	const views = (
		<SegmentedControl
			aria-label={t("groups.view")}
			value={tree ? "tree" : "list"}
			onChange={(view) => change({ view: view === "tree" ? "tree" : undefined })}
			data={[
				{ value: "list", label: t("groups.asList") },
				{ value: "tree", label: t("groups.asTree") },
			]}
		/>
	);
	return (
		<Page
			title={t("groups.title")}
			crumbs={[{ label: t("nav.people"), to: at.users }]}
			actions={
				<>
					<CsvMenu what="groups" />
					<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newGroup)}>
						{t("groups.add")}
					</Button>
				</>
			}
			tabs={<Sections current="groups" />}
		>
			{tree ? <GroupTree side={views} /> : <GroupList side={views} />}
		</Page>
	);
}

function GroupList({ side }: { side: React.ReactNode }) {
	const names = { modelOf: () => "authentik_core.group", pkOf: (group: Group) => group.pk, nameOf: (group: Group) => group.name };
	const bulkEdit = useBulkEdit<Group>(names);
	const bulkDelete = useBulkDelete<Group>(names);
	return (
		<ListView<Group>
			path="/core/groups/"
			ordering="name"
			label={t("groups.title")}
			searchLabel={t("groups.search")}
			side={side}
			bulk={[bulkEdit, bulkDelete]}
			filters={[
				{
					name: "is_superuser",
					label: t("groups.filter.admin"),
					options: [
						{ value: "true", label: t("common.yes") },
						{ value: "false", label: t("common.noShort") },
					],
				},
			]}
			keyOf={(group) => group.pk}
			nameOf={(group) => group.name}
			linkOf={(group) => at.group(group.pk)}
			iconOf={() => <IconUsersGroup size={20} aria-hidden="true" />}
			columns={[
				{ id: "name", title: t("groups.column.name"), sort: "name", cell: (group) => group.name },
				{
					id: "parent",
					title: t("groups.column.parent"),
					from: "phone",
					cell: (group) => (group.parent && group.parent_name ? <To to={at.group(group.parent)}>{group.parent_name}</To> : "–"),
				},
				{
					id: "rights",
					title: t("groups.column.rights"),
					sort: "is_superuser",
					from: "phone",
					cell: (group) => (group.is_superuser ? <Chip tone="notice">{t("groups.admins")}</Chip> : "–"),
				},
				{ id: "members", title: t("groups.column.members"), right: true, cell: (group) => group.users?.length ?? 0 },
			]}
			empty={
				<Empty icon={<IconUsersGroup size={32} />} title={t("groups.emptyTitle")} text={t("groups.emptyText")}>
					<Button onClick={() => go(at.newGroup)}>{t("groups.add")}</Button>
				</Empty>
			}
		/>
	);
}

export function NewGroup() {
	const [search] = useAddress();
	return (
		<Page title={t("groups.add")} text={t("groups.addText")} crumbs={[{ label: t("groups.title"), to: at.groups }]}>
			<Section title={t("groups.details")}>
				<ResourceForm
					kind="group"
					first={["name", "parent", "users"]}
					preset={search.parent ? { parent: search.parent } : undefined}
					onSaved={(saved) => go(at.group(String(saved.pk)))}
					onCancel={() => go(at.groups)}
					saveLabel={t("groups.add")}
				/>
			</Section>
		</Page>
	);
}
