import type { CatalogNeed, CatalogTemplate, SetupValue } from "~/api/gatehouse";
import { optionsOf } from "~/schema/fields";
import { t } from "~/text/text";

/** The address of the form for an application that is not of the catalogue; no template has that slug. */
export const OWN = "own";

/** The address of the form for a SAML application. */
export const SAML = "saml";

const plain = (text: string) => text.toLocaleLowerCase().normalize("NFD").replace(/\p{M}/gu, "");

/** The templates whose name, words or category have every word of the search; those whose name begins so come first. */
export function matching(templates: CatalogTemplate[], search: string): CatalogTemplate[] {
	const words = plain(search).split(/\s+/).filter(Boolean);
	const found = templates.filter((one) => {
		const way = one.protocol === "saml" ? t("catalog.saml") : "";
		const text = plain([one.name, one.slug, one.about, t(`catalog.category.${one.category}`), way].join(" "));
		return words.every((word) => text.includes(word));
	});
	const first = plain(search.trim());
	const begins = (one: CatalogTemplate) => (first && plain(one.name).startsWith(first) ? 0 : 1);
	return found.sort((a, b) => begins(a) - begins(b) || a.name.localeCompare(b.name) || a.slug.localeCompare(b.slug));
}

/** The templates under the headings of the page, by the names of these. */
export function byCategory(templates: CatalogTemplate[]): { category: string; title: string; templates: CatalogTemplate[] }[] {
	const groups = new Map<string, CatalogTemplate[]>();
	for (const one of templates) groups.set(one.category, [...(groups.get(one.category) ?? []), one]);
	return [...groups.entries()]
		.map(([category, all]) => ({ category, title: t(`catalog.category.${category}`), templates: all }))
		.sort((a, b) => a.title.localeCompare(b.title));
}

/** The values in their order, those that go to the same place together. */
export function byPlace(values: SetupValue[]): { where: string; values: SetupValue[] }[] {
	const places: { where: string; values: SetupValue[] }[] = [];
	for (const value of values) {
		const last = places.at(-1);
		if (last?.where === value.where) last.values.push(value);
		else places.push({ where: value.where, values: [value] });
	}
	return places;
}

/** Whose page it is: "docs.gitlab.com", and of a page at a forge the project too. Nothing for what is no address of the web. */
export function siteOf(source: string): string | undefined {
	let url: URL;
	try {
		url = new URL(source);
	} catch {
		return undefined;
	}
	if (url.protocol !== "https:") return undefined;
	const project = url.hostname === "github.com" ? url.pathname.split("/").slice(1, 3).join("/") : "";
	return project ? `${url.hostname}/${project}` : url.hostname;
}

/** What this server holds to for an application, in a sentence. */
export const needText = (need: CatalogNeed): string => {
	switch (need.what) {
		case "client_type":
		case "pkce":
		case "slo_binding":
		case "sign":
		case "name_id_format":
		case "name_id":
			return t(`catalog.need.${need.what}.${need.value}`);
		case "signing":
			return t("catalog.need.signing", { value: need.value.toUpperCase() });
		case "sub_mode":
			return t("catalog.need.sub_mode", { value: optionsOf("sub_mode", [need.value])[0]?.label ?? need.value });
		default:
			return t(`catalog.need.${need.what}`, { value: need.value });
	}
};
