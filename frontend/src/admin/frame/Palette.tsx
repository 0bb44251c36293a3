import { useDebouncedValue } from "@mantine/hooks";
import { createSpotlight, Spotlight, type SpotlightActionData, type SpotlightActionGroupData } from "@mantine/spotlight";
import { IconArrowRight, type IconCompass, IconPlus, IconSearch } from "@tabler/icons-react";
import { useState } from "react";
import { type Page, useGet } from "~/api/query";
import type { Application, Flow, Group, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Face } from "~/ui/Face";
import { personName } from "~/ui/names";
import { at } from "./addresses";
import { actions, pages } from "./places";
import { go } from "./To";

const [store, palette] = createSpotlight();

export const openPalette = palette.open;

/** The command palette: pages, actions, and what the server finds. */
export function Palette() {
	const [text, setText] = useState("");
	const [settled] = useDebouncedValue(text.trim(), 200);
	const found = useFound(settled);
	const words = text.trim().toLowerCase();
	const fits = (label: string) => label.toLowerCase().includes(words);
	const group = (label: string, all: SpotlightActionData[]): SpotlightActionGroupData[] =>
		all.length > 0 ? [{ group: label, actions: all }] : [];
	const place = (to: string, label: string, icon: typeof IconCompass): SpotlightActionData => {
		const Icon = icon;
		return { id: to, label, leftSection: <Icon size={16} aria-hidden="true" />, onClick: () => go(to) };
	};
	return (
		<Spotlight
			store={store}
			shortcut={["mod + K"]}
			query={text}
			onQueryChange={setText}
			clearQueryOnClose
			highlightQuery={false}
			scrollable
			attributes={{ content: { "aria-label": t("palette.label") } }}
			maxHeight={420}
			filter={(_query, all) => all}
			nothingFound={t("palette.nothing")}
			transitionProps={{ duration: 100 }}
			searchProps={{ "aria-label": t("palette.label"), placeholder: t("palette.label"), leftSection: <IconSearch size={18} /> }}
			actions={[
				...group(t("palette.found"), found),
				...group(
					t("palette.actions"),
					actions()
						.filter(({ label }) => fits(label))
						.map(({ to, label }) => place(to, label, IconPlus)),
				),
				...group(
					t("palette.pages"),
					pages()
						.filter(({ label }) => fits(label))
						.map(({ to, label }) => place(to, label, IconArrowRight)),
				),
			]}
		/>
	);
}

function useFound(search: string): SpotlightActionData[] {
	const options = { query: { search, page_size: 5 }, enabled: search.length > 1, keep: true };
	const users = useGet<Page<User>>("/core/users/", options).data;
	const groups = useGet<Page<Group>>("/core/groups/", { ...options, query: { ...options.query, include_users: false } }).data;
	const apps = useGet<Page<Application>>("/core/applications/", {
		...options,
		query: { ...options.query, superuser_full_list: true },
	}).data;
	const flows = useGet<Page<Flow>>("/flows/instances/", options).data;
	if (search.length < 2) return [];
	const entry = (to: string, label: string, description: string, picture?: string | null): SpotlightActionData => ({
		id: to,
		label,
		description,
		leftSection: <Face name={label} src={picture} size={24} square />,
		onClick: () => go(to),
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
