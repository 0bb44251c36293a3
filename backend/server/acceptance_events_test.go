package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// The checks of docs/acceptance.md that are about events.

func TestEventsOverHTTP(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	h.addUser("bob", "builder-1999")
	wiki, chat := h.addApp("wiki", nil), h.addApp("chat", nil)
	adas, bobs := h.signedIn("ada", "lovelace-1815"), h.signedIn("bob", "builder-1999")
	for _, b := range []*browser{adas, bobs, adas} {
		b.code(wiki.authorize())
	}
	adas.code(chat.authorize())

	labels := map[any]any{}
	for _, a := range h.list(t, bootToken, "events/events/actions/") {
		labels[a["component"]] = a["name"]
		if a["description"] != "" || a["model_name"] != "" {
			t.Errorf("%v", a)
		}
	}
	if len(labels) != 27 || labels["login_failed"] != "Login Failed" || labels["invitation_used"] != "Invite Used" || labels["custom_"] != "Custom Prefix" || labels["update_available"] != "Update Available" {
		t.Errorf("%d %v", len(labels), labels)
	}
	top := h.list(t, bootToken, "events/events/top_per_user/?action=authorize_application")
	if len(top) != 2 || top[0]["application"].(obj)["name"] != "wiki" || top[0]["counted_events"] != 3.0 || top[0]["unique_users"] != 2.0 || top[1]["counted_events"] != 1.0 || top[1]["unique_users"] != 1.0 {
		t.Errorf("%v", top)
	}
	if got := h.list(t, bootToken, "events/events/top_per_user/?action=authorize_application&top_n=1"); len(got) != 1 {
		t.Errorf("%v", got)
	}
	app := h.api("GET", "core/applications/chat/", nil, 200)["pk"].(string)
	for path, want := range map[string]int{
		"volume/": h.count("events/events/"), "volume/?action=authorize_application": 4, "volume/?username=bob&action=authorize_application": 1, "volume/?client_ip=192.0.2.1": 0,
		"per_month/?action=authorize_application": 4, "per_month/?action=login": h.events("login") - h.events("login_failed"),
		"per_month/?action=authorize_application&query=" + url.QueryEscape(`{"context__authorized_application__pk":"`+strings.ReplaceAll(app, "-", "")+`"}`): 1,
	} {
		points, sum := h.list(t, bootToken, "events/events/"+path), 0.0
		n := map[bool]int{true: 22, false: 31}[strings.HasPrefix(path, "volume")]
		for i, p := range points {
			sum += p["y_cord"].(float64)
			if i > 0 && p["x_cord"].(float64) <= points[i-1]["x_cord"].(float64) {
				t.Errorf("%s: point %d is not after the one before", path, i)
			}
		}
		if len(points) != n || int(sum) != want {
			t.Errorf("%s: %d points, %v events, want %d", path, len(points), sum, want)
		}
	}
	for _, query := range []string{"{", `{"user__password":"x"}`, "[]"} {
		if a := h.as(bootToken, "GET", "events/events/per_month/?action=login&query="+url.QueryEscape(query), ""); a.status != 400 {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	for query, want := range map[string]int{
		"context_model_pk=" + group: 1, "context_model_pk=" + strings.ReplaceAll(group, "-", ""): 1, "context_model_name=group&action=model_created": 1, "context_model_app=authentik_core&context_model_name=group": 1,
		"context_authorized_app=" + app: 1, "username=bob&action=authorize_application": 1, "client_ip=192.0.2.1": 0, "brand_name=nothing": 0, "action=AUTHORIZE": 4, "search=staff&action=model_created": 1,
	} {
		if got := h.count("events/events/?" + query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
	// One event for one thing that was made, by whom and where it was.
	e := h.lastEvent("model_created")
	m := e["context"].(obj)["model"].(obj)
	if m["app"] != "authentik_core" || m["model_name"] != "group" || m["pk"] != strings.ReplaceAll(group, "-", "") || m["name"] != "staff" || e["user"].(obj)["username"] != "akadmin" || e["client_ip"] != "127.0.0.1" || e["brand"].(obj)["model_name"] != "brand" || e["expires"] == nil {
		t.Errorf("%v", e)
	}
	// What programs write themselves is masked as anything else.
	b, err := json.Marshal(obj{"action": "custom_", "app": "mine", "context": obj{"api_key": "hidden", "list": []any{obj{"Password": "hidden"}}, "passing": true, "said": "shown"}})
	if err != nil {
		t.Fatal(err)
	}
	if a := h.as(bootToken, "POST", "events/events/", string(b)); a.status != 201 || strings.Contains(a.body, "hidden") || !strings.Contains(a.body, "shown") || !strings.Contains(a.body, `"passing":true`) {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// Rules ask expressions too: they see the event.
func TestRulesWithExpressions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	key := h.tokenOf(ada, "of-ada", "api")
	staff := h.api("POST", "core/groups/", obj{"name": "staff", "users": []int{ada}}, 201)["pk"]
	here := h.transport("here", map[string]any{"mode": "local"})
	if err := h.s.rooms.notify.Round(t.Context()); err != nil { // what happened so far is looked at without rules
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text  string
		group any
	}{
		"seen":       {"e = request.context['event']\nreturn e.action == 'model_created' and e.context['model']['name'] == 'watched' and e.user['username'] == 'akadmin' and str(e.client_ip) == '127.0.0.1'", staff},
		"another":    {"return request.context['event'].action == 'login_failed'", staff},
		"no group":   {"return True", nil},
		"no binding": {"", staff},
	} {
		rule := h.api("POST", "events/rules/", obj{"name": name, "severity": "warning", "group": tt.group, "transports": []string{here}}, 201)["pk"].(string)
		if tt.text != "" {
			h.bound(rule, name, tt.text)
		}
	}
	h.api("POST", "core/groups/", obj{"name": "not watched"}, 201)
	h.api("POST", "core/groups/", obj{"name": "watched"}, 201)
	if err := h.s.rooms.notify.Round(t.Context()); err != nil {
		t.Fatal(err)
	}
	ns := h.rows(t, key, "events/notifications/")
	if len(ns) != 1 || ns[0]["severity"] != "warning" || !strings.Contains(fmt.Sprint(ns[0]["event"].(obj)["context"]), "name:watched") {
		t.Errorf("%v", ns)
	}
}
