package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// lastEvent gives the newest event of an action.
func (h *house) lastEvent(action string) map[string]any {
	h.t.Helper()
	all := h.api("GET", "events/events/?ordering=-created&page_size=1&action="+action, nil, 200)["results"].([]any)
	if len(all) == 0 {
		h.t.Fatalf("no event %s", action)
	}
	return all[0].(map[string]any)
}

// undo undoes the newest event of an action, after asking whether that is possible; want is the refusal, "" for none.
func (h *house) undo(action, want string) map[string]any {
	h.t.Helper()
	path := "gatehouse/undo/" + h.lastEvent(action)["pk"].(string) + "/"
	shown := h.api("GET", path, nil, 200)
	if shown["possible"] != (want == "") || want != "" && !strings.Contains(shown["reason"].(string), want) {
		h.t.Errorf("%s is shown as %v, want %q", action, shown, want)
	}
	status := 200
	if want != "" {
		status = 400
	}
	out := h.api("POST", path, nil, status)
	if s := fmt.Sprint(out["non_field_errors"]); want != "" && !strings.Contains(s, want) {
		h.t.Errorf("%s: %s, want %q", action, s, want)
	}
	return out
}

func TestUndo(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	staff := h.api("POST", "core/groups/", map[string]any{"name": "Staff"}, 201)["pk"].(string)
	ada := h.addUser("ada", "lovelace-1815")
	path := fmt.Sprintf("core/users/%d/", ada)
	user := func() map[string]any { return h.api("GET", path, nil, 200) }
	was := user()

	t.Run("update", func(t *testing.T) {
		h.api("PATCH", path, map[string]any{"name": "Ada", "path": "sales", "groups": []string{staff}, "attributes": map[string]any{"api_key_hint": "x", "n": 1.5}}, 200)
		out := h.undo("model_updated", "")
		now := user()
		if fmt.Sprint(now) != fmt.Sprint(was) {
			t.Errorf("after undo\n%v\nbefore the change\n%v", now, was)
		}
		if fmt.Sprint(out["fields"]) != "[name groups attributes path]" || out["model"] != "authentik_core.user" {
			t.Errorf("%v", out)
		}
		mark := h.lastEvent("custom_undo")
		undone := mark["context"].(map[string]any)["undone"].(map[string]any)
		if undone["pk"] != out["event"] || undone["action"] != "model_updated" {
			t.Errorf("the event of the undoing: %v", mark)
		}
		// What was undone can be done again, by undoing the undoing.
		h.undo("model_updated", "")
		if u := user(); u["path"] != "sales" || fmt.Sprint(u["groups"]) != fmt.Sprint([]string{staff}) || u["attributes"].(map[string]any)["api_key_hint"] != "x" {
			t.Errorf("redone: %v", u)
		}
	})
	t.Run("somebody changed it since", func(t *testing.T) {
		first := h.lastEvent("model_updated")["pk"].(string)
		h.api("PATCH", path, map[string]any{"name": "Countess"}, 200)
		got := h.as(bootToken, "POST", "gatehouse/undo/"+first+"/", "")
		if got.status != 400 || !strings.Contains(got.body, "akadmin changed it since, on 20") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("membership", func(t *testing.T) {
		members := func() string { return fmt.Sprint(h.api("GET", "core/groups/"+staff+"/", nil, 200)["users"]) }
		h.api("POST", "core/groups/"+staff+"/remove_user/", map[string]any{"pk": ada}, 204)
		h.undo("model_updated", "")
		if members() != fmt.Sprint([]int{ada}) {
			t.Errorf("members %s", members())
		}
	})
	t.Run("delete", func(t *testing.T) {
		was := user()
		h.api("DELETE", path, nil, 204)
		out := h.undo("model_deleted", "")
		if notes := out["notes"].([]any); len(notes) != 1 || notes[0] != "The audit log does not keep password: set it anew." {
			t.Errorf("%v", out)
		}
		if now := user(); fmt.Sprint(now) != fmt.Sprint(was) {
			t.Errorf("brought back\n%v\nwas\n%v", now, was)
		}
		if h.browser().signIn("", "ada", "lovelace-1815")["type"] == "redirect" {
			t.Error("the password came back too")
		}
		if n := len(h.api("GET", "core/users/?search=ada", nil, 200)["results"].([]any)); n != 1 {
			t.Errorf("the index finds %d", n)
		}
		h.api("PATCH", path, map[string]any{"name": "Changed"}, 200)
		h.undo("model_deleted", "changed it since")
	})
	t.Run("what it pointed at is gone", func(t *testing.T) {
		b := h.api("POST", "flows/instances/", map[string]any{"name": "f", "slug": "f", "title": "t", "designation": "authorization"}, 201)
		s := h.api("POST", "stages/deny/", map[string]any{"name": "d"}, 201)["pk"].(string)
		bind := h.api("POST", "flows/bindings/", map[string]any{"target": b["pk"], "stage": s, "order": 3}, 201)["pk"].(string)
		h.api("DELETE", "flows/bindings/"+bind+"/", nil, 204)
		h.undo("model_deleted", "")
		if got := h.api("GET", "flows/bindings/"+bind+"/", nil, 200); got["order"] != 3.0 {
			t.Errorf("%v", got)
		}
		h.api("DELETE", "flows/bindings/"+bind+"/", nil, 204)
		ev := h.lastEvent("model_deleted")["pk"].(string)
		h.api("DELETE", "stages/deny/"+s+"/", nil, 204)
		got := h.as(bootToken, "POST", "gatehouse/undo/"+ev+"/", "")
		if got.status != 400 || !strings.Contains(got.body, "It can't come back: stage: Invalid pk") || !strings.Contains(got.body, "what it pointed at is gone") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("create", func(t *testing.T) {
		s := h.api("POST", "stages/deny/", map[string]any{"name": "fresh"}, 201)["pk"].(string)
		h.undo("model_created", "")
		h.api("GET", "stages/deny/"+s+"/", nil, 404)
		h.undo("model_created", "It is not there any more.")
		s = h.api("POST", "stages/deny/", map[string]any{"name": "used"}, 201)["pk"].(string)
		ev := h.lastEvent("model_created")["pk"].(string)
		f := h.api("GET", "flows/instances/f/", nil, 200)["pk"]
		h.api("POST", "flows/bindings/", map[string]any{"target": f, "stage": s, "order": 1}, 201)
		if got := h.as(bootToken, "POST", "gatehouse/undo/"+ev+"/", ""); got.status != 400 || !strings.Contains(got.body, "It is in use since (1 times)") {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
	t.Run("secrets", func(t *testing.T) {
		h.addApp("wiki", nil)
		p := h.api("GET", "providers/oauth2/?search=wiki", nil, 200)["results"].([]any)[0].(map[string]any)
		at := fmt.Sprintf("providers/oauth2/%v/", p["pk"])
		h.api("PATCH", at, map[string]any{"client_secret": "another-secret-0123456789"}, 200)
		h.undo("model_updated", "The audit log does not keep secrets (client_secret), so this change can't be undone.")
		h.api("PATCH", at, map[string]any{"access_token_validity": "minutes=7"}, 200)
		h.undo("model_updated", "")
		if got := h.api("GET", at, nil, 200); got["access_token_validity"] != p["access_token_validity"] || got["client_secret"] != "another-secret-0123456789" {
			t.Errorf("%v", got)
		}
		h.api("DELETE", at, nil, 204)
		h.undo("model_deleted", "so it can't be brought back")
	})
	t.Run("nothing of it is shown", func(t *testing.T) {
		for _, path := range []string{"events/events/?page_size=1000", "events/events/" + h.lastEvent("model_deleted")["pk"].(string) + "/"} {
			if got := h.as(bootToken, "GET", path, ""); got.status != 200 || strings.Contains(got.body, "gatehouse_kept") {
				t.Errorf("%s: %d, or the event shows what it keeps", path, got.status)
			}
		}
		// An event that a client changes keeps what it keeps.
		h.api("PATCH", path, map[string]any{"name": "Once more"}, 200)
		ev := h.lastEvent("model_updated")["pk"].(string)
		h.api("PATCH", "events/events/"+ev+"/", map[string]any{"client_ip": "10.0.0.1"}, 200)
		h.undo("model_updated", "")
		if user()["name"] != "Changed" {
			t.Errorf("%v", user()["name"])
		}
	})
	t.Run("other events", func(t *testing.T) {
		h.undo("custom_undo", "Only the creation, the change and the deletion of an object can be undone.")
		for _, id := range []string{"x", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"} {
			if got := h.as(bootToken, "POST", "gatehouse/undo/"+id+"/", ""); got.status != 404 {
				t.Errorf("%s: %d", id, got.status)
			}
		}
		// An event that somebody writes by hand undoes nothing that they may not do anyway, and holds nothing.
		h.api("POST", "events/events/", map[string]any{"action": "model_updated", "app": "x", "context": map[string]any{
			"model": map[string]any{"app": "authentik_core", "model_name": "user", "pk": fmt.Sprint(ada), "name": "x"}, "gatehouse_kept": "x"}}, 201)
		h.undo("model_updated", "What this event keeps can't be read")
	})
}

func TestUndoPermissions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	eve, bob := h.addUser("eve", "eavesdrop-77"), h.addUser("bob", "builder-1999")
	eves, bobs := h.tokenOf(eve, "of-eve", "api"), h.tokenOf(bob, "of-bob", "api")
	g := h.api("POST", "core/groups/", map[string]any{"name": "Staff"}, 201)["pk"].(string)
	patch := func(token string, n int) {
		t.Helper()
		if got := h.as(token, "PATCH", "core/groups/"+g+"/", fmt.Sprintf(`{"attributes":{"n":%d}}`, n)); got.status != 200 {
			t.Fatalf("%d %s", got.status, got.body)
		}
	}
	patch(bootToken, 1)
	at := "gatehouse/undo/" + h.lastEvent("model_updated")["pk"].(string) + "/"
	status := func(token, method, path, body string) int { return h.as(token, method, path, body).status }
	for token, want := range map[string]int{"": 403, eves: 404} {
		if a, b := status(token, "GET", at, ""), status(token, "POST", at, ""); a != want || b != want {
			t.Errorf("%d and %d, want %d", a, b, want)
		}
	}
	h.grant(t, eve, "authentik_events.view_event", "")
	if got := h.as(eves, "GET", at, ""); got.status != 200 || got.json(t)["possible"] != false || got.json(t)["reason"] != "You do not have permission to perform this action." {
		t.Errorf("who may read events: %d %s", got.status, got.body)
	}
	if got := status(eves, "POST", at, ""); got != 403 {
		t.Errorf("who may read events undoes: %d", got)
	}
	h.grant(t, bob, "authentik_core.change_group", g)
	last := fmt.Sprintf(`{"model":"authentik_core.group","pk":%q}`, g)
	if got := h.as(bobs, "POST", "gatehouse/undo/", last); got.status != 400 || !strings.Contains(got.body, "The last change of it is not yours") {
		t.Errorf("another's change: %d %s", got.status, got.body)
	}
	patch(bobs, 2)
	if got := h.as(bobs, "POST", "gatehouse/undo/", last); got.status != 200 {
		t.Errorf("the own change: %d %s", got.status, got.body)
	}
	if a := h.api("GET", "core/groups/"+g+"/", nil, 200)["attributes"].(map[string]any); a["n"] != 1.0 {
		t.Errorf("%v", a)
	}
	h.grant(t, eve, "authentik_core.change_group", g)
	patch(bootToken, 3)
	at = "gatehouse/undo/" + h.lastEvent("model_updated")["pk"].(string) + "/"
	if got := h.as(eves, "POST", at, ""); got.status != 200 {
		t.Errorf("with the permission of the change: %d %s", got.status, got.body)
	}
	// Bringing back and taking away need the permissions to create and to delete.
	h.api("DELETE", "core/groups/"+g+"/", nil, 204)
	at = "gatehouse/undo/" + h.lastEvent("model_deleted")["pk"].(string) + "/"
	if got := status(eves, "POST", at, ""); got != 403 {
		t.Errorf("bringing back: %d", got)
	}
	h.grant(t, eve, "authentik_core.add_group", "")
	if got := h.as(eves, "POST", at, ""); got.status != 200 {
		t.Errorf("bringing back with add: %d %s", got.status, got.body)
	}
	if got := h.api("GET", "core/groups/?name=Staff", nil, 200)["results"].([]any); len(got) != 1 || !slices.Contains([]any{g}, got[0].(map[string]any)["pk"]) {
		t.Errorf("%v", got)
	}
}
