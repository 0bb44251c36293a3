package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
)

// bulkAnswer is what the bulk operations answer, refused or not.
type bulkAnswer struct {
	status     int
	body       string
	DryRun     bool     `json:"dry_run"`
	Done       bool     `json:"done"`
	OK, Failed int      `json:"-"`
	Whole      []string `json:"non_field_errors"`
	Results    []struct {
		PK, Name string
		OK       bool
		Errors   map[string][]string
		UsedBy   int `json:"used_by"`
	}
}

func (h *house) bulk(token, what string, body map[string]any) bulkAnswer {
	h.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	header := []string{}
	if token != "" {
		header = []string{"Authorization", "Bearer " + token}
	}
	patient := h.browser()
	patient.c.Timeout = 5 * time.Minute // a thousand objects under the race detector on a busy machine
	a := patient.do("POST", "/api/v3/gatehouse/bulk/"+what+"/", "application/json", string(b), header...)
	out := bulkAnswer{status: a.status, body: strings.TrimSpace(a.body)}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		_ = json.Unmarshal([]byte(a.body), &map[string]any{}) // a refusal of another shape; the test looks at the body
	}
	return out
}

// said gives what is wrong with each object of a dry run, "" for one that is fine; of a refusal what is wrong by key.
func (b bulkAnswer) said() string {
	var out []string
	if b.status == 400 {
		var by map[string][]string
		if json.Unmarshal([]byte(b.body), &by) != nil {
			return "no refusal"
		}
		for _, pk := range slices.Sorted(maps.Keys(by)) {
			if pk != "non_field_errors" {
				out = append(out, strings.Join(by[pk], " "))
			}
		}
		return strings.Join(out, "|")
	}
	for _, r := range b.Results {
		s := ""
		for field, ms := range r.Errors {
			s += field + ": " + strings.Join(ms, " ")
		}
		if (s == "") != r.OK {
			s += " (ok is wrong)"
		}
		out = append(out, s)
	}
	return strings.Join(out, "|")
}

func TestBulkEdit(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob, eve := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999"), h.addUser("eve", "eavesdrop-77")
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff", "users": []int{ada}}, 201)["pk"].(string)
	guests := h.api("POST", "core/groups/", map[string]any{"name": "Guests"}, 201)["pk"].(string)
	me := int(h.api("GET", "core/users/me/", nil, 200)["user"].(map[string]any)["pk"].(float64))
	user := func(pk int) map[string]any { return h.api("GET", fmt.Sprintf("core/users/%d/", pk), nil, 200) }
	const people = "authentik_core.user"

	before := h.events("model_updated")
	dry := h.bulk(bootToken, "update", map[string]any{"model": people, "pks": []any{ada, "" + fmt.Sprint(bob)}, "fields": map[string]any{"path": "sales", "is_active": false}, "dry_run": true})
	if dry.status != 200 || !dry.DryRun || dry.Done || dry.said() != "|" || len(dry.Results) != 2 || dry.Results[0].Name != "ada" {
		t.Errorf("dry run: %s", dry.body)
	}
	if user(ada)["path"] != "users" || h.events("model_updated") != before {
		t.Error("the dry run changed something")
	}
	done := h.bulk(bootToken, "update", map[string]any{"model": people, "pks": []int{ada, bob}, "fields": map[string]any{"path": "sales", "is_active": false}})
	if done.status != 200 || !done.Done || user(ada)["path"] != "sales" || user(bob)["is_active"] != false || user(eve)["path"] != "users" {
		t.Errorf("%s", done.body)
	}
	if n := h.events("model_updated") - before; n != 2 {
		t.Errorf("%d events of two changes", n)
	}
	// Lists are added to and taken out of; what is not named stays.
	done = h.bulk(bootToken, "update", map[string]any{"model": people, "pks": []int{ada, eve}, "add": map[string]any{"groups": []string{guests}}})
	if done.status != 200 || fmt.Sprint(user(ada)["groups"]) != fmt.Sprint([]string{guests, staff}) || fmt.Sprint(user(eve)["groups"]) != fmt.Sprint([]string{guests}) {
		t.Errorf("add: %s\n%v %v", done.body, user(ada)["groups"], user(eve)["groups"])
	}
	done = h.bulk(bootToken, "update", map[string]any{"model": people, "pks": []int{ada, eve}, "remove": map[string]any{"groups": []string{guests, staff}}, "fields": map[string]any{"is_active": true}})
	if done.status != 200 || fmt.Sprint(user(ada)["groups"]) != "[]" || fmt.Sprint(user(eve)["groups"]) != "[]" || user(ada)["is_active"] != true {
		t.Errorf("remove: %s", done.body)
	}
	// All or nothing, and every refusal is told.
	const gone = "There is no such object, or you may not look at it."
	for _, tt := range []struct {
		name string
		in   map[string]any
		want string
	}{
		{"one is not there", map[string]any{"pks": []int{eve, 99999}, "fields": map[string]any{"path": "x"}}, gone},
		{"a value that no object takes", map[string]any{"pks": []int{ada, eve}, "fields": map[string]any{"path": "/x"}}, "path: No leading or trailing slashes allowed.|path: No leading or trailing slashes allowed."},
		{"a type that is not given by hand", map[string]any{"pks": []int{ada}, "fields": map[string]any{"type": "internal_service_account"}}, "type: Setting a user to internal service account is not allowed."},
		{"a group that is not there", map[string]any{"pks": []int{ada}, "add": map[string]any{"groups": []string{"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}}}, `groups: Invalid pk "6ba7b810-9dad-11d1-80b4-00c04fd430c8" - object does not exist.`},
		{"the own account", map[string]any{"pks": []int{eve, me}, "fields": map[string]any{"is_active": false}}, "is_active: This is your own account. You can't switch it off together with others."},
		{"the last admin", map[string]any{"pks": []int{eve, me}, "fields": map[string]any{"groups": []string{}}}, "This would leave nobody who can administer Gatehouse. Make somebody else an admin first."},
	} {
		tt.in["model"] = people
		got := h.bulk(bootToken, "update", tt.in)
		if got.status != 400 || got.said() != tt.want || len(got.Whole) != 1 || !strings.HasPrefix(got.Whole[0], "Nothing was changed") {
			t.Errorf("%s: %d %s\nwant %s", tt.name, got.status, got.body, tt.want)
		}
	}
	if user(eve)["path"] != "users" || user(eve)["is_active"] != true {
		t.Error("a refused change did something")
	}
	// What can't be asked for.
	many := make([]int, 1001)
	for i := range many {
		many[i] = i + 1
	}
	for _, tt := range []struct {
		in   map[string]any
		want string
	}{
		{map[string]any{"model": "authentik_core.usr", "pks": []int{1}}, `{"model":["There is no model \"authentik_core.usr\". Did you mean \"authentik_core.user\"?"]}`},
		{map[string]any{"model": "gatehouse_ca.authority", "pks": []string{"x"}}, `{"model":["There is no model \"gatehouse_ca.authority\"."]}`},
		{map[string]any{"model": people, "pks": []int{}}, `{"pks":["Choose at least one."]}`},
		{map[string]any{"model": people, "pks": many}, `{"pks":["1001 are too many at once: 1,000 at most."]}`},
		{map[string]any{"model": people, "pks": []string{"x"}}, `{"pks":["\"x\" is no key of a User."]}`},
		{map[string]any{"model": people, "pks": []int{ada, ada}}, fmt.Sprintf(`{"pks":["%d is there twice."]}`, ada)},
		{map[string]any{"model": people, "pks": []int{ada}}, `{"fields":["Say what to change."]}`},
		{map[string]any{"model": people}, `{"pks":["This field is required."]}`},
		{map[string]any{"model": people, "pks": []int{ada}, "fields": map[string]any{"username": "x", "pth": "x", "uid": "x", "password": "x", "pk": 1}},
			`{"password":["There is no field \"password\"."],"pk":["This field can't be set."],"pth":["There is no field \"pth\". Did you mean \"path\"?"],"uid":["This field can't be set."],"username":["This field has to be different for each object, so it can't be set for many."]}`},
		{map[string]any{"model": people, "pks": []int{ada}, "add": map[string]any{"path": []string{"x"}, "groups": "x"}}, `{"groups":["Only lists are added to and taken out of, and by a list."],"path":["Only lists are added to and taken out of, and by a list."]}`},
		{map[string]any{"model": people, "pks": []int{ada}, "fields": map[string]any{"groups": []string{}}, "add": map[string]any{"groups": []string{}}}, `{"groups":["Either set this list, or add to it and take out of it."]}`},
		{map[string]any{"model": "authentik_providers_oauth2.oauth2provider", "pks": []int{1}, "fields": map[string]any{"client_secret": "x", "client_id": "y"}}, `{"client_id":["This field has to be different for each object, so it can't be set for many."],"client_secret":["A secret is set for one object at a time."]}`},
		{map[string]any{"model": "authentik_events.systemtask", "pks": []string{"x"}, "fields": map[string]any{}}, `{"fields":["Say what to change."]}`},
		{map[string]any{"model": "authentik_core.authenticatedsession", "pks": []string{"6ba7b810-9dad-11d1-80b4-00c04fd430c8"}, "fields": map[string]any{"last_user_agent": map[string]any{}}}, `{"model":["Objects of this kind are not changed by hand."]}`},
	} {
		if got := h.bulk(bootToken, "update", tt.in); got.status != 400 || got.body != tt.want {
			t.Errorf("%v: %d %s\nwant %s", tt.in["model"], got.status, got.body, tt.want)
		}
	}
	t.Run("permissions", func(t *testing.T) {
		bobs := h.tokenOf(eve, "of-eve", "api")
		in := map[string]any{"model": "authentik_core.group", "pks": []string{staff, guests}, "fields": map[string]any{"attributes": map[string]any{"a": 1}}}
		if got := h.bulk(bobs, "update", in); got.status != 400 || got.said() != gone+"|"+gone || strings.Contains(got.body, "Staff") {
			t.Errorf("an ordinary user: %s", got.body)
		}
		h.grant(t, eve, "authentik_core.view_group", "")
		const denied = "You do not have permission to perform this action."
		if got := h.bulk(bobs, "update", in); got.status != 400 || got.said() != denied+"|"+denied {
			t.Errorf("who may look: %s", got.body)
		}
		h.grant(t, eve, "authentik_core.change_group", staff)
		if got := h.bulk(bobs, "update", in); got.status != 400 || got.said() != denied {
			t.Errorf("who may change one: %s", got.body)
		}
		in["pks"] = []string{staff}
		if got := h.bulk(bobs, "update", in); got.status != 200 || !got.Done {
			t.Errorf("the one: %s", got.body)
		}
		// What a single change refuses, many do too: nobody makes superusers who is none.
		admins := h.api("GET", "core/groups/?is_superuser=true", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
		h.grant(t, eve, "authentik_core.change_user", "")
		if got := h.bulk(bobs, "update", map[string]any{"model": people, "pks": []int{eve}, "add": map[string]any{"groups": []string{admins}}}); got.status != 400 || got.said() != "groups: Only a superuser can add somebody to a group of superusers." {
			t.Errorf("escalation: %s", got.body)
		}
		if got := h.bulk("", "update", in); got.status != 403 {
			t.Errorf("nobody: %d", got.status)
		}
	})
	t.Run("configuration", func(t *testing.T) {
		var pks []string
		for i := range 3 {
			pks = append(pks, h.api("POST", "policies/dummy/", map[string]any{"name": fmt.Sprint("p", i)}, 201)["pk"].(string))
		}
		if got := h.bulk(bootToken, "update", map[string]any{"model": "authentik_policies_dummy.dummypolicy", "pks": pks, "fields": map[string]any{"wait_max": 7, "execution_logging": true}}); got.status != 200 || !got.Done {
			t.Errorf("%s", got.body)
		}
		if p := h.api("GET", "policies/dummy/"+pks[2]+"/", nil, 200); p["wait_max"] != 7.0 || p["execution_logging"] != true {
			t.Errorf("%v", p)
		}
	})
}

func TestBulkDelete(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	me := int(h.api("GET", "core/users/me/", nil, 200)["user"].(map[string]any)["pk"].(float64))
	h.tokenOf(ada, "of-ada", "api")
	const people = "authentik_core.user"
	dry := h.bulk(bootToken, "delete", map[string]any{"model": people, "pks": []int{ada, bob, me}, "dry_run": true})
	if dry.status != 200 || dry.said() != "||non_field_errors: You can't delete your own account. Let another admin do it." || dry.Results[0].UsedBy != 1 || dry.Results[1].UsedBy != 0 {
		t.Errorf("dry run: %s", dry.body)
	}
	if got := h.bulk(bootToken, "delete", map[string]any{"model": people, "pks": []int{ada, me}}); got.status != 400 || got.Whole[0] != "Nothing was changed: 1 of 2 is refused." {
		t.Errorf("the own account: %s", got.body)
	}
	h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)
	before := h.events("model_deleted")
	if got := h.bulk(bootToken, "delete", map[string]any{"model": people, "pks": []int{ada, bob}}); got.status != 200 || !got.Done {
		t.Errorf("%s", got.body)
	}
	h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 404)
	if n := h.events("model_deleted") - before; n != 2 {
		t.Errorf("%d events", n)
	}
	// A flow takes its bindings along: one that goes with another of the same deletion is no fault.
	flow := h.api("POST", "flows/instances/", map[string]any{"name": "f", "slug": "f", "title": "t", "designation": "authorization"}, 201)["pk"].(string)
	stage := h.api("POST", "stages/deny/", map[string]any{"name": "d"}, 201)["pk"].(string)
	bind := func() string {
		return h.api("POST", "flows/bindings/", map[string]any{"target": flow, "stage": stage, "order": 1}, 201)["pk"].(string)
	}
	b1 := bind()
	if got := h.bulk(bootToken, "delete", map[string]any{"model": "authentik_stages_deny.denystage", "pks": []string{stage}, "dry_run": true}); got.status != 200 || got.Results[0].UsedBy != 1 {
		t.Errorf("used: %s", got.body)
	}
	if got := h.bulk(bootToken, "delete", map[string]any{"model": "authentik_flows.flowstagebinding", "pks": []string{b1}}); got.status != 200 {
		t.Errorf("%s", got.body)
	}
	t.Run("permissions", func(t *testing.T) {
		eve := h.addUser("eve", "eavesdrop-77")
		token := h.tokenOf(eve, "of-eve", "api")
		in := map[string]any{"model": "authentik_stages_deny.denystage", "pks": []string{stage}}
		h.grant(t, eve, "authentik_stages_deny.view_denystage", "")
		for _, dry := range []bool{true, false} {
			in["dry_run"] = dry
			if got := h.bulk(token, "delete", in); !strings.HasSuffix(got.said(), "You do not have permission to perform this action.") || got.Done {
				t.Errorf("who may look: %s", got.body)
			}
		}
		h.grant(t, eve, "authentik_stages_deny.delete_denystage", stage)
		if got := h.bulk(token, "delete", in); got.status != 200 || !got.Done {
			t.Errorf("who may delete it: %s", got.body)
		}
	})
}

// TestBulkOfAThousand holds that the most that is taken is done in one go.
func TestBulkOfAThousand(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	var pks []int
	if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1001 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
			INSERT INTO users (pk, username, name, is_active, email, attributes, path, type, uuid, password, date_joined)
			SELECT i, 'u' || i, 'n', 1, '', '{}', 'users', 'internal', 'u' || i, '!', 0 FROM n`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		pks = append(pks, 1001+i)
	}
	for _, what := range []string{"update", "delete"} {
		in := map[string]any{"model": "authentik_core.user", "pks": pks}
		if what == "update" {
			in["fields"] = map[string]any{"path": "x", "attributes": map[string]any{"a": 1}}
		}
		began := time.Now()
		if got := h.bulk(bootToken, what, in); got.status != 200 || !got.Done || len(got.Results) != 1000 {
			t.Errorf("%s: %.200s", what, got.body)
		}
		t.Logf("%s: %v", what, time.Since(began))
	}
	if n := int(h.api("GET", "core/users/?path=x", nil, 200)["pagination"].(map[string]any)["count"].(float64)); n != 0 {
		t.Errorf("%d are left", n)
	}
}
