// What a form under Advanced asks for, in this order; everything else is folded.

export const lists: Record<string, readonly string[] | undefined> = {
	flow: ["name", "title", "slug", "designation", "authentication"],
	flowstagebinding: ["target", "stage", "order", "evaluate_on_plan", "re_evaluate_policies"],
	policybinding: ["policy", "group", "user", "target", "order", "enabled", "negate"],
	expressionpolicy: ["name", "expression"],
	dummypolicy: ["name", "result", "wait_min", "wait_max"],
	scopemapping: ["name", "scope_name", "description", "expression"],
	oauth2provider: ["name", "redirect_uris", "client_type", "client_id", "client_secret", "authorization_flow", "property_mappings"],
	samlsource: [
		"name",
		"slug",
		"sso_url",
		"verification_kp",
		"pre_authentication_flow",
		"authentication_flow",
		"enrollment_flow",
		"slo_url",
		"signing_kp",
		"binding_type",
		"issuer",
	],
	prompt: ["name", "field_key", "label", "type", "required", "placeholder", "initial_value", "sub_text", "order"],
	token: ["identifier", "user", "intent", "description", "expiring", "expires"],
	role: ["name"],
	identificationstage: ["name", "user_fields", "password_stage", "recovery_flow", "enrollment_flow", "passwordless_flow", "sources"],
	passwordstage: ["name", "backends", "configure_flow", "failed_attempts_before_cancel"],
	userloginstage: ["name", "session_duration", "remember_me_offset", "terminate_other_sessions"],
	userlogoutstage: ["name"],
	userwritestage: ["name", "user_creation_mode", "create_users_as_inactive", "create_users_group", "user_type", "user_path_template"],
	consentstage: ["name", "mode", "consent_expire_in"],
	denystage: ["name", "deny_message"],
	dummystage: ["name", "throw_error"],
	promptstage: ["name", "fields", "validation_policies"],
	authenticatorvalidatestage: ["name", "device_classes", "not_configured_action", "configuration_stages", "last_auth_threshold"],
};

/** What a new object starts with where the server leaves it open, so that it works at once. */
export const starts: Record<string, Record<string, unknown> | undefined> = {
	identificationstage: { user_fields: ["username", "email"] },
	passwordstage: { backends: ["authentik.core.auth.InbuiltBackend"] },
	authenticatorvalidatestage: { device_classes: ["static", "totp", "webauthn"] },
	policybinding: { order: 0 },
	flowstagebinding: { order: 0 },
};
