// The description that the mock answers with: the server's own (schema.json), with our hints where it has none yet.
import { readFileSync } from "node:fs";

const flows = ["/flows/instances/", "flows"];
const refs = {
	authentication_flow: flows,
	authorization_flow: flows,
	enrollment_flow: flows,
	recovery_flow: flows,
	passwordless_flow: flows,
	configure_flow: flows,
	flow_authentication: flows,
	flow_invalidation: flows,
	flow_recovery: flows,
	flow_unenrollment: flows,
	flow_user_settings: flows,
	flow_device_code: flows,
	parent: ["/core/groups/", "groups"],
	group: ["/core/groups/", "groups"],
	groups: ["/core/groups/", "groups"],
	create_users_group: ["/core/groups/", "groups"],
	user: ["/core/users/", "users"],
	users: ["/core/users/", "users"],
	roles: ["/rbac/roles/", "roles"],
	provider: ["/providers/all/", "providers"],
	backchannel_providers: ["/providers/all/", "providers"],
	policy: ["/policies/all/", "policies"],
	validation_policies: ["/policies/all/", "policies"],
	stage: ["/stages/all/", "stages"],
	password_stage: ["/stages/all/", "stages"],
	configuration_stages: ["/stages/all/", "stages"],
	fields: ["/stages/prompt/prompts/", "prompts"],
	property_mappings: ["/propertymappings/all/", "mappings"],
	sources: ["/sources/all/", "sources"],
	jwks_sources: ["/sources/all/", "sources"],
	signing_key: ["/crypto/certificatekeypairs/", "certificates"],
	web_certificate: ["/crypto/certificatekeypairs/", "certificates"],
};
const durations = /validity$|duration$|retention$|^consent_expire_in$|^remember_me_offset$|^last_auth_threshold$/;
const advanced =
	/^(attributes|managed|path|policy_engine_mode|backchannel_providers|sub_mode|issuer_mode|jwks_sources|compatibility_mode|layout|denied_action|timeout|failure_result|execution_logging|web_certificate|invalid_response_action|signing_key|include_claims_in_id_token|access_code_validity|access_token_validity|refresh_token_validity|flow_unenrollment|flow_device_code)$/;
const defaults = {
	Settings: {
		avatars: "gravatar,initials",
		default_user_change_name: true,
		default_user_change_email: false,
		default_user_change_username: false,
		event_retention: "days=365",
		footer_links: [],
		gdpr_compliance: true,
		impersonation: true,
		default_token_duration: "days=1",
		default_token_length: 60,
	},
	User: { is_active: true, path: "users", type: "internal" },
	PolicyBinding: { enabled: true, timeout: 30, order: 0 },
	Token: { intent: "api", expiring: true },
};

function hint(owner, name, property) {
	const ref = name === "group" && owner.startsWith("Application") ? undefined : refs[name];
	if (ref) Object.assign(property, { "x-ref": ref[1], "x-ref-path": ref[0], "x-ref-key": "pk" });
	else if (durations.test(name)) property["x-format"] = "duration";
	else if (name === "expression") property["x-format"] = "expression";
	else if (name === "slug") property["x-format"] = "slug";
	if (/^(client_secret|key_data)$/.test(name)) property["x-secret"] = true;
	if (advanced.test(name)) property["x-group"] = "advanced";
	const known = defaults[owner.replace(/^Patched/, "").replace(/Request$/, "")];
	if (known && name in known) property.default = known[name];
}

export function readSchema(path) {
	const schema = JSON.parse(readFileSync(path, "utf8"));
	if (JSON.stringify(schema).includes('"x-ref-path"')) return schema;
	for (const [owner, { properties }] of Object.entries(schema.components.schemas)) {
		if (/Request$/.test(owner)) for (const [name, property] of Object.entries(properties ?? {})) hint(owner, name, property);
	}
	return schema;
}
