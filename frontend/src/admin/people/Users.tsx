import { Button } from "@mantine/core";
import { IconPlus, IconRobot, IconUsers } from "@tabler/icons-react";
import { useMemo } from "react";
import { useChange, useGet } from "~/api/query";
import type { User, UserPath } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { ListView } from "~/list/ListView";
import type { Column } from "~/list/Table";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Empty } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { personName } from "~/ui/names";
import { complain, told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { changeMany } from "../frame/bulk";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { useBulkDelete } from "../frame/useBulkDelete";
import { useBulkEdit } from "../frame/useBulkEdit";
import { CsvMenu } from "./Csv";
import { Sections } from "./Sections";
import { UserChips } from "./UserChips";
import classes from "./Users.module.css";

const columns = (): Column<User>[] => [
	{
		id: "name",
		title: t("users.column.name"),
		sort: "name",
		cell: (user) => (
			<>
				{personName(user)}
				{user.name && user.name !== user.username && <span className={classes.second}>{user.username}</span>}
			</>
		),
	},
	{
		id: "email",
		title: t("users.column.email"),
		sort: "email",
		from: "tablet",
		cell: (user) => <span className={classes.wrap}>{user.email || "–"}</span>,
	},
	{ id: "state", title: t("users.column.state"), sort: "is_active", from: "phone", cell: (user) => <UserChips user={user} /> },
	{
		id: "last",
		title: t("users.column.lastLogin"),
		sort: "last_login",
		from: "tablet",
		cell: (user) => <Ago time={user.last_login} none={t("users.neverIn")} />,
	},
];

const yesNo = () => [
	{ value: "true", label: t("common.yes") },
	{ value: "false", label: t("common.noShort") },
];

function useFilters() {
	const paths = useGet<UserPath>("/core/users/paths/").data?.paths ?? [];
	return useMemo(
		() => [
			{ name: "is_active", label: t("users.filter.active"), options: yesNo() },
			{ name: "is_superuser", label: t("users.filter.admin"), options: yesNo() },
			{
				name: "type",
				label: t("users.filter.type"),
				options: ["internal", "external", "service_account", "internal_service_account"].map((value) => ({
					value,
					label: t(`options.type.${value}`),
				})),
			},
			...(paths.length > 1
				? [{ name: "path_startswith", label: t("users.filter.path"), options: paths.map((value) => ({ value, label: value })) }]
				: []),
		],
		[paths],
	);
}

const model = "authentik_core.user";

export function Users() {
	const filters = useFilters();
	const setActive = useChange(
		({ users, active }: { users: User[]; active: boolean }) =>
			changeMany({ model, pks: users.map((user) => String(user.pk)) }, { fields: { is_active: active } }),
		(_all, { users, active }) => told(t(active ? "users.bulk.activated" : "users.bulk.deactivated", { count: users.length })),
	);
	const active = (to: boolean) => (users: User[], done: () => void) =>
		setActive.mutate({ users, active: to }, { onError: complain, onSuccess: done });
	const names = { modelOf: () => model, pkOf: (user: User) => String(user.pk), nameOf: personName };
	const bulkEdit = useBulkEdit<User>(names);
	const bulkDelete = useBulkDelete<User>(names);
	return (
		<Page
			title={t("users.title")}
			crumbs={[{ label: t("nav.people"), to: at.users }]}
			actions={
				<>
					<CsvMenu what="users" />
					<Button variant="default" leftSection={<IconRobot size={16} />} onClick={() => go(at.newService)}>
						{t("users.addService")}
					</Button>
					<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newUser)}>
						{t("users.add")}
					</Button>
				</>
			}
			tabs={<Sections current="users" />}
		>
			<ListView<User>
				path="/core/users/"
				fixed={{ include_groups: false }}
				label={t("users.title")}
				searchLabel={t("users.search")}
				ordering="name"
				filters={filters}
				columns={columns()}
				keyOf={(user) => String(user.pk)}
				nameOf={personName}
				linkOf={(user) => at.user(user.pk)}
				iconOf={(user) => <Face name={personName(user)} src={user.avatar} />}
				bulk={[
					{ label: t("users.bulk.activate"), act: active(true) },
					{ label: t("users.bulk.deactivate"), act: active(false) },
					bulkEdit,
					bulkDelete,
				]}
				empty={
					<Empty icon={<IconUsers size={32} />} title={t("users.emptyTitle")} text={t("users.emptyText")}>
						<Button onClick={() => go(at.newUser)}>{t("users.add")}</Button>
					</Empty>
				}
			/>
		</Page>
	);
}

export function NewUser() {
	return (
		<Page title={t("users.add")} text={t("users.addText")} crumbs={[{ label: t("users.title"), to: at.users }]}>
			<Section title={t("users.details")}>
				<ResourceForm
					kind="user"
					first={["username", "name", "email", "groups"]}
					preset={{ is_active: true, type: "internal", path: "users" }}
					onSaved={(saved) => go(at.user(Number(saved.pk)))}
					onCancel={() => go(at.users)}
					saveLabel={t("users.add")}
				/>
			</Section>
		</Page>
	);
}
