package kind

// Apps are the published names of the apps that objects and events belong to.
func Apps() []string {
	return []string{
		"authentik.tenants", "authentik.admin", "authentik.api", "authentik.crypto", "authentik.flows", "authentik.outposts", "authentik.policies.dummy",
		"authentik.policies.event_matcher", "authentik.policies.expiry", "authentik.policies.expression", "authentik.policies.password",
		"authentik.policies.reputation", "authentik.policies", "authentik.providers.ldap", "authentik.providers.oauth2", "authentik.providers.proxy",
		"authentik.providers.radius", "authentik.providers.saml", "authentik.providers.scim", "authentik.rbac", "authentik.recovery",
		"authentik.sources.ldap", "authentik.sources.oauth", "authentik.sources.plex", "authentik.sources.saml", "authentik.sources.scim",
		"authentik.stages.authenticator", "authentik.stages.authenticator_duo", "authentik.stages.authenticator_sms",
		"authentik.stages.authenticator_static", "authentik.stages.authenticator_totp", "authentik.stages.authenticator_validate",
		"authentik.stages.authenticator_webauthn", "authentik.stages.captcha", "authentik.stages.consent", "authentik.stages.deny",
		"authentik.stages.dummy", "authentik.stages.email", "authentik.stages.identification", "authentik.stages.invitation", "authentik.stages.password",
		"authentik.stages.prompt", "authentik.stages.user_delete", "authentik.stages.user_login", "authentik.stages.user_logout",
		"authentik.stages.user_write", "authentik.brands", "authentik.blueprints", "authentik.core", "authentik.enterprise", "authentik.enterprise.audit",
		"authentik.enterprise.providers.rac", "authentik.enterprise.stages.source", "authentik.events",
	}
}

// Models are the published names of the kinds that permissions and events tell of.
func Models() []string {
	return []string{
		"authentik_tenants.domain", "authentik_crypto.certificatekeypair", "authentik_flows.flow", "authentik_flows.flowstagebinding",
		"authentik_outposts.dockerserviceconnection", "authentik_outposts.kubernetesserviceconnection", "authentik_outposts.outpost",
		"authentik_policies_dummy.dummypolicy", "authentik_policies_event_matcher.eventmatcherpolicy", "authentik_policies_expiry.passwordexpirypolicy",
		"authentik_policies_expression.expressionpolicy", "authentik_policies_password.passwordpolicy", "authentik_policies_reputation.reputationpolicy",
		"authentik_policies.policybinding", "authentik_providers_ldap.ldapprovider", "authentik_providers_oauth2.scopemapping",
		"authentik_providers_oauth2.oauth2provider", "authentik_providers_proxy.proxyprovider", "authentik_providers_radius.radiusprovider",
		"authentik_providers_saml.samlprovider", "authentik_providers_saml.samlpropertymapping", "authentik_providers_scim.scimprovider",
		"authentik_providers_scim.scimmapping", "authentik_rbac.role", "authentik_sources_ldap.ldapsource", "authentik_sources_ldap.ldappropertymapping",
		"authentik_sources_oauth.oauthsource", "authentik_sources_oauth.useroauthsourceconnection", "authentik_sources_plex.plexsource",
		"authentik_sources_plex.plexsourceconnection", "authentik_sources_saml.samlsource", "authentik_sources_saml.usersamlsourceconnection",
		"authentik_sources_scim.scimsource", "authentik_stages_authenticator_duo.authenticatorduostage", "authentik_stages_authenticator_duo.duodevice",
		"authentik_stages_authenticator_sms.authenticatorsmsstage", "authentik_stages_authenticator_sms.smsdevice",
		"authentik_stages_authenticator_static.authenticatorstaticstage", "authentik_stages_authenticator_static.staticdevice",
		"authentik_stages_authenticator_totp.authenticatortotpstage", "authentik_stages_authenticator_totp.totpdevice",
		"authentik_stages_authenticator_validate.authenticatorvalidatestage", "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage",
		"authentik_stages_authenticator_webauthn.webauthndevice", "authentik_stages_captcha.captchastage", "authentik_stages_consent.consentstage",
		"authentik_stages_consent.userconsent", "authentik_stages_deny.denystage", "authentik_stages_dummy.dummystage", "authentik_stages_email.emailstage",
		"authentik_stages_identification.identificationstage", "authentik_stages_invitation.invitationstage", "authentik_stages_invitation.invitation",
		"authentik_stages_password.passwordstage", "authentik_stages_prompt.prompt", "authentik_stages_prompt.promptstage",
		"authentik_stages_user_delete.userdeletestage", "authentik_stages_user_login.userloginstage", "authentik_stages_user_logout.userlogoutstage",
		"authentik_stages_user_write.userwritestage", "authentik_brands.brand", "authentik_blueprints.blueprintinstance", "authentik_core.group",
		"authentik_core.user", "authentik_core.application", "authentik_core.token", "authentik_enterprise.license", "authentik_providers_rac.racprovider",
		"authentik_providers_rac.endpoint", "authentik_providers_rac.racpropertymapping", "authentik_stages_source.sourcestage", "authentik_events.event",
		"authentik_events.notificationtransport", "authentik_events.notification", "authentik_events.notificationrule",
		"authentik_events.notificationwebhookmapping",
	}
}
