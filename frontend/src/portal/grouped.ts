type App = { name: string; group?: string; meta_description?: string; meta_publisher?: string };

const plain = (text: string) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/** The applications whose name, description, publisher or group has every word of the search. */
export function matching<T extends App>(apps: T[], search: string): T[] {
	const words = plain(search).split(/\s+/).filter(Boolean);
	return apps.filter((app) => {
		const text = plain([app.name, app.group, app.meta_description, app.meta_publisher].join(" "));
		return words.every((word) => text.includes(word));
	});
}

/** The applications by their group; those of none come first. */
export function grouped<T extends App>(apps: T[]): { group: string; apps: T[] }[] {
	const groups = new Map<string, T[]>();
	for (const app of apps) groups.set(app.group ?? "", [...(groups.get(app.group ?? "") ?? []), app]);
	return [...groups.entries()].map(([group, all]) => ({ group, apps: all })).sort((a, b) => a.group.localeCompare(b.group));
}
