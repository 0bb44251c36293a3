package server

import (
	"fmt"
	"net/url"
	"testing"
)

// TestSearchWithManyHits holds the pages of a search that finds more than a page is walked through for, against what is in the house.
func TestSearchWithManyHits(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	const people = 1300
	h.write(`WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
		INSERT INTO users (username, name, is_active, email, attributes, path, type, uuid, password, date_joined)
		SELECT printf('person%05d', i), CASE WHEN i % 2 THEN 'Grace Hopper' ELSE 'Hopper, Ada' END, i % 10 > 0, printf('p%05d@office.lan', i), '{}', 'users', 'internal', printf('00000000-0000-4000-8000-%012x', i), '!', 1 FROM n`, people-1)
	h.write(`INSERT INTO users (username, name, is_active, email, attributes, path, type, uuid, password, date_joined) VALUES ('AnonymousUser', 'Hopper', 1, '', '{}', 'users', 'internal', '00000000-0000-4000-8000-ffffffffffff', '!', 1)`)
	ask := func(query string) (count int, names []string) {
		t.Helper()
		got := h.api("GET", "core/users/?"+query, nil, 200)
		for _, row := range got["results"].([]any) {
			names = append(names, row.(map[string]any)["username"].(string))
		}
		return int(got["pagination"].(map[string]any)["count"].(float64)), names
	}
	all := func(search, more string, want int) {
		t.Helper()
		seen, last := 0, ""
		for page := 1; seen < want; page++ {
			count, names := ask(fmt.Sprintf("page_size=100&page=%d&search=%s%s", page, url.QueryEscape(search), more))
			if count != want || len(names) == 0 {
				t.Fatalf("%s, page %d: %d of %d, %d here", search, page, count, want, len(names))
			}
			for _, n := range names {
				if n <= last || n == "AnonymousUser" {
					t.Fatalf("%s: %s after %s", search, n, last)
				}
				last = n
			}
			seen += len(names)
		}
		if got := h.as(bootToken, "GET", fmt.Sprintf("core/users/?page_size=100&page=%d&search=%s%s", want/100+2, url.QueryEscape(search), more), ""); got.status != 404 {
			t.Errorf("%s, past the end: %d", search, got.status)
		}
	}
	all("hopper", "", people)
	all("HOPPER grace", "", people/2)
	all("hopper", "&is_active=false", people/10)
	all("p00", "", 1000)
	if count, names := ask("page_size=2&search=hopper&ordering=-username"); count != people || names[0] != "person01299" {
		t.Errorf("%d %v", count, names)
	}
	if count, names := ask("search=no-such-thing"); count != 0 || len(names) != 0 {
		t.Errorf("%d %v", count, names)
	}
}
