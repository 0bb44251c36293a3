package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gatehouse/backend/geo/geotest"
)

// TestSessionBindings signs in at a place, and asks from there and from elsewhere.
func TestSessionBindings(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	geotest.Write(t, filepath.Join(data, "geoip", "GeoLite2-City.mmdb"), "GeoLite2-City", map[string]mmdbtype.Map{
		"127.0.0.0/8": geotest.City("Bonn", "DE", "EU"), "192.0.2.0/24": geotest.City("Ulm", "DE", "EU"), "198.51.100.0/24": geotest.City("Boston", "US", "NA"),
	})
	geotest.Write(t, filepath.Join(data, "geoip", "GeoLite2-ASN.mmdb"), "GeoLite2-ASN", map[string]mmdbtype.Map{
		"127.0.0.0/8": geotest.ASN(64496, "Sample Net"), "192.0.2.0/24": geotest.ASN(64496, "Sample Net"), "198.51.100.0/24": geotest.ASN(64497, "Other Net"),
	})
	h := openAt(t, data, true)
	pk := h.addUser("ada", "lovelace-1815")
	stage := h.api("GET", "stages/user_login/?name=default-authentication-login", nil, 200)["results"].([]any)[0].(map[string]any)["pk"].(string)
	bind := func(net, geo string) {
		h.api("PATCH", "stages/user_login/"+stage+"/", map[string]any{"network_binding": net, "geoip_binding": geo}, 200)
	}
	const me, elsewhere = "/api/v3/core/users/me/", "X-Forwarded-For"
	sessions := func() int {
		return len(h.api("GET", "core/authenticated_sessions/?user__username=ada", nil, 200)["results"].([]any))
	}

	t.Run("nothing bound", func(t *testing.T) {
		b := h.signedIn("ada", "lovelace-1815")
		if a := b.get(me, elsewhere, "198.51.100.9"); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		s := h.api("GET", "core/authenticated_sessions/?user__username=ada", nil, 200)["results"].([]any)[0].(map[string]any)
		if s["last_ip"] != "198.51.100.9" || s["geo_ip"].(map[string]any)["city"] != "Boston" || s["asn"].(map[string]any)["as_org"] != "Other Net" {
			t.Errorf("%v", s)
		}
	})

	for _, tt := range []struct {
		name, net, geo string
		stays          string // an address that is near enough; "" for none
		from           string
		reason         string
		before, now    any
	}{
		{"network", "bind_asn", "no_binding", "192.0.2.1", "198.51.100.9", "network.asn", 64496.0, 64497.0},
		{"its prefix", "bind_asn_network", "no_binding", "127.0.0.9", "192.0.2.1", "network.asn_network", "127.0.0.0/8", "192.0.2.0/24"},
		{"the address", "bind_asn_network_ip", "no_binding", "", "127.0.0.9", "network.ip", "127.0.0.1", "127.0.0.9"},
		{"continent", "no_binding", "bind_continent", "192.0.2.1", "198.51.100.9", "geoip.continent", "EU", "NA"},
		{"city", "no_binding", "bind_continent_country_city", "127.0.0.9", "192.0.2.1", "geoip.city", "Bonn", "Ulm"},
		{"not in the databases", "no_binding", "bind_continent", "192.0.2.1", "10.9.9.9", "geoip.missing", "EU", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bind(tt.net, tt.geo)
			b := h.signedIn("ada", "lovelace-1815")
			if a := b.get(me); a.status != 200 {
				t.Fatalf("from the same address: %d", a.status)
			}
			last := "127.0.0.1"
			if tt.stays != "" {
				if a := b.get(me, elsewhere, tt.stays); a.status != 200 {
					t.Fatalf("from near enough: %d %s", a.status, a.body)
				}
				last = tt.stays
			}
			before := tt.before
			if tt.reason == "network.ip" {
				before = last
			}
			if tt.before == "Bonn" {
				last = "127.0.0.9"
			}
			had, out := sessions(), h.events("logout")
			if a := b.get(me, elsewhere, tt.from); a.status != 403 || !strings.Contains(strings.Join(a.header.Values("Set-Cookie"), " "), "authentik_session=;") {
				t.Fatalf("%d %s %v", a.status, a.body, a.header)
			}
			if sessions() != had-1 || h.events("logout") != out+1 {
				t.Errorf("%d sessions of %d, %d logouts more", sessions(), had, h.events("logout")-out)
			}
			e := h.lastEvent("logout")
			c := e["context"].(map[string]any)
			want := map[string]any{
				"logout_reason": "Session binding broken", "binding": map[string]any{"reason": tt.reason, "previous_value": before, "new_value": tt.now},
				"ip": map[string]any{"previous": last, "new": tt.from},
			}
			for k, v := range want {
				if fmt.Sprint(c[k]) != fmt.Sprint(v) {
					t.Errorf("%s: %v, want %v", k, c[k], v)
				}
			}
			if u := e["user"].(map[string]any); u["username"] != "ada" || int(u["pk"].(float64)) != pk || e["client_ip"] != tt.from {
				t.Errorf("%v", e)
			}
			// Back home the old cookie opens nothing.
			if a := b.get(me); a.status != 403 {
				t.Errorf("back home: %d", a.status)
			}
		})
	}

	// A person is led to the sign-in, and from there back.
	t.Run("pages", func(t *testing.T) {
		bind("bind_asn", "no_binding")
		for path, want := range map[string]string{
			"/if/user/?a=b": "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F%3Fa%3Db",
			"/if/flow/default-user-settings-flow/?next=%2Fif%2Fuser%2F": "/flows/-/default/authentication/?next=%2Fif%2Fuser%2F",
			"/flows/-/default/authentication/":                          "/flows/-/default/authentication/",
		} {
			b := h.signedIn("ada", "lovelace-1815")
			a := b.get(path, elsewhere, "198.51.100.9")
			if a.status != 303 || a.header.Get("Location") != want {
				t.Errorf("%s: %d %s", path, a.status, a.header.Get("Location"))
			}
			if a := b.get(me, elsewhere, "198.51.100.9"); a.status != 403 {
				t.Errorf("%s: still signed in: %d", path, a.status)
			}
		}
	})

	// Many requests at once find it; one tells of it, and none gets in.
	t.Run("a race", func(t *testing.T) {
		b := h.signedIn("ada", "lovelace-1815")
		out := h.events("logout")
		answers := make(chan int, 8)
		for range cap(answers) {
			go func() { answers <- b.get(me, elsewhere, "198.51.100.9").status }()
		}
		for range cap(answers) {
			if code := <-answers; code != 403 {
				t.Errorf("%d", code)
			}
		}
		if n := h.events("logout") - out; n != 1 {
			t.Errorf("%d logouts", n)
		}
	})

	// A token is bound to nothing.
	t.Run("a token", func(t *testing.T) {
		if a := h.browser().get(me, "Authorization", "Bearer "+bootToken, elsewhere, "198.51.100.9"); a.status != 200 {
			t.Errorf("%d", a.status)
		}
	})

	// Knowing who asks takes no more statements, bound or not.
	t.Run("statements", func(t *testing.T) {
		db := h.s.rooms.store.DB()
		defer h.s.rooms.notify.Hold()() // it reads events in the background
		defer h.s.rooms.scimOut.Hold()()
		defer h.s.rooms.oauth.Hold()()
		cost := func(b *browser, from ...string) int64 {
			b.get(me, from...)
			least := int64(1 << 30) // what the house reads by itself meanwhile counts too, but not each time
			for range 8 {
				before := db.Reads()
				b.get(me, from...)
				least = min(least, int64(db.Reads()-before))
			}
			return least
		}
		bound := h.signedIn("ada", "lovelace-1815")
		bind("no_binding", "no_binding")
		free := h.signedIn("ada", "lovelace-1815")
		if a, b := cost(free), cost(bound); a != b {
			t.Errorf("%d statements, %d when it is bound", a, b)
		}
	})
}
