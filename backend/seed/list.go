package seed

// list is what a fresh Gatehouse comes with, in order of dependency (flows.md 4.4).
func list() []entry {
	const (
		flow     = "authentik_flows.flow"
		bind     = "authentik_flows.flowstagebinding"
		policy   = "authentik_policies_expression.expressionpolicy"
		polbind  = "authentik_policies.policybinding"
		prompt   = "authentik_stages_prompt.prompt"
		pstage   = "authentik_stages_prompt.promptstage"
		write    = "authentik_stages_user_write.userwritestage"
		ident    = "authentik_stages_identification.identificationstage"
		password = "authentik_stages_password.passwordstage"
		validate = "authentik_stages_authenticator_validate.authenticatorvalidatestage"
		login    = "authentik_stages_user_login.userloginstage"
		logout   = "authentik_stages_user_logout.userlogoutstage"
		consent  = "authentik_stages_consent.consentstage"
		brand    = "authentik_brands.brand"
	)
	return []entry{
		// Change the password: the configure flow of the password stage.
		{1, "default-password-change", flow, "slug", attrs{"slug": "default-password-change", "name": "Change Password", "title": "Change password", "designation": "stage_configuration", "authentication": "require_authenticated"}},
		{1, "pw1", prompt, "name", attrs{"name": "default-password-change-field-password", "field_key": "password", "label": "Password", "type": "password", "required": true, "placeholder": "Password", "order": 300}},
		{1, "pw2", prompt, "name", attrs{"name": "default-password-change-field-password-repeat", "field_key": "password_repeat", "label": "Password (repeat)", "type": "password", "required": true, "placeholder": "Password (repeat)", "order": 301}},
		{1, "default-password-change-prompt", pstage, "name", attrs{"name": "default-password-change-prompt", "fields": []ref{"pw1", "pw2"}}},
		{1, "default-password-change-write", write, "name", attrs{"name": "default-password-change-write", "user_creation_mode": "never_create"}},
		{1, "pwb0", bind, "", attrs{"target": ref("default-password-change"), "stage": ref("default-password-change-prompt"), "order": 0}},
		{1, "pwb1", bind, "", attrs{"target": ref("default-password-change"), "stage": ref("default-password-change-write"), "order": 1}},

		// Sign in.
		{1, "default-authentication-flow", flow, "slug", attrs{"slug": "default-authentication-flow", "name": "Welcome to authentik!", "title": "Welcome to Gatehouse!", "designation": "authentication"}},
		{1, "default-authentication-identification", ident, "name", attrs{"name": "default-authentication-identification", "user_fields": []string{"email", "username"}}},
		{1, "default-authentication-password", password, "name", attrs{"name": "default-authentication-password", "configure_flow": ref("default-password-change"),
			"backends": []string{"authentik.core.auth.InbuiltBackend", "authentik.sources.ldap.auth.LDAPBackend", "authentik.core.auth.TokenBackend"}}},
		{1, "default-authentication-mfa-validation", validate, "name", attrs{"name": "default-authentication-mfa-validation"}},
		{1, "default-authentication-login", login, "name", attrs{"name": "default-authentication-login"}},
		{1, "authb10", bind, "", attrs{"target": ref("default-authentication-flow"), "stage": ref("default-authentication-identification"), "order": 10}},
		{1, "authb20", bind, "", attrs{"target": ref("default-authentication-flow"), "stage": ref("default-authentication-password"), "order": 20}},
		{1, "authb30", bind, "", attrs{"target": ref("default-authentication-flow"), "stage": ref("default-authentication-mfa-validation"), "order": 30}},
		{1, "authb100", bind, "", attrs{"target": ref("default-authentication-flow"), "stage": ref("default-authentication-login"), "order": 100}},
		{1, "default-authentication-flow-password-stage", policy, "name", attrs{"name": "default-authentication-flow-password-stage", "expression": askPassword}},
		{1, "authp", polbind, "", attrs{"policy": ref("default-authentication-flow-password-stage"), "target": ref("authb20"), "order": 10}},

		// Sign out.
		{1, "default-invalidation-flow", flow, "slug", attrs{"slug": "default-invalidation-flow", "name": "Logout", "title": "Default Invalidation Flow", "designation": "invalidation"}},
		{1, "default-invalidation-logout", logout, "name", attrs{"name": "default-invalidation-logout"}},
		{1, "logoutb", bind, "", attrs{"target": ref("default-invalidation-flow"), "stage": ref("default-invalidation-logout"), "order": 0}},

		// Let an application know who you are: with and without asking.
		{1, "explicit", flow, "slug", attrs{"slug": "default-provider-authorization-explicit-consent", "name": "Authorize Application", "title": "Redirecting to %(app)s", "designation": "authorization", "authentication": "require_authenticated"}},
		{1, "default-provider-authorization-consent", consent, "name", attrs{"name": "default-provider-authorization-consent", "mode": "expiring"}},
		{1, "explicitb", bind, "", attrs{"target": ref("explicit"), "stage": ref("default-provider-authorization-consent"), "order": 0}},
		{1, "implicit", flow, "slug", attrs{"slug": "default-provider-authorization-implicit-consent", "name": "Authorize Application", "title": "Redirecting to %(app)s", "designation": "authorization", "authentication": "require_authenticated"}},

		// One's own name, address and language.
		{1, "default-user-settings-flow", flow, "slug", attrs{"slug": "default-user-settings-flow", "name": "User settings", "title": "Update your info", "designation": "stage_configuration", "authentication": "require_authenticated"}},
		{1, "us-username", prompt, "name", attrs{"name": "default-user-settings-field-username", "field_key": "username", "label": "Username", "type": "username", "required": true, "placeholder": "Username", "order": 200, "initial_value": ownUsername, "initial_value_expression": true}},
		{1, "us-name", prompt, "name", attrs{"name": "default-user-settings-field-name", "field_key": "name", "label": "Name", "type": "text", "required": true, "placeholder": "Name", "order": 201, "initial_value": ownName, "initial_value_expression": true}},
		{1, "us-email", prompt, "name", attrs{"name": "default-user-settings-field-email", "field_key": "email", "label": "Email", "type": "email", "required": true, "placeholder": "Email", "order": 202, "initial_value": ownEmail, "initial_value_expression": true}},
		{1, "us-locale", prompt, "name", attrs{"name": "default-user-settings-field-locale", "field_key": "attributes.settings.locale", "label": "Locale", "type": "ak-locale", "required": true, "placeholder": "Locale", "order": 203, "initial_value": ownLocale, "initial_value_expression": true}},
		{1, "default-user-settings-authorization", policy, "name", attrs{"name": "default-user-settings-authorization", "expression": mayChangeOwn}},
		{1, "default-user-settings", pstage, "name", attrs{"name": "default-user-settings", "fields": []ref{"us-username", "us-name", "us-email", "us-locale"}, "validation_policies": []ref{"default-user-settings-authorization"}}},
		{1, "default-user-settings-write", write, "name", attrs{"name": "default-user-settings-write", "user_creation_mode": "never_create"}},
		{1, "usb20", bind, "", attrs{"target": ref("default-user-settings-flow"), "stage": ref("default-user-settings"), "order": 20}},
		{1, "usb100", bind, "", attrs{"target": ref("default-user-settings-flow"), "stage": ref("default-user-settings-write"), "order": 100}},

		{1, "brand", brand, "domain", attrs{"domain": "authentik-default", "default": true,
			"flow_authentication": ref("default-authentication-flow"), "flow_invalidation": ref("default-invalidation-flow"), "flow_user_settings": ref("default-user-settings-flow")}},
	}
}
