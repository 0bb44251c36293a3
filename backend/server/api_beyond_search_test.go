package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/db"
)

// found asks the search and gives "Kind title (subtitle) url" of each hit.
func (h *house) found(token, text string) []string {
	h.t.Helper()
	a := h.as(token, "GET", "gatehouse/search/?search="+url.QueryEscape(text), "")
	var out struct {
		Results []struct{ Model, Kind, PK, Title, Subtitle, URL string }
	}
	if err := json.Unmarshal([]byte(a.body), &out); a.status != 200 || err != nil {
		h.t.Fatalf("%q: %d %s", text, a.status, a.body)
	}
	got := []string{}
	for _, r := range out.Results {
		if r.Model == "" || r.PK == "" {
			h.t.Errorf("%q: %+v", text, r)
		}
		got = append(got, fmt.Sprintf("%s %s (%s) %s", r.Kind, r.Title, r.Subtitle, strings.ReplaceAll(r.URL, r.PK, "PK")))
	}
	return got
}

func TestSearchOverEverything(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), map[string]any{"name": "Zebra Lovelace"}, 200)
	stripes := h.api("POST", "core/groups/", map[string]any{"name": "Zebra keepers"}, 201)["pk"].(string)
	h.api("POST", "core/groups/", map[string]any{"name": "Zoo"}, 201)
	h.addApp("zebra", nil)
	h.api("POST", "stages/deny/", map[string]any{"name": "no zebra"}, 201)
	h.api("POST", "policies/dummy/", map[string]any{"name": "zebra crossing"}, 201)
	h.api("POST", "rbac/roles/", map[string]any{"name": "zebra role"}, 201)
	h.api("POST", "core/brands/", map[string]any{"domain": "zebra.office.lan"}, 201)
	h.api("POST", "flows/instances/", map[string]any{"name": "Zebra flow", "slug": "striped", "title": "t", "designation": "authorization"}, 201)
	adas, bobs := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(bob, "zebra-token", "api")
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"ZEBRA", []string{
			"Application zebra () /if/admin/#/apps/zebra",
			"Brand zebra.office.lan (Gatehouse) /if/admin/#/settings/brands/PK",
			"Deny Stage no zebra () /if/admin/#/advanced/stages/PK",
			"Dummy Policy zebra crossing () /if/admin/#/advanced/policies/PK",
			"Flow Zebra flow (striped) /if/admin/#/advanced/flows/striped",
			"Group Zebra keepers () /if/admin/#/people/groups/PK",
			"OAuth2/OpenID Provider zebra (zebra) () /if/admin/#/advanced/providers/PK",
			"Role zebra role () /if/admin/#/advanced/roles/PK",
			"Token zebra-token () /if/admin/#/advanced/tokens/zebra-token",
			"User Zebra Lovelace (ada) /if/admin/#/people/users/PK",
		}},
		{"striped", []string{"Flow Zebra flow (striped) /if/admin/#/advanced/flows/striped"}},
		{"ze", nil}, {"_x_", []string{}}, {"z%a", []string{}}, {`" OR "`, []string{}}, {"nothing such", []string{}}, {"ada@office.lan", []string{"User Zebra Lovelace (ada) /if/admin/#/people/users/PK"}},
		{strings.Repeat("z", 999), []string{}},
	} {
		got := h.found(bootToken, tt.text)
		sorted := slices.Sorted(slices.Values(got))
		if tt.want != nil && !slices.Equal(sorted, tt.want) {
			t.Errorf("%q finds\n%s", tt.text, strings.Join(sorted, "\n"))
		}
	}
	if got := h.found(bootToken, "zebra"); len(got) < 2 || !strings.Contains(got[0]+got[1], "Application zebra ()") || !strings.Contains(got[len(got)-1], "no zebra") {
		t.Errorf("the order: %s", strings.Join(got, "\n"))
	}
	t.Run("permissions", func(t *testing.T) {
		if got := h.found(adas, "zebra"); len(got) != 0 {
			t.Errorf("an ordinary user finds %v", got)
		}
		if got := h.found(bobs, "zebra"); !slices.Equal(got, []string{"Token zebra-token () /if/admin/#/advanced/tokens/zebra-token"}) {
			t.Errorf("the owner of a token finds %v", got)
		}
		h.grant(t, bob, "authentik_core.view_group", stripes)
		h.grant(t, bob, "authentik_flows.view_stage", "")
		want := []string{"Deny Stage no zebra () /if/admin/#/advanced/stages/PK", "Group Zebra keepers () /if/admin/#/people/groups/PK", "Token zebra-token () /if/admin/#/advanced/tokens/zebra-token"}
		if got := slices.Sorted(slices.Values(h.found(bobs, "zebra"))); !slices.Equal(got, want) {
			t.Errorf("with permissions: %v", got)
		}
		if got := h.found(bobs, "Zoo"); len(got) != 0 {
			t.Errorf("another group: %v", got)
		}
		if a := h.as("", "GET", "gatehouse/search/?search=zebra", ""); a.status != 403 {
			t.Errorf("nobody: %d", a.status)
		}
	})
	for path, want := range map[string]string{
		"": `{"search":["This field is required."]}`, "?search=%20": `{"search":["This field is required."]}`, "?search=a&limit=x": `{"limit":["Enter a number from 1 to 25."]}`,
		"?search=a%00b": `{"search":["Null characters are not allowed."]}`, "?search=" + strings.Repeat("z", 1001): `{"search":["Ensure this field has no more than 1000 characters."]}`,
	} {
		if a := h.as(bootToken, "GET", "gatehouse/search/"+path, ""); a.status != 400 || strings.TrimSpace(a.body) != want {
			t.Errorf("%.30s: %d %s", path, a.status, a.body)
		}
	}
}

// TestSearchStaysQuick holds that what a search costs does not grow with the hits: 20,000 people, all of whom hold the text.
func TestSearchStaysQuick(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	if err := h.s.db.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
			INSERT INTO users (username, name, is_active, email, attributes, path, type, uuid, password, date_joined)
			SELECT 'person' || i, 'Person Number ' || i, 1, 'person' || i || '@office.lan', '{}', 'users', 'internal', 'u' || i, '!', 0 FROM n`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	best := map[string]time.Duration{}
	for text, want := range map[string]int{"person": 5, "office": 5, "umber 777": 5, "Number 19999": 1, "person19999": 1} {
		best[text] = time.Hour
		for range 5 {
			began := time.Now()
			if got := h.found(bootToken, text); len(got) != want {
				t.Fatalf("%q: %d", text, len(got))
			}
			best[text] = min(best[text], time.Since(began))
		}
		t.Logf("%q: %v", text, best[text])
	}
	// Against the one that is found by an index: the machine may be busy, and the race detector is slow.
	for _, many := range []string{"person", "office", "umber 777"} {
		if best[many] > 10*best["person19999"]+50*time.Millisecond {
			t.Errorf("%q takes %v, one hit %v", many, best[many], best["person19999"])
		}
	}
}
