package server

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// The checks of docs/acceptance.md that are about flows, as programs, browsers and admins meet them.

// steps is the executor of a flow for a page that was opened with a query.
func steps(slug, query string) string { return running(slug) + url.QueryEscape(query) }

// bound binds an expression to a flow or to one of its stages.
func (h *house) bound(target, name, text string) {
	h.t.Helper()
	pk := h.api("POST", "policies/expression/", obj{"name": name, "expression": text}, 201)["pk"]
	h.api("POST", "policies/bindings/", obj{"target": target, "policy": pk, "order": 0}, 201)
}

// bindings gives the keys of a flow's stage bindings in their order.
func (h *house) bindings(flow string) (out []string) {
	h.t.Helper()
	for _, row := range h.rows(h.t.(*testing.T), bootToken, "flows/bindings/?ordering=order&target="+flow) {
		out = append(out, row["pk"].(string))
	}
	return out
}

// seen names what a flow shows: a dummy by its name, an end by its reason or where it leads, else the component.
func seen(out obj) string {
	for component, field := range map[string]string{"ak-stage-dummy": "name", "ak-stage-access-denied": "error_message", "xak-flow-redirect": "to"} {
		if out["component"] == component {
			s, _ := out[field].(string)
			return s
		}
	}
	return fmt.Sprint(out["component"])
}

func TestExecutorOverHTTP(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.flowOf("two", "authentication", nil, [2]any{"dummy", obj{"name": "one"}}, [2]any{"dummy", obj{"name": "other"}})
	who := h.api("POST", "stages/prompt/prompts/", obj{"name": "who", "field_key": "name", "label": "Name", "type": "text"}, 201)["pk"]
	h.flowOf("asks", "enrollment", nil, [2]any{"prompt/stages", obj{"name": "asks", "fields": []any{who}}}, [2]any{"dummy", obj{"name": "asked"}})
	const two = "/api/v3/flows/executor/two/?query=a%3D%2520b"

	t.Run("headers and steps", func(t *testing.T) {
		b := h.browser()
		first := b.get(two)
		if first.status != 200 || first.header.Get("Content-Type") != "application/json" || first.header.Get("X-Frame-Options") != "SAMEORIGIN" || first.header.Get("Cache-Control") != "no-store" || len(first.header.Get("X-authentik-id")) != 32 {
			t.Errorf("%d %v", first.status, first.header)
		}
		if got := first.json(t); got["type"] != "native" || got["name"] != "one" || got["response_errors"] != nil {
			t.Errorf("%v", got)
		}
		on := b.do("POST", two, "application/json", `{"component":"ak-stage-dummy"}`)
		if on.status != 302 || on.header.Get("Location") != two {
			t.Errorf("an answer: %d %s", on.status, on.header.Get("Location"))
		}
		if got := seen(b.flow(two, nil)); got != "other" {
			t.Errorf("after it: %s", got)
		}
		if end := b.do("POST", two, "application/json", `{}`); end.status != 200 || end.json(t)["component"] != "xak-flow-redirect" || end.json(t)["type"] != "redirect" || end.json(t)["to"] != "/" || end.json(t)["flow_info"] != nil {
			t.Errorf("the end: %d %s", end.status, end.body)
		}
	})
	t.Run("bodies", func(t *testing.T) {
		const path = "/api/v3/flows/executor/asks/?query="
		const form = "application/x-www-form-urlencoded"
		for name, tt := range map[string]struct {
			method, kind, body string
			status             int
			want               string
		}{
			"no such flow":            {"GET", "", "", 404, "detail"},
			"another method":          {"PUT", "application/json", `{"name":"x"}`, 405, `Method \"PUT\" not allowed.`},
			"no JSON":                 {"POST", "application/json", `{"name"`, 400, "JSON parse error"},
			"a list":                  {"POST", "application/json", `["name"]`, 400, "JSON parse error"},
			"null":                    {"POST", "application/json", `null`, 400, "JSON parse error"},
			"too much":                {"POST", "application/json", `{"name":"` + strings.Repeat("x", 5<<20) + `"}`, 413, "too large"},
			"nothing":                 {"POST", "", "", 200, `"name":[{"string":"This field is required.","code":"required"}]`},
			"a form":                  {"POST", form, "name=ada", 302, ""},
			"JSON":                    {"POST", "application/json", `{"name":"ada"}`, 302, ""},
			"the component":           {"POST", "application/json", `{"component":"ak-stage-prompt","name":"ada"}`, 302, ""},
			"another component":       {"POST", "application/json", `{"component":"ak-stage-password","name":"ada"}`, 302, ""},
			"no word for a component": {"POST", "application/json", `{"component":"","name":"ada"}`, 200, `"response_errors":{"component":[{"string":"This field may not be blank.","code":"blank"}]}`},
		} {
			at := path
			if name == "no such flow" {
				at = running("nowhere")
			}
			if a := h.browser().do(tt.method, at, tt.kind, tt.body); a.status != tt.status || !strings.Contains(a.body, tt.want) {
				t.Errorf("%s: %d %.300s", name, a.status, a.body)
			}
		}
	})
	// Who is not signed in sends no token; who is has to.
	t.Run("cross-site", func(t *testing.T) {
		b := h.signedIn("akadmin", bootPassword)
		if a := b.do("POST", two, "application/json", `{}`, "X-authentik-CSRF", "wrong"); a.status != 403 || !strings.Contains(a.body, "CSRF Failed") {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := b.do("POST", two, "application/json", `{}`); a.status != 302 {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	// What a page was opened with stands in the audit log by name, so that what is secret of it is not.
	t.Run("audit", func(t *testing.T) {
		h.browser().flow(steps("default-authentication-flow", "next=%2Fhere&itoken=6ba7b810-9dad-41d1-80b4-00c04fd430c8"), obj{"uid_field": "akadmin"})
		b := h.browser()
		at := steps("default-authentication-flow", "next=%2Fhere&itoken=6ba7b810-9dad-41d1-80b4-00c04fd430c8")
		b.flow(at, obj{"uid_field": "akadmin"})
		b.flow(at, obj{"password": "not the right one"})
		args := h.lastEvent("login_failed")["context"].(obj)["http_request"].(obj)["args"].(obj)
		if args["next"] != "/here" || args["itoken"] != "********************" || args["query"] != nil {
			t.Errorf("%v", args)
		}
	})
}

// How a flow looks comes from the flow: with its challenge for programs, on its page for people.
func TestFlowAppearance(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.flowOf("look", "authentication", obj{"title": "Hello"}, [2]any{"dummy", obj{"name": "look"}})
	const path = "flows/instances/look/"
	info := func() obj { return h.browser().flow(running("look"), nil)["flow_info"].(obj) }
	const ours = "/static/dist/assets/images/flow_background.jpg"
	if got := info(); got["title"] != "Hello" || got["layout"] != "stacked" || got["background"] != ours || got["cancel_url"] != "/flows/-/cancel/" {
		t.Errorf("%v", got)
	}
	for _, layout := range []string{"content_left", "content_right", "sidebar_left", "sidebar_right", "stacked"} {
		h.api("PATCH", path, obj{"layout": layout, "compatibility_mode": true}, 200)
		if got := info(); got["layout"] != layout {
			t.Errorf("%v", got)
		}
		if a := h.browser().get("/if/flow/look/"); a.status != 200 || !strings.Contains(a.body, `<body class="`+strings.ReplaceAll(layout, "_", "-")+`">`) {
			t.Errorf("the page of %s: %d %.600s", layout, a.status, a.body)
		}
	}
	h.api("PATCH", path, obj{"layout": "diagonal"}, 400)
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>`
	wantAnswer(t, h.upload(t, bootToken, path+"set_background/", nil, ""), 400, "")
	wantAnswer(t, h.upload(t, bootToken, path+"set_background/", nil, svg), 200, "")
	at, _ := info()["background"].(string)
	if a := h.browser().get(at); !strings.HasPrefix(at, "/media/") || a.status != 200 || !strings.Contains(a.body, "<svg") {
		t.Errorf("%q: %d", at, a.status)
	}
	if a := h.browser().get("/if/flow/look/"); !strings.Contains(a.body, `src="`+at+`"`) {
		t.Errorf("%.900s", a.body)
	}
	wantAnswer(t, h.upload(t, bootToken, path+"set_background/", map[string]string{"clear": "true"}, ""), 200, "")
	if got := info()["background"]; got != ours {
		t.Errorf("%v", got)
	}
	for address, status := range map[string]int{"https://pictures.office.lan/a.jpg": 200, "/static/dist/own.jpg": 200, "javascript:alert(1)": 400, "pictures/a.jpg": 400, "": 400} {
		h.api("POST", path+"set_background_url/", obj{"url": address}, status)
		if got := info()["background"]; status == 200 && got != address {
			t.Errorf("%s: %v", address, got)
		}
	}
	// Each flow that the house comes with can be drawn.
	for _, f := range h.rows(t, bootToken, "flows/instances/?page_size=100") {
		slug := f["slug"].(string)
		if d := h.api("GET", "flows/instances/"+slug+"/diagram/", nil, 200)["diagram"].(string); !strings.HasPrefix(d, "graph TD\n") || !strings.Contains(d, "done[[") || strings.Count(d, "([") != len(f["stages"].([]any)) {
			t.Errorf("%s: %s", slug, d)
		}
		if f["cache_count"] != 0.0 || f["export_url"] != "/api/v3/flows/instances/"+slug+"/export/" || f["policybindingmodel_ptr_id"] == "" {
			t.Errorf("%v", f)
		}
	}
	wantAnswer(t, h.as(bootToken, "GET", "flows/instances/cache_info/", ""), 200, `{"count":0}`)
	h.api("POST", "flows/instances/cache_clear/", nil, 204)
}

// Whom a flow refuses, and where something breaks: for programs and on the page; details are for those who may read them.
func TestEndsOfFlows(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	debug := obj{"goauthentik.io/user/debug": true}
	plain, own, ofGroup := h.addUser("plain", "lovelace-1815"), h.addUser("own", "lovelace-1815"), h.addUser("group", "lovelace-1815")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", own), obj{"attributes": debug}, 200)
	h.api("POST", "core/groups/", obj{"name": "developers", "attributes": debug, "users": []int{ofGroup}}, 201)
	h.api("PATCH", fmt.Sprintf("core/users/%d/", plain), obj{"attributes": obj{"goauthentik.io/user/debug": "yes"}}, 200)
	h.flowOf("breaks", "authentication", nil, [2]any{"dummy", obj{"name": "breaks", "throw_error": true}})
	for who, told := range map[string]bool{"": false, "plain": false, "own": true, "group": true, "akadmin": true} {
		b, password := h.browser(), "lovelace-1815"
		if who == "akadmin" {
			password = bootPassword
		}
		if who != "" {
			b = h.signedIn(who, password)
		}
		before := h.events("system_exception")
		a := b.get(running("breaks"))
		got := a.json(t)
		if a.status != 200 || got["component"] != "ak-stage-flow-error" || got["request_id"] != a.header.Get("X-authentik-id") || (got["error"] == "Test error") != told || got["flow_info"] != nil {
			t.Errorf("%q: %d %v", who, a.status, got)
		}
		if h.events("system_exception") != before+1 {
			t.Errorf("%q: %d events", who, h.events("system_exception")-before)
		}
		page := b.get("/if/flow/breaks/")
		if page.status != 500 || !strings.Contains(page.body, page.header.Get("X-authentik-id")) || strings.Contains(page.body, "Test error") != told {
			t.Errorf("%q: the page: %d %.900s", who, page.status, page.body)
		}
	}

	pk := h.flowOf("closed", "authentication", nil, [2]any{"dummy", obj{"name": "closed"}})
	h.bound(pk, "closed", "ak_message('Not today.')\nak_message('Nor tomorrow.')\nreturn False")
	const no = "Not today.\nNor tomorrow."
	for _, tt := range []struct{ action, inner, outer, want string }{
		{"message_continue", "", "", no}, {"message_continue", "next=%2Fa", "", "/a"}, {"message_continue", "", "&next=%2Fb", "/b"}, {"message_continue", "next=%2Fa", "&next=%2Fb", "/a"},
		{"message_continue", "next=%2F%2Fevil.tld", "&next=https%3A%2F%2Fevil.tld", no}, {"message", "next=%2Fa", "&next=%2Fb", no}, {"continue", "", "", "/"}, {"continue", "next=%2Fa", "", "/a"}, {"continue", "", "&next=%2F%5Cevil.tld", "/"},
	} {
		h.api("PATCH", "flows/instances/closed/", obj{"denied_action": tt.action}, 200)
		if got := seen(h.browser().flow(steps("closed", tt.inner)+tt.outer, nil)); got != tt.want {
			t.Errorf("%s, %s%s: %q, want %q", tt.action, tt.inner, tt.outer, got, tt.want)
		}
		page := h.browser().get("/if/flow/closed/?" + tt.inner)
		if tt.outer == "" && tt.want == no && (page.status != 403 || !strings.Contains(page.body, "<p>Not today.</p><p>Nor tomorrow.</p>")) || tt.outer == "" && tt.want != no && (page.status != 302 || page.header.Get("Location") != tt.want) {
			t.Errorf("%s, %s: the page: %d %s", tt.action, tt.inner, page.status, page.header.Get("Location"))
		}
	}
}

// Only a flow's own page, and who may, look into a flow under way; what was typed in secret stays so, also when the flow is over.
func TestFlowInspector(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, eve := h.addUser("ada", "lovelace-1815"), h.addUser("eve", "inspector-1999")
	prompt := func(key, typ string) any {
		return h.api("POST", "stages/prompt/prompts/", obj{"name": key, "field_key": key, "label": key, "type": typ}, 201)["pk"]
	}
	look := h.flowOf("look", "stage_configuration", nil, [2]any{"prompt/stages", obj{"name": "asks", "fields": []any{prompt("password", "password"), prompt("colour", "text")}}}, [2]any{"dummy", obj{"name": "then"}})
	h.flowOf("other", "stage_configuration", nil, [2]any{"dummy", obj{"name": "else"}})
	h.grants(eve, "authentik_flows.inspect_flow "+look)
	adas, eves, admin := h.signedIn("ada", "lovelace-1815"), h.signedIn("eve", "inspector-1999"), h.signedIn("akadmin", bootPassword)
	const at = "/api/v3/flows/inspector/look/"
	for name, tt := range map[string]struct {
		b      *browser
		at     string
		status int
	}{
		"nobody": {h.browser(), at, 403}, "somebody": {adas, at, 404}, "who may look at it, before it began": {eves, at, 400}, "who may look at another one": {eves, "/api/v3/flows/inspector/other/", 404},
		"an admin, before it began": {admin, at, 400}, "an admin, no flow": {admin, "/api/v3/flows/inspector/nowhere/", 404},
	} {
		if a := tt.b.get(tt.at); a.status != tt.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	stage := func(plan any, which string) any {
		b, _ := plan.(obj)[which].(obj)
		s, _ := b["stage_obj"].(obj)
		return s["name"]
	}
	for name, b := range map[string]*browser{"eve": eves, "admin": admin} {
		b.flow(running("look"), nil)
		got := b.get(at).json(t)
		now := got["current_plan"].(obj)
		if got["is_completed"] != false || len(got["plans"].([]any)) != 0 || stage(now, "current_stage") != "asks" || stage(now, "next_planned_stage") != "then" || len(now["session_id"].(string)) != 64 {
			t.Errorf("%s, at first: %v", name, got)
		}
		b.flow(running("look"), obj{"password": "a-secret-word-1", "colour": "red"})
		a := b.get(at)
		got = a.json(t)
		now = got["current_plan"].(obj)
		data, _ := now["plan_context"].(obj)["prompt_data"].(obj)
		if got["is_completed"] != false || len(got["plans"].([]any)) != 1 || stage(now, "current_stage") != "then" || stage(now, "next_planned_stage") != "" || data["colour"] != "red" || strings.Contains(a.body, "a-secret-word-1") {
			t.Errorf("%s, then: %s", name, a.body)
		}
		if out := b.flow(running("look"), obj{}); out["to"] != "/" {
			t.Fatalf("%v", out)
		}
		a = b.get(at)
		got = a.json(t)
		if a.status != 200 || got["is_completed"] != true || len(got["plans"].([]any)) != 2 || stage(got["current_plan"], "current_stage") != "then" || strings.Contains(a.body, "a-secret-word-1") || !strings.Contains(a.body, `"colour":"red"`) {
			t.Errorf("%s, at the end: %d %s", name, a.status, a.body)
		}
		ways := h.ways()
		if len(ways) != 1 || strings.Contains(ways[0], "a-secret-word-1") || !strings.Contains(ways[0], "red") {
			t.Errorf("%s: what is kept: %q", name, ways)
		}
		b.flow(running("look"), nil)
		if got := b.get(at).json(t); got["is_completed"] != false || len(got["plans"].([]any)) != 0 {
			t.Errorf("%s, begun anew: %v", name, got)
		}
	}
	// Who may not look leaves nothing behind.
	adas.flow(running("look"), obj{"password": "a-secret-word-1", "colour": "red"})
	adas.flow(running("look"), obj{})
	var n int
	if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM plans p JOIN sessions s ON s.uuid = p.session WHERE s."user" = ?`, ada).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d plans stay, %v", n, err)
	}
}

// ways gives the histories of plans that are over.
func (h *house) ways() (found []string) {
	h.t.Helper()
	rows, err := h.s.db.Query(h.t.Context(), `SELECT body FROM plans`)
	if err != nil {
		h.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			h.t.Fatal(err)
		}
		whole, err := h.s.rooms.store.Key().OpenBytes(body, "plans")
		if err != nil {
			h.t.Fatal(err)
		}
		if way, over := strings.CutPrefix(string(whole), "\n"); over {
			found = append(found, way)
		}
	}
	if err := rows.Err(); err != nil {
		h.t.Fatal(err)
	}
	return found
}

// An admin tries a flow in their own browser: it is about them, whatever was under way before.
func TestFlowExecute(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	try := h.flowOf("try", "authentication", obj{"authentication": "require_unauthenticated"}, [2]any{"dummy", obj{"name": "first"}}, [2]any{"password", obj{"name": "second", "backends": []string{"authentik.core.auth.InbuiltBackend"}}})
	h.flowOf("empty", "authentication", nil)
	closed := h.flowOf("closed", "authentication", nil, [2]any{"dummy", obj{"name": "closed"}})
	h.bound(closed, "closed", "ak_message('Not today.')\nreturn False")
	h.bound(try, "about whom", "return request.user.username == 'akadmin' and context['pending_user'].username == 'akadmin'")
	admin := h.signedIn("akadmin", bootPassword)
	for slug, tt := range map[string]struct {
		status int
		want   string
	}{
		"try": {200, `{"link":"` + h.base + `/if/flow/try/"}`}, "empty": {400, "nothing to run"}, "closed": {400, "Flow not applicable to current user/request: Not today."}, "nowhere": {404, ""},
	} {
		if a := admin.get("/api/v3/flows/instances/" + slug + "/execute/"); a.status != tt.status || !strings.Contains(a.body, tt.want) {
			t.Errorf("%s: %d %s", slug, a.status, a.body)
		}
	}
	if a := h.as(bootToken, "GET", "flows/instances/try/execute/", ""); a.status != 400 || !strings.Contains(a.body, "A flow runs in a browser.") {
		t.Errorf("a program: %d %s", a.status, a.body)
	}
	if out := admin.flow(running("try"), nil); out["name"] != "first" {
		t.Errorf("%v", out)
	}
	if out := admin.flow(running("try"), obj{}); out["component"] != "ak-stage-password" || out["pending_user"] != "akadmin" {
		t.Errorf("%v", out)
	}
	// The way so far is forgotten when it is tried anew.
	admin.get("/api/v3/flows/instances/try/execute/")
	if got := admin.get("/api/v3/flows/inspector/try/").json(t); len(got["plans"].([]any)) != 0 || got["current_plan"].(obj)["plan_context"].(obj)["pending_user"] == nil {
		t.Errorf("%v", got)
	}
}

// Where flows are entered: by purpose, by giving up, by setting something up, by opening an application.
func TestWaysIntoFlows(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	brand := h.rows(t, bootToken, "core/brands/")[0]["brand_uuid"].(string)
	leads := func(b *browser, path string) string {
		t.Helper()
		a := b.get(path)
		if a.status == 404 {
			return "404"
		}
		return a.header.Get("Location")
	}
	is := func(name, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	const in, out = "/flows/-/default/authentication/", "/flows/-/default/invalidation/"
	is("the brand's sign-in", leads(h.browser(), in+"?next=%2Fx&a=b"), "/if/flow/default-authentication-flow/?next=%2Fx&a=b")
	is("the brand's sign-out", leads(h.browser(), out), "/if/flow/default-invalidation-flow/")
	// Without one: the first by slug that is for who asks.
	first := h.flowOf("aaa", "authentication", nil, [2]any{"dummy", obj{"name": "aaa"}})
	h.bound(first, "only ada", "return request.user.username == 'ada'")
	h.flowOf("aab", "authentication", obj{"authentication": "require_superuser"}, [2]any{"dummy", obj{"name": "aab"}})
	own := h.flowOf("own", "authentication", nil, [2]any{"dummy", obj{"name": "own"}})
	h.api("PATCH", "core/brands/"+brand+"/", obj{"flow_authentication": nil, "flow_invalidation": nil}, 200)
	is("the first for nobody", leads(h.browser(), in), "/if/flow/default-authentication-flow/")
	adas := h.browser()
	adas.signIn("", "ada", "lovelace-1815")
	is("the first for ada", leads(adas, in), "/if/flow/aaa/")
	h.api("DELETE", "flows/instances/default-invalidation-flow/", nil, 204)
	is("none", leads(h.browser(), out), "404")
	is("giving up where there is none", leads(h.browser(), "/flows/-/cancel/"), out)
	sign := h.flowNamed("default-authentication-flow")
	h.api("PATCH", "core/brands/"+brand+"/", obj{"flow_authentication": sign}, 200)
	// An application's own sign-in.
	wiki := h.addApp("wiki", nil)
	p := h.rows(t, bootToken, "providers/oauth2/?client_id="+wiki.id)[0]
	h.api("PATCH", fmt.Sprintf("providers/oauth2/%v/", p["pk"]), obj{"authentication_flow": own}, 200)
	b := h.browser()
	b.get(wiki.authorize())
	is("from an application", leads(b, in), "/if/flow/own/")
	is("not from it", leads(h.browser(), in), "/if/flow/default-authentication-flow/")
	// Another flow that was under way is over; giving up ends one too.
	b = h.browser()
	at := running("default-authentication-flow")
	b.flow(at, obj{"uid_field": "ada"})
	b.get(in)
	if got := b.flow(at, nil); got["component"] != "ak-stage-password" {
		t.Errorf("the flow that one goes on with is gone: %v", got)
	}
	b.flow(running("own"), nil)
	b.get(in)
	if got := b.flow(at, nil); got["component"] != "ak-stage-identification" {
		t.Errorf("%v", got)
	}
	b.flow(at, obj{"uid_field": "ada"})
	is("giving up", leads(b, "/flows/-/cancel/"), out)
	if got := b.flow(at, nil); got["component"] != "ak-stage-identification" {
		t.Errorf("after giving up: %v", got)
	}

	totp := h.setUpStage("totp", obj{"digits": "6"})
	static := h.api("POST", "stages/authenticator/static/", obj{"name": "no flow"}, 201)["pk"].(string)
	deny := h.api("POST", "stages/deny/", obj{"name": "no set-up"}, 201)["pk"].(string)
	set := "/flows/-/configure/" + totp + "/"
	is("setting up, nobody", leads(h.browser(), set), in+"?next="+url.QueryEscape(set))
	is("setting up", leads(adas, set+"?next=%2Fif%2Fuser%2F"), "/if/flow/set-up-totp/?next=%2Fif%2Fuser%2F")
	if got := adas.flow(steps("set-up-totp", "next=%2Fif%2Fuser%2F"), nil); got["component"] != "ak-stage-authenticator-totp" || got["pending_user"] != "ada" {
		t.Errorf("%v", got)
	}
	for name, pk := range map[string]string{"no flow for it": static, "nothing to set up": deny, "no such stage": sourceRef, "no key": "x"} {
		is(name, leads(adas, "/flows/-/configure/"+pk+"/"), "404")
	}
	h.bound(h.flowNamed("set-up-totp"), "never", "return False")
	is("a flow that is not for them", leads(adas, set), "404")

	// Who is not signed in signs in for the application, by its name; then it opens.
	h.api("PATCH", "flows/instances/default-authentication-flow/", obj{"title": "On to %(app)s"}, 200)
	h.api("POST", "core/applications/", obj{"name": "Notes", "slug": "notes", "meta_launch_url": "https://notes.office.lan/"}, 201)
	h.api("POST", "core/applications/", obj{"name": "Nowhere", "slug": "nowhere"}, 201)
	b = h.browser()
	is("opening, nobody", leads(b, "/application/launch/notes/"), "/if/flow/default-authentication-flow/")
	got := b.flow(at, nil)
	is("whose name is told", got["flow_info"].(obj)["title"].(string), "On to Notes")
	is("and then", seen(b.signIn("", "ada", "lovelace-1815")), "/application/launch/notes/")
	is("opening", leads(b, "/application/launch/notes/"), "https://notes.office.lan/")
	for _, slug := range []string{"nowhere", "unknown"} {
		is(slug+", nobody", leads(h.browser(), "/application/launch/"+slug+"/"), "404")
		is(slug, leads(b, "/application/launch/"+slug+"/"), "404")
	}
}

// A flow as a file: what it is made of, each thing once, and the same flow again elsewhere.
func TestBareFlowAsFile(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	kinds := func(text string) (out []string) {
		for line := range strings.Lines(text) {
			if model, ok := strings.CutPrefix(strings.TrimLeft(strings.TrimSpace(line), "- "), "model: "); ok {
				out = append(out, model)
			}
		}
		return out
	}
	export := func(slug string) string {
		t.Helper()
		a := h.as(bootToken, "GET", "flows/instances/"+slug+"/export/", "")
		if a.status != 200 || a.header.Get("Content-Disposition") != "attachment; filename="+slug+".yaml" {
			t.Fatalf("%d %v %s", a.status, a.header, a.body)
		}
		return a.body
	}
	take := func(text string) {
		t.Helper()
		if a := h.upload(t, bootToken, "flows/instances/import/", nil, text); a.status != 200 || a.json(t)["success"] != true {
			t.Fatalf("%d %s\n%s", a.status, a.body, text)
		}
	}
	h.flowOf("bare", "authentication", nil, [2]any{"dummy", obj{"name": "only"}})
	bare := export("bare")
	if got := kinds(bare); !slices.Equal(got, []string{"authentik_flows.flow", "authentik_stages_dummy.dummystage", "authentik_flows.flowstagebinding"}) || !strings.Contains(bare, "authentik Export - ") || !strings.Contains(bare, "blueprints.goauthentik.io/generated") {
		t.Errorf("%v\n%s", got, bare)
	}
	// One with a prompt that a policy checks, and policies bound to the flow and to a stage.
	prompt := h.api("POST", "stages/prompt/prompts/", obj{"name": "typed", "field_key": "username", "label": "Name", "type": "username"}, 201)["pk"]
	check := h.api("POST", "policies/expression/", obj{"name": "checks", "expression": "return context['prompt_data']['username'] == 'right'"}, 201)["pk"]
	rich := h.flowOf("rich", "enrollment", nil, [2]any{"prompt/stages", obj{"name": "asks", "fields": []any{prompt}, "validation_policies": []any{check}}}, [2]any{"dummy", obj{"name": "left out"}})
	h.bound(rich, "of the flow", "return True")
	h.bound(h.bindings(rich)[1], "of the binding", "return False")
	whole := export("rich")
	if got := kinds(whole); len(got) != 11 || got[0] != "authentik_flows.flow" || got[1] != "authentik_stages_prompt.prompt" || got[10] != "authentik_policies.policybinding" {
		t.Errorf("%v", got)
	}
	works := func(when string) {
		t.Helper()
		b := h.browser()
		if got := problem(b.flow(running("rich"), obj{"username": "wrong"}), "non_field_errors"); got != "" {
			t.Errorf("%s: %q", when, got)
		}
		if got := b.flow(running("rich"), nil); got["component"] != "ak-stage-prompt" {
			t.Errorf("%s: %v", when, got)
		}
		if got := seen(b.flow(running("rich"), obj{"username": "right"})); got != "/" {
			t.Errorf("%s: %s", when, got)
		}
		if n := len(h.rows(t, bootToken, "policies/bindings/?target="+h.flowNamed("rich"))); n != 1 || h.count("flows/instances/?slug=rich") != 1 || h.count("stages/dummy/?name="+url.QueryEscape("left out")) != 1 {
			t.Errorf("%s: %d bindings", when, n)
		}
	}
	works("at first")
	created := h.events("model_created")
	for range 2 {
		take(whole)
		take(bare)
	}
	if n := h.events("model_created"); n != created {
		t.Errorf("importing what is there makes %d objects", n-created)
	}
	works("over itself")
	for _, gone := range []string{"flows/instances/rich/", "stages/prompt/stages/" + h.rows(t, bootToken, "stages/prompt/stages/?name=asks")[0]["pk"].(string) + "/", fmt.Sprintf("stages/prompt/prompts/%s/", prompt), fmt.Sprintf("policies/expression/%s/", check)} {
		h.api("DELETE", gone, nil, 204)
	}
	for range 2 {
		take(whole)
		works("made anew")
	}
}
