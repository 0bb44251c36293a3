package server

import (
	"fmt"
	"net/url"
	"slices"
	"testing"
)

func TestSearchOfPeople(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for _, u := range [][3]string{
		{"ada", "Ada Lovelace", "ada@office.lan"}, {"grace", "Grace \"Amazing\" Hopper", "grace@navy.mil"}, {"zoe", "Zoë Ångström", "zoe_100%@office.lan"},
	} {
		h.api("POST", "core/users/", map[string]any{"username": u[0], "name": u[1], "email": u[2]}, 201)
	}
	find := func(text string) []string {
		t.Helper()
		var out []string
		for _, r := range h.api("GET", "core/users/?type=internal&search="+url.QueryEscape(text), nil, 200)["results"].([]any) {
			if n := r.(map[string]any)["username"].(string); n != "akadmin" {
				out = append(out, n)
			}
		}
		return out
	}
	for _, c := range []struct {
		text string
		want []string
	}{
		{"lovel", []string{"ada"}}, {"LOVEL", []string{"ada"}}, {"@office", []string{"ada", "zoe"}}, {"ada lo", []string{"ada"}}, {"lovelace ADA", []string{"ada"}}, {"office,  ångs", []string{"zoe"}}, {"ada navy", nil}, {"ac", []string{"ada", "grace"}}, {"e", []string{"ada", "grace", "zoe"}},
		{"ångs", []string{"zoe"}}, {"ÅNGS", []string{"zoe"}}, {`"amazing"`, []string{"grace"}}, {"_100%", []string{"zoe"}}, {"o_f", nil}, {"%", []string{"zoe"}}, {"nobody", nil},
		{`" OR username:ada OR "`, nil}, {"ada*", nil}, {"NEAR(ada)", nil},
	} {
		if got := find(c.text); !slices.Equal(got, c.want) {
			t.Errorf("%q finds %v, want %v", c.text, got, c.want)
		}
	}
	// What is found follows what is stored.
	ada := h.api("GET", "core/users/?username=ada", nil, 200)["results"].([]any)[0].(map[string]any)
	path := fmt.Sprintf("core/users/%d/", int(ada["pk"].(float64)))
	h.api("PATCH", path, map[string]any{"name": "Countess of King"}, 200)
	if got := find("lovel"); got != nil {
		t.Errorf("the old name finds %v", got)
	}
	if got := find("countess"); !slices.Equal(got, []string{"ada"}) {
		t.Errorf("the new name finds %v", got)
	}
	h.api("DELETE", path, nil, 204)
	if got := find("countess"); got != nil {
		t.Errorf("after the deletion: %v", got)
	}
}
