import { type Field, optionsOf } from "~/schema/fields";
import { t } from "~/text/text";

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

/** What a new SAML application is asked for. */
export function samlFields(): Field[] {
	return [
		common("name", "text", { required: true }),
		own("acs_url", "text", { required: true }),
		own("audience", "text"),
		own("certificate", "area"),
		common("launch_url", "text"),
		choice(own, "sp_binding", ["post", "redirect"], { advanced: true }),
		choice(own, "sign", ["assertion", "response", "both"], { advanced: true }),
		own("slo_url", "text", { advanced: true }),
		choice(own, "slo_binding", ["redirect", "post"], { advanced: true }),
		...(["consent", "slug", "description", "publisher", "group"] as const).map((name) =>
			common(name, name === "consent" ? "switch" : name === "slug" ? "slug" : "text", { advanced: true }),
		),
	];
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
