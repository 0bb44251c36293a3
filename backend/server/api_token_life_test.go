package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// How long an app password may last is said by the merged attributes of brand, groups and person.
func TestTokenLife(t *testing.T) {
	t.Parallel()
	const attribute = "goauthentik.io/user/token-maximum-lifetime"
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	key := h.tokenOf(ada, "of-ada", "api")
	above := h.api("POST", "core/groups/", object{"name": "a house"}, 201)["pk"].(string)
	staff := h.api("POST", "core/groups/", object{"name": "b staff", "parent": above, "users": []int{ada}}, 201)["pk"].(string)
	brand := h.rows(t, bootToken, "core/brands/")[0]["brand_uuid"].(string)
	say := func(path string, life any) {
		t.Helper()
		attrs := object{}
		if life != nil {
			attrs[attribute] = life
		}
		h.api("PATCH", path, object{"attributes": attrs}, 200)
	}
	inBrand, inGroup, inAbove, inUser := "core/brands/"+brand+"/", "core/groups/"+staff+"/", "core/groups/"+above+"/", fmt.Sprintf("core/users/%d/", ada)
	const day, usual = 24 * time.Hour, 24 * time.Hour
	count := 0
	add := func(token string, more object) answer {
		t.Helper()
		count++
		in := object{"identifier": fmt.Sprint("app-", count), "intent": "app_password"}
		for k, v := range more {
			in[k] = v
		}
		b, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		return h.as(token, "POST", "core/tokens/", string(b))
	}
	at := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	near := func(what string, got any, d time.Duration) {
		t.Helper()
		s, _ := got.(string)
		if end, err := time.Parse(time.RFC3339, s); err != nil || time.Until(end) > d || time.Until(end) < d-time.Minute {
			t.Errorf("%s: %v, not in %s", what, got, d)
		}
	}
	for _, tt := range []struct {
		name                     string
		brand, above, group, own any
		longest, unsaid          time.Duration
		problem                  string
	}{
		{"nobody says anything", nil, nil, nil, nil, usual, usual, ""},
		{"the brand alone", "days=30", nil, nil, nil, 30 * day, usual, ""},
		{"a group alone", nil, nil, "days=10", nil, 10 * day, usual, ""},
		{"a group above", nil, "days=11", nil, nil, 11 * day, usual, ""},
		{"of two groups the later by name", nil, "days=11", "days=10", nil, 10 * day, usual, ""},
		{"a group over the brand", "days=30", nil, "days=10", nil, 10 * day, usual, ""},
		{"the person over group and brand", "days=30", nil, "days=10", "days=60", 60 * day, usual, ""},
		{"shorter than usual", nil, nil, nil, "hours=2", 2 * time.Hour, 2 * time.Hour, ""},
		{"words", nil, nil, "soon", nil, usual, usual, `The attribute ` + attribute + ` says "soon", which is no length of time such as days=30. It does not count.`},
		{"words of the person over a group's length", nil, nil, "days=10", "soon", usual, usual, `says "soon"`},
		{"a number", "days=30", nil, nil, 30, usual, usual, `says "30"`},
		{"nothing at all", nil, nil, nil, "days=0", usual, usual, `says "days=0"`},
		{"before now", nil, nil, nil, "days=-3", usual, usual, `says "days=-3"`},
	} {
		say(inBrand, tt.brand)
		say(inAbove, tt.above)
		say(inGroup, tt.group)
		say(inUser, tt.own)
		life := h.as(key, "GET", "gatehouse/tokens/life/", "").json(t)
		near(tt.name+", longest", life["longest"], tt.longest)
		near(tt.name+", usual", life["usual"], tt.unsaid)
		near(tt.name+", now", life["now"], 0)
		if p := life["problem"].(string); p != tt.problem && (tt.problem == "" || !strings.Contains(p, tt.problem)) || life["ends"] != true {
			t.Errorf("%s: %v", tt.name, life)
		}
		// An admin who makes one for the person is held to the person's limit, too.
		for who, token := range map[string]string{"the person": key, "an admin": bootToken} {
			fits := add(token, object{"user": ada, "expires": at(tt.longest - time.Minute)})
			if fits.status != 201 {
				t.Errorf("%s, %s: %d %s", tt.name, who, fits.status, fits.body)
			}
			if a := add(token, object{"user": ada, "expires": at(tt.longest + time.Minute)}); a.status != 400 || !strings.HasPrefix(a.body, `{"expires":["Token expires exceeds maximum lifetime (20`) || !strings.Contains(a.body, ` UTC)."]}`) {
				t.Errorf("%s, %s: %d %s", tt.name, who, a.status, a.body)
			}
			near(tt.name+", "+who+", when nobody says", add(token, object{"user": ada}).json(t)["expires"], tt.unsaid)
		}
	}
	t.Run("changed later", func(t *testing.T) {
		say(inUser, "days=60")
		name := add(key, nil).json(t)["identifier"].(string)
		patch := func(body string) answer { return h.as(key, "PATCH", "core/tokens/"+name+"/", body) }
		if a := patch(`{"expires": "` + at(61*day) + `"}`); a.status != 400 || !strings.Contains(a.body, "exceeds maximum lifetime") {
			t.Errorf("%d %s", a.status, a.body)
		}
		end := at(50 * day)
		if a := patch(`{"expires": "` + end + `"}`); a.status != 200 {
			t.Errorf("%d %s", a.status, a.body)
		}
		// A shorter limit counts for what is chosen from then on.
		say(inUser, "days=2")
		if a := patch(`{"description": "kept"}`); a.status != 200 || !strings.Contains(a.body, strings.TrimSuffix(end, "Z")) {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("superusers", func(t *testing.T) {
		say(inBrand, "days=30")
		near("longest", h.api("GET", "gatehouse/tokens/life/", nil, 200)["longest"], 30*day)
		if a := add(bootToken, object{"expires": at(31 * day)}); a.status != 400 {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := add(bootToken, object{"expiring": false}); a.status != 201 || a.json(t)["expiring"] != false {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("what does not end", func(t *testing.T) {
		h.api("PATCH", inUser, object{"attributes": object{"goauthentik.io/user/token-expires": false}}, 200)
		if life := h.as(key, "GET", "gatehouse/tokens/life/", "").json(t); life["ends"] != false {
			t.Errorf("%v", life)
		}
	})
	t.Run("API tokens", func(t *testing.T) {
		say(inUser, "days=60")
		near("its end", add(key, object{"intent": "api", "expires": at(50 * day)}).json(t)["expires"], usual)
	})
	if a := h.as("", "GET", "gatehouse/tokens/life/", ""); a.status != 403 {
		t.Errorf("nobody: %d", a.status)
	}
}
