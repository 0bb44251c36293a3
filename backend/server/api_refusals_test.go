package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestRefusals holds what must not half happen (issue 3, bad input): each row is refused in words and leaves everything as it was.
func TestRefusals(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	me := int(h.api("GET", "core/users/me/", nil, 200)["user"].(map[string]any)["pk"].(float64))
	admins := h.api("GET", "core/groups/?is_superuser=true", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
	h.addApp("wiki", nil)
	f := h.api("POST", "flows/instances/", map[string]any{"name": "before", "slug": "before", "title": "t", "designation": "authorization"}, 201)
	h.api("POST", "sources/saml/", map[string]any{"name": "corp", "slug": "corp", "sso_url": "https://idp.example/sso", "pre_authentication_flow": f["pk"]}, 201)
	state := func() string {
		out := ""
		for _, path := range []string{"flows/instances/", "flows/bindings/", "providers/all/", "sources/all/", "core/brands/", "core/groups/", "core/users/"} {
			for _, row := range h.api("GET", path+"?page_size=100&ordering=pk", nil, 200)["results"].([]any) {
				m := row.(map[string]any)
				delete(m, "last_login")
				out += path + fmt.Sprint(m) + "\n"
			}
		}
		return out
	}
	before := state()
	events := h.events("model_deleted") + h.events("model_updated")
	for _, tt := range []struct {
		name, method, path string
		body               any
		status             int
		want               string
	}{
		{"a flow that a provider asks consent with", "DELETE", "flows/instances/default-provider-authorization-implicit-consent/", nil, 400, "It is still in use by oauth2/openid provider"},
		{"a flow that a source runs first", "DELETE", "flows/instances/before/", nil, 400, "It is still in use by saml source"},
		{"the sign-in of the house", "DELETE", "flows/instances/default-authentication-flow/", nil, 400, "It is still in use by brand"},
		{"the last admin: the person", "DELETE", fmt.Sprintf("core/users/%d/", me), nil, 400, "You can't delete your own account."},
		{"the last admin: switched off", "PATCH", fmt.Sprintf("core/users/%d/", me), map[string]any{"is_active": false}, 400, "This would leave nobody who can administer Gatehouse."},
		{"the last admin: out of every group", "PATCH", fmt.Sprintf("core/users/%d/", me), map[string]any{"groups": []string{}}, 400, "This would leave nobody who can administer Gatehouse."},
		{"the last admin: out of the group", "POST", "core/groups/" + admins + "/remove_user/", map[string]any{"pk": me}, 400, "This would leave nobody who can administer Gatehouse."},
		{"the last admin: a group without members", "PATCH", "core/groups/" + admins + "/", map[string]any{"users": []int{}}, 400, "This would leave nobody who can administer Gatehouse."},
		{"the last admin: a group like others", "PATCH", "core/groups/" + admins + "/", map[string]any{"is_superuser": false}, 400, "This would leave nobody who can administer Gatehouse."},
		{"the last admin: no group", "DELETE", "core/groups/" + admins + "/", nil, 400, "This would leave nobody who can administer Gatehouse."},
	} {
		got := h.as(bootToken, tt.method, tt.path, jsonOf(tt.body))
		if got.status != tt.status || !strings.Contains(strings.ToLower(got.body), strings.ToLower(tt.want)) {
			t.Errorf("%s: %d %s, want %d %s", tt.name, got.status, got.body, tt.status, tt.want)
		}
		if now := state(); now != before {
			t.Fatalf("%s: something changed\n%s\nbefore\n%s", tt.name, now, before)
		}
	}
	if n := h.events("model_deleted") + h.events("model_updated"); n != events {
		t.Errorf("%d events of what did not happen", n-events)
	}
}

// TestTwoWriters holds that clients who write the same object at once all get an answer, that one whole write is what stays, and that a
// name which only one may have goes to one.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	const clients, rounds = 6, 5
	g := h.api("POST", "core/groups/", map[string]any{"name": "start", "attributes": map[string]any{"by": "start"}}, 201)["pk"].(string)
	before := h.events("model_updated")
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[int]int{}
	for c := range clients {
		wg.Go(func() {
			for i := range rounds {
				name := fmt.Sprintf("client %d, round %d", c, i)
				if got := h.as(bootToken, "PUT", "core/groups/"+g+"/", jsonOf(map[string]any{"name": name, "attributes": map[string]any{"by": name}})); got.status != 200 {
					t.Errorf("%s: %d %s", name, got.status, got.body)
				}
			}
			got := h.as(bootToken, "POST", "flows/instances/", jsonOf(map[string]any{"name": "one", "slug": "one", "title": "t", "designation": "enrollment"}))
			mu.Lock()
			defer mu.Unlock()
			made[got.status]++
			if got.status == 400 && !strings.Contains(got.body, `"slug":["This field must be unique."]`) {
				t.Errorf("%s", got.body)
			}
		})
	}
	wg.Wait()
	if made[201] != 1 || made[400] != clients-1 {
		t.Errorf("%v", made)
	}
	now := h.api("GET", "core/groups/"+g+"/", nil, 200)
	if by := now["attributes"].(map[string]any)["by"]; by != now["name"] {
		t.Errorf("%s has the attributes of %s", now["name"], by)
	}
	if n := h.events("model_updated") - before; n != clients*rounds {
		t.Errorf("%d events of %d writes", n, clients*rounds)
	}
	// Somebody deletes it while others write: afterwards it is gone, and who came late is told so.
	for c := range clients {
		wg.Go(func() {
			if c == 0 {
				if got := h.as(bootToken, "DELETE", "core/groups/"+g+"/", ""); got.status != 204 {
					t.Errorf("%d %s", got.status, got.body)
				}
				return
			}
			if got := h.as(bootToken, "PATCH", "core/groups/"+g+"/", `{"name": "late"}`); got.status != 200 && got.status != 404 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	wg.Wait()
	h.api("GET", "core/groups/"+g+"/", nil, 404)
}

// jsonOf is a body as text, "" for none.
func jsonOf(v any) string {
	if v == nil {
		return ""
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
