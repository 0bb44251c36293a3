// The catalogue as the server gives it: read from the files that it is made of.
import { readdirSync, readFileSync } from "node:fs";

const folder = new URL("../../backend/catalog/apps/", import.meta.url);

export const templates = readdirSync(folder)
	.filter((name) => name.endsWith(".json"))
	.map((name) => {
		const one = JSON.parse(readFileSync(new URL(name, folder), "utf8"));
		const sourced = (list = []) => list.map((item) => ({ source: one.source, ...item }));
		return {
			redirect_hint: "",
			start: "{url}",
			...one,
			redirects: sourced(one.redirects),
			needs: sourced(one.needs),
			notes: sourced(one.notes),
			values: sourced(one.values).map((value) => ({ where: one.where, json: false, ...value })),
		};
	})
	.sort((a, b) => a.name.toLowerCase().localeCompare(b.name.toLowerCase()) || a.slug.localeCompare(b.slug));

const place = (text, url) => text.replace(/^\{url\}/, url).replaceAll("{host}", new URL(url).hostname);
const fill = (text, facts) => text.replaceAll(/\{([a-z_]+)\}/g, (_, name) => facts[name] ?? "");

/** The guide and the values of an application that was added from the catalogue. */
export function guided(slug, url, facts) {
	const one = templates.find((template) => template.slug === slug);
	if (!one) return undefined;
	const { name, where, tried, source, needs, notes } = one;
	const scopes = needs.find((need) => need.what === "scopes")?.value ?? "";
	const redirect = fill(one.redirects[0]?.uri ?? "", { url });
	const said = Object.fromEntries(needs.map((need) => [need.what, place(need.value, url)]));
	const saml = { acs: said.acs_url, audience: said.audience };
	return {
		guide: {
			template: slug,
			name,
			url,
			where,
			tried,
			source,
			needs: needs.map((need) => ({ ...need, value: place(need.value, url) })),
			notes,
			start: fill(one.start, { url }),
		},
		values: one.values.map((value, index) => ({
			id: `${index}`,
			label: value.label,
			value: fill(value.value, { ...facts, ...saml, url, scopes, redirect }),
			secret: value.value.includes("{client_secret}"),
			help: "",
			where: value.where,
			source: value.source,
		})),
	};
}
