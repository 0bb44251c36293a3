package server

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"gatehouse/backend/db"
)

// room sets how many pages the database may have, as the disk would: 0 takes all room that is not used yet. It gives the number.
func (h *house) room(pages int64) {
	h.t.Helper()
	err := h.s.db.Write(h.t.Context(), func(tx *db.Tx) error {
		var n int64
		// The file can't become smaller than it is: 1 leaves what is there and nothing more.
		return tx.QueryRow(fmt.Sprintf("PRAGMA max_page_count = %d", max(pages, 1))).Scan(&n)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A full disk: what needs writing is refused in words, what only reads goes on, nothing that was answered is lost, and once there is room
// everything works again without a restart.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	h.addUser("ada", "lovelace-1815")
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	tokens := h.exchange(wiki, b.code(wiki.authorize()).Get("code"))
	var codes []string
	for range 30 {
		codes = append(codes, b.code(wiki.authorize("scope", "openid")).Get("code"))
	}
	const full = "The disk is full. Free some space, then try again."

	h.room(0)
	// Free pages inside the file go first.
	made := 0
	var refused answer
	for ; made < 400; made++ {
		refused = h.browser().do("POST", "/api/v3/core/groups/", "application/json", fmt.Sprintf(`{"name":"g%d","attributes":{"x":%q}}`, made, strings.Repeat("x", 30_000)), "Authorization", "Bearer "+bootToken)
		if refused.status != 201 {
			break
		}
	}
	if refused.status != 503 || refused.json(t)["detail"] != full {
		t.Fatalf("after %d groups: %d %s", made, refused.status, refused.body)
	}
	// A page that is not full yet takes another row, so each of the following is tried until it needs one more.
	until := func(do func(i int) answer) (got answer) {
		for i := range 30 {
			if got = do(i); got.status == 503 {
				break
			}
		}
		return got
	}
	spent := 0
	token := until(func(i int) answer {
		spent = i
		return h.token(wiki, url.Values{"grant_type": {"authorization_code"}, "code": {codes[i]}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}})
	})
	anew := until(func(int) answer { return h.browser().get(wiki.authorize()) })
	var stuck error
	for i := 0; i < 50 && stuck == nil; i++ { // a flow that begins is stored a second later
		h.browser().get("/if/flow/default-authentication-flow/")
		stuck = h.s.rooms.sessions.Flush(t.Context())
	}
	if stuck == nil {
		t.Error("flows are stored on a full disk")
	}
	for name, tc := range map[string]struct {
		got    answer
		status int
		want   string
	}{
		"API": {h.browser().do("POST", "/api/v3/core/groups/", "application/json", `{"name":"small","attributes":{"x":"`+strings.Repeat("x", 30_000)+`"}}`, "Authorization", "Bearer "+bootToken), 503, full},
		"flow, program": {until(func(int) answer {
			return h.browser().get("/api/v3/flows/executor/default-authentication-flow/?query=")
		}), 503, full},
		"flow, page":     {until(func(int) answer { return h.browser().get("/if/flow/default-authentication-flow/") }), 503, full},
		"authorize":      {until(func(int) answer { return b.get(wiki.authorize()) }), 503, full},
		"authorize anew": {anew, 503, full},
		"token":          {token, 503, "server_error"},
		"reading users":  {h.browser().get("/api/v3/core/users/", "Authorization", "Bearer "+bootToken), 200, "ada"},
		"who am I":       {b.get("/api/v3/core/users/me/"), 200, `"username":"ada"`},
		"discovery":      {h.browser().get("/application/o/wiki/.well-known/openid-configuration"), 200, "issuer"},
		"keys":           {h.browser().get("/application/o/wiki/jwks/"), 200, "keys"},
		"userinfo":       {h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+tokens["access_token"].(string)), 200, "ada"},
		"the portal":     {b.get("/if/user/"), 200, "portal"},
		"alive":          {h.browser().get("/-/health/live/"), 204, ""},
	} {
		if tc.got.status != tc.status || !strings.Contains(tc.got.body, tc.want) {
			t.Errorf("%s: %d, want %d with %q: %.1500s", name, tc.got.status, tc.status, tc.want, tc.got.body)
		}
	}

	h.room(1 << 30)
	if got := h.exchange(wiki, codes[spent]); got["access_token"] == nil {
		t.Errorf("the code that met the full disk: %v", got)
	}
	h.signedIn("ada", "lovelace-1815")
	h.api("POST", "core/groups/", map[string]any{"name": "with room"}, 201)
	out := h.api("GET", "core/groups/?page_size=1", nil, 200)
	if n := int(out["pagination"].(map[string]any)["count"].(float64)); n < made+1 {
		t.Errorf("%d groups, %d were answered", n, made+1)
	}
	if err := h.s.db.Check(t.Context()); err != nil {
		t.Error(err)
	}
}
