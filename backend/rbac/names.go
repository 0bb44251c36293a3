package rbac

import (
	"strings"

	"gatehouse/backend/kind"
)

// permission is one that there is.
type permission struct{ app, codename, model, name string }

// special are the permissions besides view, add, change and delete of each kind (protocols.md 13.3).
var special = []permission{
	{"authentik_core", "add_user_to_group", "group", "Add user to group"},
	{"authentik_core", "remove_user_from_group", "group", "Remove user from group"},
	{"authentik_core", "reset_user_password", "user", "Reset Password"},
	{"authentik_core", "impersonate", "user", "Can impersonate other users"},
	{"authentik_core", "assign_user_permissions", "user", "Can assign permissions to users"},
	{"authentik_core", "unassign_user_permissions", "user", "Can unassign permissions from users"},
	{"authentik_core", "preview_user", "user", "Can preview user data sent to providers"},
	{"authentik_core", "view_user_applications", "user", "View applications the user has access to"},
	{"authentik_core", "view_token_key", "token", "View token's key"},
	{"authentik_core", "set_token_key", "token", "Set a token's key"},
	{"authentik_events", "run_task", "systemtask", "Run task"},
	{"authentik_flows", "export_flow", "flow", "Can export a Flow"},
	{"authentik_flows", "inspect_flow", "flow", "Can inspect a Flow's execution"},
	{"authentik_flows", "view_flow_cache", "flow", "View Flow's cache metrics"},
	{"authentik_flows", "clear_flow_cache", "flow", "Clear Flow's cache metrics"},
	{"authentik_policies", "view_policy_cache", "policy", "View Policy's cache metrics"},
	{"authentik_policies", "clear_policy_cache", "policy", "Clear Policy's cache metrics"},
	{"authentik_rbac", "assign_role_permissions", "role", "Can assign permissions to roles"},
	{"authentik_rbac", "unassign_role_permissions", "role", "Can unassign permissions from roles"},
	{"authentik_rbac", "view_system_info", "systempermission", "Can view system info"},
	{"authentik_rbac", "view_system_tasks", "systempermission", "Can view system tasks"},
	{"authentik_rbac", "run_system_tasks", "systempermission", "Can run system tasks"},
	{"authentik_rbac", "access_admin_interface", "systempermission", "Can access admin interface"},
	{"authentik_rbac", "view_system_settings", "systempermission", "Can view system settings"},
	{"authentik_rbac", "edit_system_settings", "systempermission", "Can edit system settings"},
}

// kept are models of the release that Gatehouse keeps inside others: their permissions can be given, so that roles made for the release
// can be made here, and open nothing.
var kept = []permission{
	{app: "authentik_core", model: "usersourceconnection", name: "User Source Connection"},
	{app: "authentik_enterprise", model: "licenseusage", name: "License Usage"},
	{app: "authentik_flows", model: "flowtoken", name: "Flow Token"},
	{app: "authentik_policies", model: "policybindingmodel", name: "Policy Binding Model"},
	{app: "authentik_providers_oauth2", model: "devicetoken", name: "Device Token"},
	{app: "authentik_providers_scim", model: "scimgroup", name: "SCIM Group"},
	{app: "authentik_providers_scim", model: "scimuser", name: "SCIM User"},
	{app: "authentik_stages_authenticator_static", model: "statictoken", name: "Static Token"},
}

// all gives every permission: those of the kinds, the special ones, those of kept models.
func all(kinds []*kind.Kind) []permission {
	var out []permission
	seen := map[string]bool{}
	put := func(p permission) {
		if id := p.app + "." + p.codename; !seen[id] {
			seen[id] = true
			out = append(out, p)
		}
	}
	four := func(app, model, title string) {
		for _, verb := range []string{"add", "change", "delete", "view"} {
			if model != "systemtask" || verb == "view" { // only the house changes tasks
				put(permission{app, verb + "_" + model, model, "Can " + verb + " " + title})
			}
		}
	}
	for _, k := range kinds {
		if !k.View && k.Family != Permissions && strings.Contains(k.Model, ".") {
			four(k.App(), k.ModelName(), k.Title)
		}
	}
	for _, p := range kept {
		four(p.app, p.model, p.name)
	}
	for _, p := range special {
		put(p)
	}
	return out
}

// words are parts of app labels that are written in another way than they are spelled there.
var words = map[string]string{
	"oauth2": "OAuth2", "oauth": "OAuth", "saml": "SAML", "scim": "SCIM", "ldap": "LDAP", "rac": "RAC", "rbac": "RBAC", "totp": "TOTP", "sms": "SMS",
	"webauthn": "WebAuthn", "radius": "Radius",
}

// AppTitle gives the title of an app by its label: "Stages Authenticator TOTP" of authentik_stages_authenticator_totp.
func AppTitle(label string) string {
	parts := strings.Split(strings.TrimPrefix(label, "authentik_"), "_")
	for i, p := range parts {
		if w, ok := words[p]; ok {
			parts[i] = w
		} else if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, " ")
}
