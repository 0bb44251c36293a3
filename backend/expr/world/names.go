package world

import (
	"maps"
	"slices"
	"strings"

	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/kind"
)

// Namer is a kind that holds expressions and knows which variables they see besides the common names.
type Namer interface {
	ExpressionUse() expr.Use
	ExpressionNames() []expr.Name
}

func variable(name, help string, members ...expr.Name) expr.Name {
	return expr.Name{Name: name, Kind: "variable", Help: help, Members: members}
}

func property(names ...string) (out []expr.Name) {
	for _, n := range names {
		k, sig := "property", ""
		if base, _, ok := strings.Cut(n, "("); ok {
			n, k, sig = base, "function", n
		}
		out = append(out, expr.Name{Name: n, Kind: k, Signature: sig})
	}
	return out
}

// described completes names for the wire: no list is null.
func described(in []expr.Name) []expr.Name {
	out := make([]expr.Name, 0, len(in))
	for _, n := range in {
		n.Members = described(n.Members)
		out = append(out, n)
	}
	return out
}

// signature is how a function is called.
func (f function) signature() string {
	var parts []string
	for _, p := range f.params {
		if q, ok := strings.CutSuffix(p, "?"); ok {
			p = q + "=None"
		}
		parts = append(parts, p)
	}
	if f.open {
		parts = append(parts, "**kwargs")
	}
	return f.name + "(" + strings.Join(parts, ", ") + ")"
}

// readableFields are the fields of a kind that an expression may read.
func readableFields(k *kind.Kind) (out []expr.Name) {
	if k == nil {
		return nil
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		if !readable(f) || f.Hidden || f.Computed {
			continue
		}
		out = append(out, expr.Name{Name: f.Name, Kind: "property", Help: f.Help})
	}
	return out
}

// objectNames are what an object of a model has.
func (w *World) objectNames(model string) []expr.Name {
	k := w.Store.Kind(model)
	if k == nil {
		return nil
	}
	seen := map[string]expr.Name{}
	for _, n := range readableFields(k) {
		seen[n.Name] = n
	}
	for name := range w.class(k).attrs {
		n := expr.Name{Name: name, Kind: "property", Help: helps[name]}
		if called[name] {
			n.Kind, n.Signature = "function", name+"()"
		}
		seen[name] = n
	}
	seen["pk"] = expr.Name{Name: "pk", Kind: "property"}
	var out []expr.Name
	for _, name := range slices.Sorted(maps.Keys(seen)) {
		n := seen[name]
		if name == "ak_groups" || name == "users" {
			n.Members = setNames()
		}
		out = append(out, n)
	}
	return out
}

// helps say what an attribute is that is no field.
var helps = map[string]string{
	"ak_groups": "The groups that the person is directly in.", "groups": "The groups that the person is directly in.", "users": "The people who are directly in the group.",
	"all_groups": "The person's groups with all that are above them.", "group_attributes": "The attributes of the brand, of all groups and of the person, merged.",
	"is_superuser": "Whether the person may do everything.", "is_authenticated": "True; of nobody it is False.", "is_anonymous": "False; of nobody it is True.",
	"uid": "The stable name of the person for applications.", "avatar": "The address of the person's picture.", "locale": "The language that the person chose.",
	"date_joined": "When the account was made.", "password_change_date": "When the password was last set, None when never.", "backend": "What checked the password in this flow; only there once that happened.",
	"has_usable_password": "Whether there is a password that could match.", "check_password": "Whether a text is the person's password.", "set_password": "Give a new password; it counts after save().",
	"set_unusable_password": "Take the password away; it counts after save().", "children": "The groups that are directly below this one.", "is_member": "Whether a person is in the group or in one below it.",
	"get_launch_url": "Where the application opens.", "get_provider": "The provider of the application.", "get_user_path": "Where the people of the source stand in the directory.",
}

// called are the attributes of objects that are methods.
var called = map[string]bool{
	"all_groups": true, "group_attributes": true, "locale": true, "has_usable_password": true, "check_password": true, "set_password": true, "set_unusable_password": true,
	"get_username": true, "get_full_name": true, "is_member": true, "get_launch_url": true, "get_provider": true,
}

func setNames() (out []expr.Name) {
	for _, n := range slices.Sorted(maps.Keys(sets)) {
		out = append(out, expr.Name{Name: n, Kind: "function", Signature: n + "(…)"})
	}
	return out
}

// Names are the names that an expression of a use sees; own are those of the kind that holds it.
func (w *World) Names(use expr.Use, own []expr.Name) []expr.Name {
	person := w.objectNames(userModel)
	plan := variable("flow_plan", "The plan of the flow that is under way.", property("context", "redirect(destination)", "insert_stage(stage)", "append_stage(stage)", "bindings", "has_stages")...)
	web := variable("http_request", "The web request, None when there is none.", append(property(
		"path", "method", "GET", "POST", "META", "headers", "COOKIES", "session", "build_absolute_uri(location=None)", "get_host()", "is_secure()"),
		variable("user", "Who is signed in at the browser.", person...), variable("brand", "The brand of the address.", w.objectNames("authentik_brands.brand")...),
		variable("tenant", "The system settings."))...)
	context := variable("context", "Facts by name: in a flow what its plan knows, such as pending_user and prompt_data.", property("get(key, default=None)")...)
	request := variable("request", "Who is judged, about what, with which facts.",
		variable("user", "Who is judged.", person...), web, variable("obj", "What the policy is bound to, or the mapping."), context, expr.Name{Name: "debug", Kind: "property"})
	out := slices.Clone(own)
	for i := range out {
		if len(out[i].Members) == 0 && out[i].Name == "user" {
			out[i].Members = person
		}
		if len(out[i].Members) == 0 && out[i].Name == "group" {
			out[i].Members = w.objectNames(groupModel)
		}
	}
	out = append(out, request)
	if use == expr.Policy {
		out = append(out, context, plan, web, variable("ak_client_ip", "The address of the client, as the module ipaddress makes it."),
			variable("ak_is_sso_flow", "Whether an application or a source asks for the sign-in."))
	}
	for _, f := range slices.Concat(ours(), network()) {
		if f.name == "ak_message" && use != expr.Policy {
			continue
		}
		out = append(out, expr.Name{Name: f.name, Kind: "function", Signature: f.signature(), Help: f.help})
	}
	for _, n := range []string{"ip_address", "ip_network"} {
		out = append(out, expr.Name{Name: n, Kind: "function", Signature: n + "(address)", Help: "An address or a network of the module ipaddress; in tells whether one lies in the other."})
	}
	out = append(out, variable("ak_logger", "Write to the server's log; a test run shows the lines.", property("debug(text, **kwargs)", "info(text, **kwargs)", "warning(text, **kwargs)", "error(text, **kwargs)")...),
		expr.Name{Name: "requests", Kind: "module", Help: "Ask another server over HTTP.", Members: property("get(url, **kwargs)", "post(url, json=None, **kwargs)", "put(url, **kwargs)", "patch(url, **kwargs)", "delete(url)", "Session()")})
	return described(out)
}

// Modules are the modules that may be imported, with what is in them.
func (w *World) Modules() []Module {
	w.modules.once.Do(w.makeModules)
	var out []Module
	add := func(name string, m *py.Module) {
		one := Module{Name: name, Members: []string{}}
		for _, n := range slices.Sorted(maps.Keys(m.M)) {
			if _, sub := m.M[n].(*py.Module); !sub && !strings.HasPrefix(n, "_") {
				one.Members = append(one.Members, n)
			}
		}
		if len(one.Members) > 0 {
			out = append(out, one)
		}
	}
	for _, name := range py.ModuleNames() {
		if m, ok := py.StdModule(name); ok {
			add(name, m)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(w.modules.m)) {
		add(name, w.modules.m[name])
	}
	return out
}
