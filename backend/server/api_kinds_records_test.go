package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
)

// Rules, transports, webhook mappings, blueprints and roles keep their objects as published.
func TestKindsOfRecords(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, rita := h.addUser("ada", "lovelace-1815"), h.addUser("rita", "reader-1999")
	ordinary, reader := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(rita, "of-rita", "api")
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	transport := h.api("POST", "events/transports/", obj{"name": "here"}, 201)["pk"].(string)
	mapping := h.api("POST", "propertymappings/notification/", obj{"name": "hook", "expression": "return {}"}, 201)["pk"].(string)
	scope := h.mappingsOf("scope")["goauthentik.io/providers/oauth2/scope-openid"]
	const nowhere = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
	lacks := func(field, pk string) string {
		return fmt.Sprintf(`{%q:["Invalid pk \"%s\" - object does not exist."]}`, field, pk)
	}
	unique := []refusal{{obj{"name": ""}, `{"name":["This field may not be blank."]}`}}
	for _, k := range []keptKind{
		{
			path: "events/transports", body: obj{"name": "Hook", "mode": "webhook", "webhook_url": "http://hooks/x"}, want: obj{"mode_verbose": "Generic Webhook", "webhook_mapping": nil, "send_once": false},
			patch: obj{"mode": "webhook_slack", "webhook_mapping": mapping, "send_once": true}, finds: []string{"mode=webhook_slack", "send_once=true", "name=Hook", "webhook_url=http://hooks/x", "search=hook"}, misses: []string{"mode=local", "send_once=false", "webhook_url=x"},
			hidden: []string{"webhook_url"}, readonly: obj{"mode_verbose": "x"},
			refused: append(unique, []refusal{
				{obj{"webhook_url": ""}, `{"webhook_url":["Webhook URL may not be empty."]}`}, {obj{"mode": "webhook_slack", "webhook_url": ""}, `{"webhook_url":["Webhook URL may not be empty."]}`}, {obj{"webhook_url": "hooks"}, `{"webhook_url":["Enter a valid URL."]}`},
				{obj{"mode": "sms"}, `{"mode":["\"sms\" is not a valid choice."]}`}, {obj{"webhook_mapping": nowhere}, lacks("webhook_mapping", nowhere)}, {obj{"webhook_mapping": scope}, lacks("webhook_mapping", scope)}, {obj{"name": "here"}, `{"name":["This field must be unique."]}`},
			}...),
		},
		{
			path: "events/rules", body: obj{"name": "Rule"}, want: obj{"severity": "notice", "group": nil, "group_obj": nil, "transports": []string{}}, patch: obj{"severity": "alert", "group": group, "transports": []string{transport}},
			finds: []string{"group__name=staff", "severity=alert", "name=Rule", "search=rul"}, misses: []string{"group__name=x", "severity=notice", "name=x"},
			refused: append(unique, []refusal{
				{obj{"severity": "loud"}, `{"severity":["\"loud\" is not a valid choice."]}`}, {obj{"group": nowhere}, lacks("group", nowhere)}, {obj{"transports": []string{nowhere}}, lacks("transports", nowhere)}, {obj{"severity": nil}, `{"severity":["This field may not be null."]}`},
			}...),
		},
		{
			path: "propertymappings/notification", body: obj{"name": "Mapping", "expression": "return 1"}, want: obj{}, patch: obj{"expression": "return 2"}, finds: []string{"name=Mapping", "search=mapp"}, misses: []string{"name=x"},
			never: []string{"managed", "component", "verbose_name", "meta_model_name"}, refused: append(unique, []refusal{{obj{"expression": " "}, `{"expression":["This field may not be blank."]}`}, {obj{"name": "hook"}, `{"name":["This field must be unique."]}`}}...),
		},
		{
			path: "managed/blueprints", body: obj{"name": "Blueprint", "content": "version: 1\nmetadata:\n  name: Mine\nentries:\n  - model: authentik_core.group\n    identifiers: {name: !Format [a-%s, b]}\n"},
			want:  obj{"path": "", "status": "unknown", "enabled": true, "context": obj{}, "last_applied_hash": "", "managed_models": []string{}, "metadata": obj{"name": "Mine", "labels": obj{}}},
			patch: obj{"path": "oci://registry.office.lan/blueprints:1", "enabled": false, "context": obj{"a": 1}}, finds: []string{"path=" + url.QueryEscape("oci://registry.office.lan/blueprints:1"), "name=Blueprint"}, misses: []string{"path=x"},
			readonly: obj{"status": "successful", "metadata": obj{"name": "x"}, "managed_models": []string{"x"}},
			refused: append(unique, []refusal{
				{obj{"content": ""}, `{"non_field_errors":["Either path or content must be set."]}`}, {obj{"path": "../../etc/passwd"}, `{"path":["Blueprint file does not exist"]}`}, {obj{"path": "default/flow-oobe.yaml"}, `{"path":["Blueprint file does not exist"]}`},
				{obj{"content": "version: 2\nentries: [{model: x}]"}, `{"content":["Failed to validate blueprint: line 1: Invalid blueprint version"]}`}, {obj{"content": "version: 1"}, `{"content":["Failed to validate blueprint: The blueprint has no entries."]}`},
			}...),
		},
		{
			path: "rbac/roles", body: obj{"name": "Helpers"}, want: obj{}, patch: obj{"name": "Helping hands"}, finds: []string{"search=helping"}, misses: []string{"search=nobody", "group__name=staff"},
			refused: append(unique, refusal{obj{"name": strings.Repeat("x", 151)}, `{"name":["Ensure this field has no more than 150 characters."]}`}),
		},
	} {
		t.Run(k.path, func(t *testing.T) { h.lifeOf(t, k, ordinary, reader, rita) })
	}

	// A rule shows its group, can be given policies, and says who uses what.
	rule := h.api("POST", "events/rules/", obj{"name": "all", "group": group, "transports": []string{transport}}, 201)
	if g := rule["group_obj"].(obj); g["name"] != "staff" || g["pk"] != group {
		t.Errorf("%v", g)
	}
	h.api("POST", "policies/bindings/", obj{"target": rule["pk"], "user": ada, "order": 0}, 201)
	uses := h.list(t, bootToken, "events/transports/"+transport+"/used_by/")
	if len(uses) != 1 || uses[0]["model_name"] != "notificationrule" || uses[0]["action"] != "cascade_many" {
		t.Errorf("%v", uses)
	}
	uses = h.list(t, bootToken, "core/groups/"+group+"/used_by/")
	if !slices.ContainsFunc(uses, func(u obj) bool { return u["pk"] == rule["pk"] && u["action"] == "set_null" }) {
		t.Errorf("%v", uses)
	}
	hook := h.api("POST", "events/transports/", obj{"name": "Hooked", "webhook_mapping": mapping}, 201)["pk"].(string)
	if uses = h.list(t, bootToken, "propertymappings/notification/"+mapping+"/used_by/"); len(uses) != 1 || uses[0]["action"] != "set_default" {
		t.Errorf("%v", uses)
	}
	h.api("DELETE", "propertymappings/all/"+mapping+"/", nil, 204)
	h.api("DELETE", "events/transports/"+transport+"/", nil, 204)
	h.api("DELETE", "core/groups/"+group+"/", nil, 204)
	if m := h.api("GET", "events/transports/"+hook+"/", nil, 200)["webhook_mapping"]; m != nil {
		t.Errorf("%v", m)
	}
	if got := h.api("GET", "events/rules/"+rule["pk"].(string)+"/", nil, 200); got["group"] != nil || len(got["transports"].([]any)) != 0 {
		t.Errorf("%v", got)
	}
	if a := h.as(bootToken, "GET", "propertymappings/all/types/", ""); !strings.Contains(a.body, `"model_name":"notificationwebhookmapping"`) {
		t.Errorf("%s", a.body)
	}
}

// Trying a transport tells the caller for real or refuses, and who may only look at it can't.
func TestTransportTest(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, rita, carl := h.addUser("ada", "lovelace-1815"), h.addUser("rita", "reader-1999"), h.addUser("carl", "changer-1999")
	adas, ritas, carls := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(rita, "of-rita", "api"), h.tokenOf(carl, "of-carl", "api")
	local := h.api("POST", "events/transports/", obj{"name": "local"}, 201)["pk"].(string)
	hook := h.api("POST", "events/transports/", obj{"name": "hook", "mode": "webhook", "webhook_url": "http://169.254.169.254/"}, 201)["pk"].(string)
	mail := h.api("POST", "events/transports/", obj{"name": "mail", "mode": "email"}, 201)["pk"].(string)
	h.grant(t, rita, "authentik_events.view_notificationtransport", local)
	h.grant(t, carl, "authentik_events.change_notificationtransport", local)
	try := func(token, pk string) answer { return h.as(token, "POST", "events/transports/"+pk+"/test/", "") }
	for _, token := range []string{adas, ritas} {
		wantAnswer(t, try(token, local), 403, notAllowed)
	}
	wantAnswer(t, try(carls, hook), 403, notAllowed)
	before := h.events("custom_notification_test")
	wantAnswer(t, try(carls, local), 200, `{"messages":[]}`)
	if a := try(bootToken, hook); a.status != 500 || !strings.Contains(a.body, "belongs to this machine alone") {
		t.Errorf("%d %s", a.status, a.body)
	}
	wantAnswer(t, try(bootToken, mail), 500, `{"detail":"Gatehouse can't send mails: no mail server is set up. An admin can do that under Settings, Mail."}`)
	wantAnswer(t, try(bootToken, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"), 404, "")
	if n := h.events("custom_notification_test"); n != before+1 {
		t.Errorf("%d events", n-before)
	}
	mine := h.as(carls, "GET", "events/notifications/", "").json(t)["results"].([]any)
	if len(mine) != 1 {
		t.Fatalf("%v", mine)
	}
	if n := mine[0].(obj); n["severity"] != "notice" || n["seen"] != false || n["body"] != "Test notification by the transport local" || n["event"].(obj)["action"] != "custom_notification_test" {
		t.Errorf("%v", n)
	}
}

// A notification is its reader's: others learn nothing of it, and only "seen" can be changed.
func TestNotifications(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	defer h.s.rooms.notify.Hold()() // the default rules would tell the admin of what happens here
	defer h.s.rooms.scimOut.Hold()()
	defer h.s.rooms.oauth.Hold()()
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	adas, bobs := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(bob, "of-bob", "api")
	var eventPK string
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) (err error) {
		if eventPK, err = h.s.rooms.events.Write(tx, event.Entry{Action: event.ConfigurationError}); err != nil {
			return err
		}
		return errors.Join(event.Notify(tx, int64(ada), "alert", "Something is wrong", eventPK), event.Notify(tx, int64(ada), "notice", "All is well", ""), event.Notify(tx, int64(bob), "notice", "For Bob", eventPK))
	}); err != nil {
		t.Fatal(err)
	}
	count := func(token, q string) float64 {
		t.Helper()
		a := h.as(token, "GET", "events/notifications/?"+q, "")
		if a.status != 200 {
			t.Fatalf("%s: %d %s", q, a.status, a.body)
		}
		return a.json(t)["pagination"].(obj)["count"].(float64)
	}
	for q, want := range map[string]float64{
		"": 2, "seen=false": 2, "seen=true": 0, "severity=alert": 1, "event=" + eventPK: 1, "body=All%20is%20well": 1, "search=wrong": 1, fmt.Sprintf("user=%d", bob): 0, "created=2020-01-01T00:00:00Z": 0,
	} {
		if got := count(adas, q); got != want {
			t.Errorf("%s: %v", q, got)
		}
	}
	if n := count(bootToken, ""); n != 3 {
		t.Errorf("a superuser sees %v", n)
	}
	if n := count(bootToken, fmt.Sprintf("user=%d", bob)); n != 1 {
		t.Errorf("a superuser sees %v of Bob's", n)
	}
	first := h.as(adas, "GET", "events/notifications/?severity=alert", "").json(t)["results"].([]any)[0].(obj)
	plain := h.as(adas, "GET", "events/notifications/?severity=notice", "").json(t)["results"].([]any)[0].(obj)
	if first["event"].(obj)["pk"] != eventPK {
		t.Errorf("%v", first)
	}
	if _, there := plain["event"]; there {
		t.Errorf("%v", plain)
	}
	at := "events/notifications/" + first["pk"].(string) + "/"
	for _, token := range []string{bobs, bootToken} {
		for _, m := range []string{"GET", "PUT", "PATCH", "DELETE"} {
			wantAnswer(t, h.as(token, m, at, `{"seen":true}`), 404, `{"detail":"No Notification matches the given query."}`)
		}
		wantAnswer(t, h.as(token, "GET", at+"used_by/", ""), 404, "")
	}
	wantAnswer(t, h.as("", "GET", "events/notifications/", ""), 403, "")
	wantAnswer(t, h.as(adas, "POST", "events/notifications/", `{}`), 405, "")
	got := h.as(adas, "PATCH", at, `{"seen":true,"body":"x","severity":"notice","event":{"action":"login","app":"x"}}`)
	if a := got.json(t); got.status != 200 || a["seen"] != true || a["body"] != "Something is wrong" || a["severity"] != "alert" || a["event"].(obj)["pk"] != eventPK {
		t.Errorf("%d %s", got.status, got.body)
	}
	wantAnswer(t, h.as(adas, "PUT", at, `{"seen":"x"}`), 400, `{"seen":["Must be a valid boolean."]}`)
	wantAnswer(t, h.as(adas, "POST", "events/notifications/mark_all_seen/", ""), 204, "")
	if count(adas, "seen=true") != 2 || count(bobs, "seen=true") != 0 {
		t.Error("not her own and all of them are seen")
	}
	wantAnswer(t, h.as(adas, "DELETE", at, ""), 204, "")
	h.api("DELETE", "events/events/"+eventPK+"/", nil, 204)
	if n := h.as(bobs, "GET", "events/notifications/", "").json(t)["results"].([]any)[0].(obj); n["event"] != nil {
		t.Errorf("%v", n)
	}
	var gone int // hers that she has seen, those of the event that went, and what default rules told admins meanwhile
	if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM notifications WHERE seen = 1 OR event IS NULL`).Scan(&gone); err != nil || gone < 2 {
		t.Errorf("%d %v", gone, err)
	}
	if n, err := h.s.rooms.events.CleanNotifications(t.Context()); err != nil || n < gone {
		t.Errorf("%d of %d: %v", n, gone, err)
	}
}

// The tasks are what the house really does: each has its row before it runs, a run is real, and a failure is told.
func TestSystemTasks(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, olga := h.addUser("ada", "lovelace-1815"), h.addUser("olga", "operator-1999")
	adas, olgas := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(olga, "of-olga", "api")
	h.grant(t, olga, "authentik_events.view_systemtask", "")
	h.grant(t, olga, "authentik_events.run_task", "")
	tasks := func() map[string]obj {
		out := map[string]obj{}
		for _, x := range h.api("GET", "events/system_tasks/", nil, 200)["results"].([]any) {
			out[x.(obj)["name"].(string)] = x.(obj)
		}
		return out
	}
	var all map[string]obj
	for deadline := time.Now().Add(time.Minute); len(all) < 3 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		all = tasks()
	}
	for _, name := range []string{"clean_expired_models", "notification_cleanup", "server_certificate"} {
		if x := all[name]; x == nil || x["status"] != "unknown" || x["full_name"] != name || x["uid"] != "" || x["duration"] != 0.0 || x["messages"].([]any)[0].(obj)["event"] != "This task has not run yet." {
			t.Errorf("%s: %v", name, x)
		}
	}
	at := "events/system_tasks/" + all["clean_expired_models"]["uuid"].(string) + "/"
	wantAnswer(t, h.as(adas, "GET", "events/system_tasks/", ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "POST", at+"run/", ""), 403, notAllowed)
	wantAnswer(t, h.as(olgas, "POST", "events/system_tasks/6ba7b810-9dad-11d1-80b4-00c04fd430c8/run/", ""), 404, "")
	wantAnswer(t, h.as(olgas, "DELETE", at, ""), 405, "")
	h.api("POST", "core/tokens/", obj{"identifier": "old", "intent": "app_password"}, 201)
	h.write(`UPDATE tokens SET expires = ? WHERE identifier = 'old'`, time.Now().Add(-time.Minute).UnixMicro())
	wantAnswer(t, h.as(olgas, "POST", at+"run/", ""), 204, "")
	done := h.api("GET", at, nil, 200)
	if done["status"] != "successful" || done["expiring"] != true || done["expires"] == nil || done["messages"].([]any)[0].(obj)["event"] != "Expired 1 tokens" || done["messages"].([]any)[0].(obj)["log_level"] != "info" {
		t.Errorf("%v", done)
	}
	if h.as(bootToken, "GET", "core/tokens/old/", "").status != 404 {
		t.Error("the task did nothing")
	}
	by := map[string]int{}
	for _, x := range tasks() {
		by[x["status"].(string)]++
	}
	if by["successful"] < 1 || by["unknown"] < 2 {
		t.Errorf("%v", by)
	}
	for q, n := range map[string]int{"status=successful": by["successful"], "status=unknown": by["unknown"], "name=clean_expired_models": 1, "uid=x": 0, "search=certificate": 1, "ordering=-name": len(tasks())} {
		if got := len(h.api("GET", "events/system_tasks/?"+q, nil, 200)["results"].([]any)); got != n {
			t.Errorf("%s: %d", q, got)
		}
	}

	// A chore that fails says so, in its row, in the log of events and to who ran it.
	room := h.s.rooms.tasks
	room.Use(append(h.s.chores(), task.Chore{Name: "sour", Description: "It fails.", Every: time.Hour, Do: func(context.Context) ([]string, error) {
		return []string{"began"}, errors.New("the milk is sour")
	}}))
	if err := room.Run(t.Context(), task.Chore{Name: "sour", Description: "It fails.", Do: func(context.Context) ([]string, error) { return nil, errors.New("sour") }}); err == nil {
		t.Error("no error")
	}
	sour := tasks()["sour"]
	before := h.events("system_task_exception")
	if got := h.as(olgas, "POST", "events/system_tasks/"+sour["uuid"].(string)+"/run/", ""); got.status != 500 || strings.Contains(got.body, "milk") {
		t.Errorf("%d %s", got.status, got.body)
	}
	sour = tasks()["sour"]
	if m := sour["messages"].([]any); sour["status"] != "error" || len(m) != 2 || m[1].(obj)["event"] != "the milk is sour" || h.events("system_task_exception") != before+1 {
		t.Errorf("%v", sour)
	}

	// The row of a chore that is gone can't be run and goes, then or in time.
	room.Use(h.s.chores())
	if n, err := room.CleanUp(t.Context()); err != nil || n != 0 {
		t.Errorf("%d %v", n, err)
	}
	if got := h.as(olgas, "POST", "events/system_tasks/"+sour["uuid"].(string)+"/run/", ""); got.status != 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if tasks()["sour"] != nil {
		t.Error("the row is left")
	}
	h.write(`INSERT INTO system_tasks (uuid, name, uid, description, start_timestamp, finish_timestamp, status, messages, expires, expiring) VALUES ('x', 'former', '', '', 0, 0, 'error', '[]', 1, 1)`)
	if n, err := room.CleanUp(t.Context()); err != nil || n != 1 {
		t.Errorf("%d %v", n, err)
	}
}

// No licence is needed and none is taken.
func TestLicense(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	h.api("POST", "core/users/", obj{"username": "guest", "name": "guest", "type": "external"}, 201)
	h.api("POST", "core/users/", obj{"username": "gone", "name": "gone", "is_active": false}, 201)
	adas := h.tokenOf(ada, "of-ada", "api")
	wantAnswer(t, h.as(bootToken, "POST", "enterprise/license/", `{"key":"eyJ.eyJ.x"}`), 400, `{"key":["Unable to verify license"]}`)
	wantAnswer(t, h.as(bootToken, "POST", "enterprise/license/", `{}`), 400, `{"key":["This field is required."]}`)
	wantAnswer(t, h.as(adas, "POST", "enterprise/license/", `{"key":"x"}`), 403, notAllowed)
	if n := h.api("GET", "enterprise/license/?name=x", nil, 200)["pagination"].(obj)["count"]; n != 0.0 {
		t.Errorf("%v", n)
	}
	for _, m := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		wantAnswer(t, h.as(bootToken, m, "enterprise/license/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", `{"key":"x"}`), 404, "")
	}
	for _, p := range []string{"", "get_install_id/", "forecast/"} {
		wantAnswer(t, h.as(adas, "GET", "enterprise/license/"+p, ""), 403, notAllowed)
	}
	if id := h.api("GET", "enterprise/license/get_install_id/", nil, 200)["install_id"]; id != h.s.rooms.users.InstallID || id == "" {
		t.Errorf("%v", id)
	}
	if why := subset(h.api("GET", "enterprise/license/forecast/", nil, 200), obj{"internal_users": 2, "external_users": 1, "forecasted_internal_users": 24, "forecasted_external_users": 12}); why != "" {
		t.Error(why)
	}
	sum := h.as(adas, "GET", "enterprise/license/summary/", "")
	if why := subset(sum.json(t), obj{"internal_users": 2, "external_users": 1, "valid": true, "has_license": true, "read_only": false, "show_admin_warning": false, "show_user_warning": false}); why != "" {
		t.Error(why)
	}
	wantAnswer(t, h.as("", "GET", "enterprise/license/summary/", ""), 403, "")
}

// Who looks at blueprints applies none; and what is no blueprint is not kept.
func TestBlueprintActions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, vera := h.addUser("ada", "lovelace-1815"), h.addUser("vera", "viewer-1999")
	adas, veras := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(vera, "of-vera", "api")
	h.grant(t, vera, "authentik_blueprints.view_blueprintinstance", "")
	pk := h.api("POST", "managed/blueprints/", obj{"name": "mine", "content": "entries:\n- model: authentik_core.group\n  identifiers: {name: x}\n"}, 201)["pk"].(string)
	if got := h.list(t, veras, "managed/blueprints/available/"); len(got) < 20 {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.as(adas, "GET", "managed/blueprints/available/", ""), 403, notAllowed)
	wantAnswer(t, h.as(veras, "POST", "managed/blueprints/"+pk+"/apply/", ""), 403, notAllowed)
	if s := h.api("GET", "managed/blueprints/"+pk+"/", nil, 200)["status"]; s != "unknown" {
		t.Errorf("%v", s)
	}
	if s := h.api("POST", "managed/blueprints/"+pk+"/apply/", nil, 200)["status"]; s != "successful" {
		t.Errorf("%v", s)
	}
	for _, content := range []string{"a: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nmetadata: {name: x, labels: {l: [*e,*e,*e,*e,*e,*e,*e,*e,*e]}}\nentries: [{model: x}]", "entries: [", "\t", "!!binary x", "entries: 1"} {
		begun := time.Now()
		if got := h.as(bootToken, "POST", "managed/blueprints/", fmt.Sprintf(`{"name":"bad","content":%q}`, content)); got.status != 400 || !strings.HasPrefix(got.body, `{"content":["Failed to validate blueprint: `) || time.Since(begun) > 30*time.Second {
			t.Errorf("%.20q: %d %.200s in %s", content, got.status, got.body, time.Since(begun))
		}
	}
}

// There is one tenant. A second is refused; its names are names of the house.
func TestTenants(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, tina := h.addUser("ada", "lovelace-1815"), h.addUser("tina", "tenant-1999")
	adas, tinas := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(tina, "of-tina", "api")
	h.grant(t, tina, "authentik_tenants.view_tenant", "")
	h.grant(t, tina, "authentik_tenants.change_tenant", "")
	all := h.as(tinas, "GET", "tenants/tenants/", "").json(t)["results"].([]any)
	if len(all) != 1 {
		t.Fatalf("%v", all)
	}
	one := all[0].(obj)
	id := h.s.rooms.users.InstallID
	if why := subset(one, obj{"tenant_uuid": id, "schema_name": "public", "name": "Default", "ready": true}); why != "" {
		t.Error(why)
	}
	at := "tenants/tenants/" + id + "/"
	wantAnswer(t, h.as(adas, "GET", "tenants/tenants/", ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "tenants/domains/", ""), 403, notAllowed)
	wantAnswer(t, h.as(tinas, "DELETE", at, ""), 403, notAllowed)
	wantAnswer(t, h.as(bootToken, "POST", "tenants/tenants/", `{"name":"second","schema_name":"t_second"}`), 400, `{"non_field_errors":["Gatehouse serves one tenant. Install it once more for another."]}`)
	wantAnswer(t, h.as(bootToken, "POST", "tenants/tenants/", `{"name":"second"}`), 400, `{"schema_name":["This field is required."]}`)
	wantAnswer(t, h.as(bootToken, "DELETE", at, ""), 400, `{"non_field_errors":["The only tenant can't be deleted."]}`)
	wantAnswer(t, h.as(bootToken, "PATCH", at, `{"schema_name":"x","ready":false}`), 400, `{"ready":["The tenant always answers."],"schema_name":["The schema of the tenant can't be changed."]}`)
	if got := h.api("PATCH", at, obj{"name": "The office"}, 200); got["name"] != "The office" {
		t.Errorf("%v", got)
	}

	// A domain is answered; without it the name is not the house's.
	ask := func() int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", h.base+"/api/v3/root/config/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "sso.partner.lan"
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		return a.StatusCode
	}
	if code := ask(); code != http.StatusMisdirectedRequest {
		t.Errorf("%d", code)
	}
	d := h.api("POST", "tenants/domains/", obj{"domain": "SSO.partner.lan", "tenant": id}, 201)
	if why := subset(d, obj{"domain": "sso.partner.lan", "is_primary": true, "tenant": id}); why != "" {
		t.Error(why)
	}
	if code := ask(); code != 200 {
		t.Errorf("%d", code)
	}
	domain := fmt.Sprintf("tenants/domains/%v/", d["id"])
	for body, want := range map[string]string{
		`{"domain":"a b"}`: `{"domain":["Enter a host name such as login.example.com."]}`, `{"domain":"https://x"}`: `{"domain":["Enter a host name such as login.example.com."]}`, `{"domain":""}`: `{"domain":["This field may not be blank."]}`,
		`{"tenant":"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}`: `{"tenant":["Invalid pk \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\" - object does not exist."]}`,
	} {
		wantAnswer(t, h.as(bootToken, "PATCH", domain, body), 400, want)
	}
	wantAnswer(t, h.as(bootToken, "POST", "tenants/domains/", `{"domain":"sso.partner.lan","tenant":"`+id+`"}`), 400, `{"domain":["This field must be unique."]}`)
	h.api("PUT", domain, obj{"domain": "sso.partner.lan", "is_primary": false, "tenant": id}, 200)
	h.api("GET", domain, nil, 200)
	h.api("DELETE", domain, nil, 204)
	if code := ask(); code != http.StatusMisdirectedRequest {
		t.Errorf("%d", code)
	}

	// What makes a superuser is a superuser's, whoever may change the tenant.
	admins := func() bool { return h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)["is_superuser"] == true }
	wantAnswer(t, h.as(tinas, "POST", at+"create_admin_group/", `{"user":"tina"}`), 403, `{"detail":"Only a superuser can do this."}`)
	wantAnswer(t, h.as(tinas, "POST", at+"create_recovery_key/", `{"user":"akadmin","duration_days":1}`), 403, `{"detail":"Only a superuser can do this."}`)
	wantAnswer(t, h.as(bootToken, "POST", at+"create_admin_group/", `{"user":"nobody"}`), 404, `{"detail":"There is no user called nobody."}`)
	wantAnswer(t, h.as(bootToken, "POST", at+"create_admin_group/", `{}`), 400, `{"user":["This field is required."]}`)
	if admins() {
		t.Error("a superuser already")
	}
	wantAnswer(t, h.as(bootToken, "POST", at+"create_admin_group/", `{"user":"ada"}`), 204, "")
	if !admins() {
		t.Error("no superuser")
	}
	wantAnswer(t, h.as(bootToken, "POST", at+"create_recovery_key/", `{"user":"tina","duration_days":0}`), 400, `{"duration_days":["Enter a number of days from 1 to 366."]}`)
	wantAnswer(t, h.as(bootToken, "POST", at+"create_recovery_key/", `{"user":"nobody","duration_days":1}`), 404, "")
	key := h.api("POST", at+"create_recovery_key/", obj{"user": "tina", "duration_days": 2}, 200)
	if h.events("custom_recovery_link") != 1 {
		t.Error("no event")
	}
	b := h.browser()
	link, err := url.Parse(key["url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	if a := b.get(link.Path); a.status != 302 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if me := b.get("/api/v3/core/users/me/").json(t); me["user"].(obj)["username"] != "tina" {
		t.Errorf("%v", me)
	}
}

// What the server is made of is told to who may see the admin pages.
func TestAdminLists(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, ivy := h.addUser("ada", "lovelace-1815"), h.addUser("ivy", "viewer-1999")
	adas, ivys := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(ivy, "of-ivy", "api")
	h.grant(t, ivy, "authentik_rbac.access_admin_interface", "")
	for _, p := range []string{"apps", "models", "workers"} {
		wantAnswer(t, h.as(adas, "GET", "admin/"+p+"/", ""), 403, notAllowed)
	}
	wantAnswer(t, h.as(ivys, "GET", "admin/workers/", ""), 403, notAllowed)
	wantAnswer(t, h.as(bootToken, "GET", "admin/workers/", ""), 200, `{"count":1}`)
	apps, models := h.list(t, ivys, "admin/apps/"), h.list(t, ivys, "admin/models/")
	if len(apps) != 54 || len(models) != 76 {
		t.Errorf("%d apps, %d models", len(apps), len(models))
	}
	for _, x := range append(apps, models...) {
		if x["name"] == "" || x["label"] == "" {
			t.Errorf("%v", x)
		}
	}
	if !slices.ContainsFunc(apps, func(x obj) bool {
		return x["name"] == "authentik.stages.authenticator_totp" && x["label"] == "Stages Authenticator TOTP"
	}) {
		t.Errorf("%v", apps)
	}
	for _, m := range kind.Models() {
		if h.s.rooms.store.Kind(m) == nil {
			t.Errorf("%s is published and no kind of ours", m)
		}
	}
}
