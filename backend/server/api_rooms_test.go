package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
)

// Permissions come from a user's own grants and from the roles of their groups and of the groups above, for a model or one object.
func TestPermissions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	r := h.s.rooms
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	role := h.api("POST", "rbac/roles/", map[string]any{"name": "helpers"}, 201)["pk"].(string)
	top := h.api("POST", "core/groups/", map[string]any{"name": "top", "roles": []string{role}}, 201)["pk"].(string)
	mid := h.api("POST", "core/groups/", map[string]any{"name": "mid", "parent": top}, 201)["pk"].(string)
	h.api("POST", "core/groups/", map[string]any{"name": "low", "parent": mid, "users": []int{ada}}, 201)
	actor := func(pk int) store.Actor { return store.Actor{UserPK: int64(pk)} }
	may := func(a store.Actor, permission, object string) bool {
		t.Helper()
		ok, err := r.roles.May(t.Context(), a, permission, object)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	write := func(fn func(tx *store.Tx) error) {
		t.Helper()
		if err := r.store.Write(t.Context(), store.House, fn); err != nil {
			t.Fatal(err)
		}
	}
	const view, change = "authentik_core.view_group", "authentik_core.change_group"
	write(func(tx *store.Tx) error {
		return errors.Join(rbac.Grant(tx, 0, role, view, ""), rbac.Grant(tx, 0, role, view, ""), rbac.Grant(tx, int64(bob), "", change, mid))
	})
	for _, tt := range []struct {
		who        store.Actor
		permission string
		object     string
		want       bool
	}{
		{actor(ada), view, "", true}, {actor(ada), view, top, true}, {actor(ada), change, top, false}, {actor(bob), view, "", false}, {actor(bob), change, mid, true}, {actor(bob), change, top, false}, {actor(bob), change, "", false},
		{store.Actor{}, view, "", false}, {store.Actor{UserPK: 99, Superuser: true}, change, top, true}, {store.House, change, top, true},
	} {
		if got := may(tt.who, tt.permission, tt.object); got != tt.want {
			t.Errorf("%d %s %q: %t", tt.who.UserPK, tt.permission, tt.object, got)
		}
	}
	if all, pks, err := r.roles.Objects(t.Context(), actor(bob), change); err != nil || all || !slices.Equal(pks, []string{mid}) {
		t.Errorf("%t %v %v", all, pks, err)
	}
	if all, _, err := r.roles.Objects(t.Context(), actor(ada), view); err != nil || !all {
		t.Errorf("%t %v", all, err)
	}
	for _, who := range [][2]any{{int64(0), ""}, {int64(bob), role}} {
		err := r.store.Write(t.Context(), store.House, func(tx *store.Tx) error { return rbac.Grant(tx, who[0].(int64), who[1].(string), view, "") })
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", who, err)
		}
	}
	write(func(tx *store.Tx) error { return rbac.Revoke(tx, int64(bob), "", change, mid) })
	if may(actor(bob), change, mid) {
		t.Error("what was taken back still holds")
	}
	h.api("DELETE", "rbac/roles/"+role+"/", nil, 204)
	if may(actor(ada), view, "") {
		t.Error("a role that is gone still gives")
	}
}

// The counters that stand for counting the events say what counting says, through writes, refused writes and cleaning up.
func TestEventCounters(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	r := h.s.rooms
	ctx := context.Background()
	count := func(query string) int {
		t.Helper()
		out := h.api("GET", "events/events/?page_size=1"+query, nil, 200)
		return int(out["pagination"].(map[string]any)["count"].(float64))
	}
	real := func(where string) (n int) {
		t.Helper()
		if err := h.s.db.QueryRow(ctx, `SELECT count(*) FROM events WHERE `+where).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	check := func(when string) {
		t.Helper()
		for query, where := range map[string]string{"": "1 = 1", "&action=login": "action = 'login'", "&action=custom_x": "action = 'custom_x'", "&action=logout": "action = 'logout'", "&action=login&username=u1": `action = 'login' AND "user" LIKE '%"u1"%'`} {
			if got, want := count(query), real(where); got != want {
				t.Errorf("%s: %q counts %d, there are %d", when, query, got, want)
			}
		}
	}
	check("at first")
	for i := range 30 {
		action := []string{event.Login, "custom_x"}[i%2]
		if err := r.events.Emit(store.WithActor(ctx, store.Actor{UserPK: int64(i%3 + 1), Username: fmt.Sprintf("u%d", i%3)}), action, map[string]any{"i": i}); err != nil {
			t.Fatal(err)
		}
	}
	check("after some")
	undone := errors.New("undone")
	if err := r.store.Write(ctx, store.House, func(tx *store.Tx) error {
		return errors.Join(r.events.EmitTx(tx, event.Entry{Action: event.Login}), undone)
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	check("after one that was undone")
	if err := h.s.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE events SET expires = ? WHERE action = 'custom_x'`, time.Now().Add(-time.Hour).UnixMicro())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	before := real("1 = 1")
	if _, err := r.events.CleanUp(ctx); err != nil {
		t.Fatal(err)
	}
	if after := real("1 = 1"); after != before-15 {
		t.Errorf("%d of %d events are left", after, before)
	}
	check("after cleaning up")
	pages := map[string]bool{}
	for page := 1; ; page++ {
		out := h.api("GET", fmt.Sprintf("events/events/?page_size=7&page=%d", page), nil, 200)
		for _, e := range out["results"].([]any) {
			pk := e.(map[string]any)["pk"].(string)
			if pages[pk] {
				t.Errorf("%s is on two pages", pk)
			}
			pages[pk] = true
		}
		if out["pagination"].(map[string]any)["next"] == 0.0 {
			break
		}
	}
	if len(pages) != real("1 = 1") {
		t.Errorf("%d events on the pages of %d", len(pages), real("1 = 1"))
	}
}
