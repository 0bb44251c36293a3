import { type Page, useGet } from "~/api/query";
import type { Application, Flow, Group, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Face } from "~/ui/Face";
import { personName } from "~/ui/names";
import { at } from "./addresses";
import type { Entry } from "./Palette";

/** People, groups, applications and flows that the server finds for the palette. */
export function useFound(search: string): Entry[] {
	const enabled = search.length > 1;
	const query = { search, page_size: 5 };
	const users = useGet<Page<User>>("/core/users/", { query: { ...query, include_groups: false }, enabled, keep: true }).data;
	const groups = useGet<Page<Group>>("/core/groups/", { query: { ...query, include_users: false }, enabled, keep: true }).data;
	const apps = useGet<Page<Application>>("/core/applications/", {
		query: { ...query, superuser_full_list: true },
		enabled,
		keep: true,
	}).data;
	const flows = useGet<Page<Flow>>("/flows/instances/", { query, enabled, keep: true }).data;
	if (!enabled) return [];
	const entry = (to: string, label: string, note: string, picture?: string | null): Entry => ({
		to,
		label,
		note,
		icon: <Face name={label} src={picture} size={24} square />,
	});
	return [
		...(users?.results ?? []).map((user) =>
			entry(at.user(user.pk), personName(user), `${t("kinds.user.one")} · ${user.username}`, user.avatar),
		),
		...(groups?.results ?? []).map((group) => entry(at.group(group.pk), group.name, t("kinds.group.one"))),
		...(apps?.results ?? []).map((app) => entry(at.app(app.slug), app.name, t("kinds.application.one"), app.meta_icon)),
		...(flows?.results ?? []).map((flow) => entry(at.object("flows", flow.slug), flow.name, t("kinds.flow.one"))),
	];
}
