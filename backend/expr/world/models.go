package world

import (
	"strings"

	"gatehouse/backend/device"
	"gatehouse/backend/expr/py"
)

// attributes are the names of the release for attributes of people that mean something, by the constant that stands for each.
var attributes = map[string]py.Value{
	"USER_ATTRIBUTE_GENERATED":              "goauthentik.io/user/generated",
	"USER_ATTRIBUTE_EXPIRES":                "goauthentik.io/user/expires",
	"USER_ATTRIBUTE_DELETE_ON_LOGOUT":       "goauthentik.io/user/delete-on-logout",
	"USER_ATTRIBUTE_SOURCES":                "goauthentik.io/user/sources",
	"USER_ATTRIBUTE_TOKEN_EXPIRING":         "goauthentik.io/user/token-expires",
	"USER_ATTRIBUTE_TOKEN_MAXIMUM_LIFETIME": "goauthentik.io/user/token-maximum-lifetime",
	"USER_ATTRIBUTE_CHANGE_USERNAME":        "goauthentik.io/user/can-change-username",
	"USER_ATTRIBUTE_CHANGE_NAME":            "goauthentik.io/user/can-change-name",
	"USER_ATTRIBUTE_CHANGE_EMAIL":           "goauthentik.io/user/can-change-email",
	"USER_PATH_SYSTEM_PREFIX":               "goauthentik.io",
	"USER_PATH_SERVICE_ACCOUNT":             "goauthentik.io/service-accounts",
}

// enumType is an enumeration: its members are texts.
func enumType(name, module string, values ...string) py.Value {
	m := map[string]py.Value{}
	for _, v := range values {
		m[strings.ToUpper(v)] = v
	}
	return py.NewType(name, module, m)
}

// module gives the modules of the release that expressions may import.
func (w *World) module(name string) (*py.Module, bool) {
	if !strings.HasPrefix(name, "authentik.") && name != "authentik" && name != "requests" && name != "structlog.stdlib" && name != "rest_framework.exceptions" &&
		name != "django.core.exceptions" {
		return nil, false
	}
	w.modules.once.Do(w.makeModules)
	m, ok := w.modules.m[name]
	return m, ok
}

// makeModules builds the modules from the kinds: each kind is a class in the module of its app.
func (w *World) makeModules() {
	ms := map[string]*py.Module{}
	put := func(module, name string, v py.Value) {
		if ms[module] == nil {
			ms[module] = &py.Module{Name: module, M: map[string]py.Value{}}
		}
		ms[module].M[name] = v
	}
	for _, k := range w.Store.Kinds() {
		if k.Path == "" && k.Model != "authentik_tenants.tenant" || k.App() == "gatehouse" {
			continue
		}
		c := w.class(k)
		module := moduleOf(k.App())
		put(module, k.Schema, c.typ)
		if _, ok := k.New().(device.Shared); ok { // as the release names its class, whatever the schema says
			for _, n := range []string{"TOTPDevice", "StaticDevice", "DuoDevice", "SMSDevice", "WebAuthnDevice"} {
				if strings.EqualFold(n, k.ModelName()) {
					put(module, n, c.typ)
				}
			}
		}
	}
	const core, flows = "authentik.core.models", "authentik.flows.models"
	for n, v := range attributes {
		put(core, n, v)
	}
	put(core, "UserTypes", enumType("UserTypes", core, "internal", "external", "service_account", "internal_service_account"))
	put(flows, "FlowAuthenticationRequirement", enumType("FlowAuthenticationRequirement", flows, "none", "require_authenticated", "require_unauthenticated", "require_superuser", "require_outpost"))
	put(flows, "FlowDesignation", enumType("FlowDesignation", flows, "authentication", "authorization", "invalidation", "enrollment", "unenrollment", "recovery", "stage_configuration"))
	put("authentik.flows.planner", "PLAN_CONTEXT_PENDING_USER", "pending_user")
	put("authentik.flows.planner", "PLAN_CONTEXT_SSO", "is_sso")
	put("authentik.flows.planner", "PLAN_CONTEXT_REDIRECT", "redirect")
	put("authentik.flows.planner", "PLAN_CONTEXT_APPLICATION", "application")
	put("authentik.stages.prompt.stage", "PLAN_CONTEXT_PROMPT", "prompt_data")
	put("authentik.lib.expression.exceptions", "ControlFlowException", py.Exception)
	put("authentik.core.expression.exceptions", "SkipObject", skipObject)
	put("authentik.policies.types", "PolicyRequest", requestType)
	put("authentik.flows.planner", "FlowPlan", planType)
	put("authentik.policies.exceptions", "PolicyException", policyException)
	put("django.core.exceptions", "ObjectDoesNotExist", doesNotExist)
	put("django.core.exceptions", "FieldError", fieldError)
	put("django.core.exceptions", "ValidationError", validationError)
	put("rest_framework.exceptions", "ValidationError", validationError)
	put("structlog.stdlib", "get_logger", py.NewFunc("get_logger", func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return &logger{}, nil }))
	ms["requests"] = requestsModule
	// import authentik.core.models binds authentik: each has its children.
	for name := range ms {
		for at := name; ; {
			i := strings.LastIndexByte(at, '.')
			if i < 0 {
				break
			}
			parent := at[:i]
			if ms[parent] == nil {
				ms[parent] = &py.Module{Name: parent, M: map[string]py.Value{}}
			}
			ms[parent].M[at[i+1:]] = ms[at]
			at = parent
		}
	}
	w.modules.m = ms
}

// moduleOf is where the release keeps the models of an app.
func moduleOf(app string) string {
	name := strings.TrimPrefix(app, "authentik_")
	for _, shelf := range []string{"stages_", "policies_", "providers_", "sources_"} {
		if rest, ok := strings.CutPrefix(name, shelf); ok {
			return "authentik." + strings.TrimSuffix(shelf, "_") + "." + rest + ".models"
		}
	}
	return "authentik." + name + ".models"
}
