// The full names of models, "app.model", as the operations for many kinds ask for them.

/** The apps of the kinds whose rows, or whose new objects, do not say it themselves. */
const apps: Record<string, string> = {
	user: "authentik_core",
	group: "authentik_core",
	application: "authentik_core",
	token: "authentik_core",
	brand: "authentik_brands",
	certificatekeypair: "authentik_crypto",
	flow: "authentik_flows",
	flowstagebinding: "authentik_flows",
	policybinding: "authentik_policies",
	prompt: "authentik_stages_prompt",
	expressionpolicy: "authentik_policies_expression",
	scopemapping: "authentik_providers_oauth2",
	samlpropertymapping: "authentik_providers_saml",
	scimmapping: "authentik_providers_scim",
	racpropertymapping: "authentik_providers_rac",
	ldappropertymapping: "authentik_sources_ldap",
	notificationwebhookmapping: "authentik_events",
	role: "authentik_rbac",
};

type Row = { meta_model_name?: unknown };

/** The model of an object: its own word for it, else that of its kind. */
export function fullModel(kind: string | undefined, row: Row): string | undefined {
	if (typeof row.meta_model_name === "string" && row.meta_model_name) return row.meta_model_name;
	const app = kind ? apps[kind] : undefined;
	return app && `${app}.${kind}`;
}

/** Rows by model; rows of no known model are left out. */
export function byModel<T>(rows: T[], modelOf: (row: T) => string | undefined): Map<string, T[]> {
	const found = new Map<string, T[]>();
	for (const row of rows) {
		const model = modelOf(row);
		if (model) found.set(model, [...(found.get(model) ?? []), row]);
	}
	return found;
}
