package server

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSCIMTwoHouses keeps one house in step with another by SCIM while the network between them is cut at random moments and the first is
// stopped and started: nobody is lost, nobody is doubled. SCIM_PEOPLE says how many people there are, SCIM_SEED which moments.
func TestSCIMTwoHouses(t *testing.T) {
	t.Parallel()
	people, seed := 300, uint64(8)
	if n, err := strconv.Atoi(os.Getenv("SCIM_PEOPLE")); err == nil {
		people = n
	}
	if n, err := strconv.ParseUint(os.Getenv("SCIM_SEED"), 10, 64); err == nil {
		seed = n
	}
	rnd := rand.New(rand.NewPCG(seed, seed))
	to, from := open(t, true), syncing(t)
	src := to.scimSource("first")
	net := newCutter(t, to.base)
	var mu sync.Mutex
	cuts := 0
	net.every = func(int64) bool {
		mu.Lock()
		defer mu.Unlock()
		if rnd.IntN(60) != 0 {
			return false
		}
		cuts++
		return true
	}
	team := from.group("everybody")
	for n := range people {
		from.makePerson(fmt.Sprintf("p%05d", n), team)
	}
	for n := range people / 20 {
		from.api("POST", "core/groups/", obj{"name": fmt.Sprintf("g%04d", n), "users": from.keys(fmt.Sprintf(`username GLOB 'p*' AND pk %% %d = %d`, people/20, n))}, 201)
	}
	o := from.sends("second", net.base()+"/source/scim/first/v2", src.key, obj{"filter_group": team})
	from.api("PUT", o.at("beyond/"), obj{"when_leaving": "deactivate", "when_deleted": "delete", "method": "auto"}, 200)
	pick := func() string {
		mu.Lock()
		defer mu.Unlock()
		keys := from.keys(`username GLOB 'p*'`)
		return fmt.Sprint(keys[rnd.IntN(len(keys))])
	}
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return rnd.IntN(n)
	}
	groups := func() string {
		list := from.api("GET", "core/groups/?page_size=1000&include_users=false&search=g0", nil, 200)["results"].([]any)
		return list[roll(len(list))].(obj)["pk"].(string)
	}
	// Changes come while the first sync runs and while the network is away.
	for round := range 6 {
		for n := range people / 10 {
			switch roll(8) {
			case 0:
				from.api("DELETE", "core/users/"+pick()+"/", nil, 204)
			case 1:
				from.makePerson(fmt.Sprintf("p9%d%04d", round, n), team)
			case 2:
				from.api("PATCH", "core/users/"+pick()+"/", obj{"is_active": roll(2) == 0}, 200)
			case 3:
				from.api("POST", "core/groups/"+groups()+"/add_user/", obj{"pk": from.number(`SELECT ` + pick())}, 204)
			case 4:
				from.api("POST", "core/groups/"+groups()+"/remove_user/", obj{"pk": from.number(`SELECT ` + pick())}, 204)
			case 5:
				from.api("POST", "core/groups/"+team+"/"+[]string{"add_user", "remove_user"}[roll(2)]+"/", obj{"pk": from.number(`SELECT ` + pick())}, 204)
			default:
				from.api("PATCH", "core/users/"+pick()+"/", obj{"name": fmt.Sprintf("Person %d", roll(1_000_000)), "email": fmt.Sprintf("p%d@office.lan", roll(1_000_000))}, 200)
			}
		}
		net.off(round%2 == 0)
		if round == 3 {
			from.stop()
			w := &lockedWriter{}
			opt := testOptions(from.data, true, w)
			opt.Config.Outgoing = "127.0.0.1"
			again := serveWith(t, opt, w, impatient)
			from, o.h = again, again
		}
	}
	net.off(false)
	for range 40 { // a write that the other house refused, or failed at, is tried again by the next sync
		o.settleIn(30 * time.Minute)
		if from.number(`SELECT count(*) FROM scim_out WHERE (state = 'failed' OR due IS NOT NULL) AND name <> 'authentik Admins'`) == 0 {
			break
		}
		from.api("POST", o.at("retry/"), obj{}, 204)
	}
	// Every house has a group of this name, and a source takes over none.
	if bad := from.api("GET", o.at("entries/?state=failed"), nil, 200)["results"].([]any); len(bad) != 1 || bad[0].(obj)["name"] != "authentik Admins" {
		t.Errorf("failed: %v", bad)
	}
	mu.Lock()
	t.Logf("seed %d: %d people, %d cuts", seed, people, cuts)
	if cuts == 0 {
		t.Error("nothing was cut")
	}
	mu.Unlock()
	same := func(what, here, there string) {
		t.Helper()
		a, b := from.texts(t, here), to.texts(t, there)
		if !slices.Equal(a, b) {
			t.Errorf("%s: %d here, %d there; only here %v, only there %v", what, len(a), len(b), without(a, b), without(b, a))
		}
	}
	same("people in the filter", `SELECT u.username || '|' || u.name || '|' || u.email || '|' || u.is_active FROM users u JOIN memberships m ON m."user" = u.pk WHERE m."group" = '`+team+`' ORDER BY 1`,
		`SELECT u.username || '|' || u.name || '|' || u.email || '|' || u.is_active FROM users u JOIN scim_users l ON l."user" = u.pk JOIN memberships m ON m."user" = u.pk JOIN usergroups g ON g.pk = m."group" WHERE g.name = 'everybody' ORDER BY 1`)
	// Who left the filter is switched off there; who was deleted here is gone there.
	gone := to.number(`SELECT count(*) FROM scim_users`) - from.number(`SELECT count(*) FROM memberships WHERE "group" = '`+team+`'`)
	if off := from.number(`SELECT count(*) FROM scim_out WHERE kind = 'user' AND state = 'off'`); gone != off {
		t.Errorf("%d are there more than here, %d were switched off", gone, off)
	}
	same("groups", `SELECT name FROM usergroups ORDER BY 1`, `SELECT g.name FROM usergroups g JOIN scim_groups l ON l."group" = g.pk UNION SELECT 'authentik Admins' ORDER BY 1`)
	same("memberships", `SELECT g.name || ' ' || u.username FROM memberships m JOIN users u ON u.pk = m."user" JOIN usergroups g ON g.pk = m."group" JOIN memberships f ON f."user" = u.pk AND f."group" = '`+team+`' WHERE g.name <> 'authentik Admins' ORDER BY 1`,
		`SELECT g.name || ' ' || u.username FROM memberships m JOIN users u ON u.pk = m."user" JOIN usergroups g ON g.pk = m."group" JOIN scim_groups l ON l."group" = g.pk ORDER BY 1`)
}

func (h *house) makePerson(name, group string) {
	h.t.Helper()
	h.api("POST", "core/users/", obj{"username": name, "name": "Person " + name, "email": name + "@office.lan", "groups": []string{group}}, 201)
}

// keys gives the keys of users.
func (h *house) keys(where string) (out []int64) {
	h.t.Helper()
	for _, k := range h.texts(h.t, `SELECT CAST(pk AS TEXT) FROM users WHERE `+where+` ORDER BY pk`) {
		n, _ := strconv.ParseInt(k, 10, 64)
		out = append(out, n)
	}
	return out
}

// texts reads one column.
func (h *house) texts(t testing.TB, query string) (out []string) {
	t.Helper()
	rows, err := h.s.rooms.store.DB().Query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// without gives some of the texts of a list that another does not have.
func without(a, b []string) string {
	var out []string
	for _, s := range a {
		if !slices.Contains(b, s) && len(out) < 10 {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// settleIn is settle with more patience.
func (o *stepper) settleIn(most time.Duration) {
	o.h.t.Helper()
	for end := time.Now().Add(most); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if o.h.number(`SELECT (SELECT count(*) FROM scim_targets WHERE wanted > 0) + (SELECT count(*) FROM scim_out WHERE due <= ?)`, time.Now().UnixMicro()) == 0 && o.h.api("GET", o.at("state/"), nil, 200)["running"] == false {
			return
		}
	}
	o.h.t.Fatal("waited in vain for the sync")
}
