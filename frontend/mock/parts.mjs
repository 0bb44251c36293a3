// What sign-in is made of: flows, stages, policies, mappings.
import { uuid } from "./base.mjs";

const flow = (index, slug, title, designation) => ({
	pk: uuid(3, index),
	policybindingmodel_ptr_id: uuid(4, index),
	name: title,
	slug,
	title,
	designation,
	background: "/static/app/mark.svg",
	stages: [],
	policies: [],
	cache_count: 0,
	policy_engine_mode: "any",
	compatibility_mode: false,
	export_url: `/api/v3/flows/instances/${slug}/export/`,
	layout: "stacked",
	denied_action: "message_continue",
	authentication: designation === "authentication" ? "require_unauthenticated" : "none",
});

export const flows = () => [
	flow(0, "default-authentication-flow", "Welcome to Gatehouse!", "authentication"),
	flow(1, "default-invalidation-flow", "Log out", "invalidation"),
	flow(2, "default-provider-authorization-explicit-consent", "Authorize application with consent", "authorization"),
	flow(3, "default-provider-authorization-implicit-consent", "Authorize application", "authorization"),
	flow(4, "default-user-settings-flow", "User settings", "stage_configuration"),
	flow(5, "default-password-change", "Change password", "stage_configuration"),
];

export const typed = (model, component, verbose) => ({
	component,
	verbose_name: verbose,
	verbose_name_plural: `${verbose}s`,
	meta_model_name: model,
});

export function stages(all) {
	const rows = [
		{
			name: "default-authentication-identification",
			...typed("authentik_stages_identification.identificationstage", "ak-stage-identification-form", "Identification Stage"),
			user_fields: ["email", "username"],
			password_stage: null,
			case_insensitive_matching: true,
			show_matched_user: true,
			enrollment_flow: null,
			recovery_flow: null,
			passwordless_flow: null,
			sources: [],
			show_source_labels: false,
			pretend_user_exists: true,
		},
		{
			name: "default-authentication-password",
			...typed("authentik_stages_password.passwordstage", "ak-stage-password-form", "Password Stage"),
			backends: ["authentik.core.auth.InbuiltBackend", "authentik.core.auth.TokenBackend"],
			configure_flow: all[5].pk,
			failed_attempts_before_cancel: 5,
		},
		{
			name: "default-authentication-mfa-validation",
			...typed(
				"authentik_stages_authenticator_validate.authenticatorvalidatestage",
				"ak-stage-authenticator-validate-form",
				"Authenticator Validation Stage",
			),
			not_configured_action: "skip",
			device_classes: ["totp", "webauthn", "static"],
			configuration_stages: [],
			last_auth_threshold: "seconds=0",
			webauthn_user_verification: "preferred",
			webauthn_allowed_device_types: [],
			webauthn_allowed_device_types_obj: [],
		},
		{
			name: "default-authentication-login",
			...typed("authentik_stages_user_login.userloginstage", "ak-stage-user-login-form", "User Login Stage"),
			session_duration: "seconds=0",
			terminate_other_sessions: false,
			remember_me_offset: "days=30",
			network_binding: "no_binding",
			geoip_binding: "no_binding",
		},
		{
			name: "default-invalidation-logout",
			...typed("authentik_stages_user_logout.userlogoutstage", "ak-stage-user-logout-form", "User Logout Stage"),
		},
		{
			name: "default-provider-authorization-consent",
			...typed("authentik_stages_consent.consentstage", "ak-stage-consent-form", "Consent Stage"),
			mode: "expiring",
			consent_expire_in: "weeks=4",
		},
		{
			name: "default-user-settings",
			...typed("authentik_stages_prompt.promptstage", "ak-stage-prompt-form", "Prompt Stage"),
			fields: [uuid(8, 0)],
			validation_policies: [],
		},
	];
	const small = (one) => ({
		pk: one.pk,
		policybindingmodel_ptr_id: one.policybindingmodel_ptr_id,
		name: one.name,
		slug: one.slug,
		title: one.title,
		designation: one.designation,
	});
	return rows.map((row, index) => ({
		pk: uuid(5, index),
		...row,
		flow_set: [small(all[index < 4 ? 0 : index === 4 ? 1 : index === 5 ? 2 : 4])],
	}));
}

export const policy = (index, name, model, verbose, more) => ({
	pk: uuid(7, index),
	name,
	execution_logging: false,
	...typed(model, "ak-policy-form", verbose),
	bound_to: index,
	...more,
});

export const mapping = (index, name, scope, expression) => ({
	pk: uuid(9, index),
	managed: `goauthentik.io/providers/oauth2/scope-${scope}`,
	name,
	expression,
	...typed("authentik_providers_oauth2.scopemapping", "ak-property-mapping-scope-form", "Scope Mapping"),
	scope_name: scope,
	description: "",
});
