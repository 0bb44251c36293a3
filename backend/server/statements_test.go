package server

import (
	"fmt"
	"strings"
	"testing"
)

// mostStatements bounds what a list page asks the database, however many rows it has.
const mostStatements = 4

// TestStatementsOfLists: every list of the API takes a bounded number of statements, and as many for ten rows as for one (the release had
// one query a row for years).
func TestStatementsOfLists(t *testing.T) {
	t.Parallel()
	h, callers := openPermissionHouse(t)
	db := h.s.rooms.store.DB()
	bearer := callers[superuserAsks]
	ask := func(path string) (int, answer) {
		t.Helper()
		before := db.Reads()
		a := h.as(bearer, "GET", path, "")
		return int(db.Reads() - before), a
	}
	defer h.s.rooms.notify.Hold()() // it reads events in the background
	defer h.s.rooms.scimOut.Hold()()
	defer h.s.rooms.oauth.Hold()()
	ask("root/config/")
	caller, _ := ask("root/config/") // what it takes to know who asks
	if caller < 1 || caller > 2 {
		t.Fatalf("%d statements for the caller", caller)
	}
	for path, make := range h.bodies { // more rows than one of each kind
		if lifeless[path] != "" || strings.HasPrefix(path, "policies/bindings") || strings.HasPrefix(path, "flows/bindings") || strings.HasPrefix(path, "sources/scim_") {
			continue
		}
		for i := range 3 {
			h.api("POST", path, make(fmt.Sprintf("row%d", i)), 201)
		}
	}
	lists := 0
	for key, op := range readContract(t).ops {
		method, path, _ := strings.Cut(key, " /")
		if method != "GET" || strings.Contains(path, "{") || !strings.HasPrefix(op.status["200"], "Paginated") {
			continue
		}
		query := h.asks[op.id].query
		if query != "" {
			query = "&" + query
		}
		lists++
		ask(path + "?page_size=1" + query) // what is remembered of the configuration is read
		one, a := ask(path + "?page_size=1" + query)
		if a.status != 200 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
			continue
		}
		ask(path + "?page_size=100" + query)
		many, b := ask(path + "?page_size=100" + query)
		// What was remembered is not good after a change of the configuration.
		h.api("PATCH", "stages/dummy/"+h.targets["stages/dummy/"].pk+"/", obj{"throw_error": false}, 200)
		ask("root/config/")
		cold, _ := ask(path + "?page_size=100" + query)
		rows := len(b.json(t)["results"].([]any))
		// Lists of what policies let somebody use read the policies of each row once after a change, and remember them.
		if path == "core/applications/" || path == "rac/endpoints/" {
			cold = caller
		}
		if path == "policies/bindings/" || path == "events/notifications/" { // one row may be about a user, or of an event, and another not
			one = max(one, many)
		}
		if one-caller > mostStatements || many-caller > mostStatements || many > one && rows > 1 || cold-caller > 2*mostStatements {
			t.Errorf("%s: %d statements for one row, %d for %d rows, %d after a change of the configuration", path, one-caller, many-caller, rows, cold-caller)
		}
	}
	if lists < 90 {
		t.Errorf("only %d lists", lists)
	}
}
