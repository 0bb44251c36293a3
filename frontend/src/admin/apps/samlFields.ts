import type { CatalogTemplate } from "~/api/gatehouse";
import type { Values } from "~/forms/wire";
import { type Field, optionsOf } from "~/schema/fields";
import { t } from "~/text/text";
import { placeFields } from "./newFields";

const plain = { nullable: false, advanced: false, options: [], required: false };

type Made = (name: string, widget: Field["widget"], more?: Partial<Field>) => Field;

const common: Made = (name, widget, more) => ({
	...plain,
	name,
	label: t(`newApp.${name}`),
	help: t(`newApp.${name}Help`),
	widget,
	...more,
});
const own: Made = (name, widget, more) => ({
	...plain,
	name,
	label: t(`newSaml.${name}`),
	help: t(`newSaml.${name}Help`),
	widget,
	...more,
});
const beyond: Made = (name, widget, more) => ({
	...plain,
	name,
	label: t(`samlMore.${name}`),
	help: t(`samlMore.${name}Help`),
	widget,
	...more,
});

const choice = (of: Made, name: string, values: string[], more: Partial<Field> = {}) =>
	of(name, "choice", { options: optionsOf(name, values), default: values[0], required: true, ...more });

/** What a new SAML application is asked for; one of the catalogue by its address first, which fills in the rest. */
export function samlFields(template?: CatalogTemplate): Field[] {
	const known = (what: string, usual: string) => ({
		advanced: true,
		default: template?.needs.find((need) => need.what === what)?.value ?? usual,
	});
	return [
		...(template ? placeFields(template) : [common("name", "text", { required: true })]),
		own("acs_url", "text", { required: true }),
		own("audience", "text"),
		own("certificate", "area", { advanced: !!template }),
		...(template ? [] : [common("launch_url", "text")]),
		choice(own, "sp_binding", ["post", "redirect"], { advanced: true }),
		choice(own, "sign", ["assertion", "response", "both"], known("sign", "assertion")),
		own("slo_url", "text", { advanced: true }),
		choice(own, "slo_binding", ["redirect", "post"], known("slo_binding", "redirect")),
		...(["consent", "slug", "description", "publisher", "group"] as const).map((name) =>
			common(name, name === "consent" ? "switch" : name === "slug" ? "slug" : "text", { advanced: true }),
		),
	];
}

const filled = ["acs_url", "audience", "slo_url"];

/** What the catalogue says of an application at an address, by the names of the form; nothing while the address is none. */
export function samlValues(template: CatalogTemplate, address: string): Values {
	let place: URL;
	try {
		place = new URL(address.trim());
	} catch {
		return {};
	}
	if (!/^https?:$/.test(place.protocol) || !place.hostname) return {};
	const at = `${place.protocol}//${place.host}${place.pathname.replace(/\/+$/, "")}`;
	const host = place.hostname.replace(/^\[|\]$/g, "");
	const said = template.needs.filter((need) => filled.includes(need.what));
	return Object.fromEntries(said.map(({ what, value }) => [what, value.replace(/^\{url\}/, at).replaceAll("{host}", host)]));
}

/** What changes in the form when its address does: what the catalogue said of the old one, but nothing that somebody wrote. */
export function samlMoved(template: CatalogTemplate, values: Values, address: string): Values {
	const before = samlValues(template, String(values.url ?? ""));
	const after = samlValues(template, address);
	const moved = filled.filter((name) => (values[name] ?? "") === (before[name] ?? ""));
	return Object.fromEntries(moved.map((name) => [name, after[name] ?? ""]));
}

/** What a SAML provider has beside the published settings. */
export function beyondFields(): Field[] {
	return [
		beyond("sign_assertion", "switch"),
		beyond("sign_response", "switch"),
		beyond("encryption_kp", "reference", { nullable: true, reference: { path: "/crypto/certificatekeypairs/", key: "pk" } }),
		choice(beyond, "encryption_cipher", ["aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc"]),
		own("slo_url", "text"),
		choice(own, "slo_binding", ["redirect", "post"]),
		beyond("allow_sha1", "switch"),
	];
}
