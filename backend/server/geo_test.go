package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gatehouse/backend/geo/geotest"
)

// TestPlaces holds that events, sessions and scores tell where an address is when the office brought the databases.
func TestPlaces(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	furnished(t, data)
	geotest.Write(t, filepath.Join(data, "geoip", "GeoLite2-City.mmdb"), "GeoLite2-City", map[string]mmdbtype.Map{"127.0.0.0/8": geotest.City("Bonn", "DE", "EU")})
	geotest.Write(t, filepath.Join(data, "geoip", "GeoLite2-ASN.mmdb"), "GeoLite2-ASN", map[string]mmdbtype.Map{"127.0.0.0/8": geotest.ASN(64496, "Sample Net")})
	h := openAt(t, data, true)
	h.addUser("ada", "lovelace-1815")
	h.browser().signIn("", "ada", "lovelace-1815")
	const where = "map[city:Bonn continent:EU country:DE lat:50.5 long:7.25]"
	const network = "map[as_org:Sample Net asn:64496 network:127.0.0.0/8]"
	c := h.lastEvent("login")["context"].(map[string]any)
	if fmt.Sprint(c["geo"]) != where || fmt.Sprint(c["asn"]) != network {
		t.Errorf("%v", c)
	}
	s := h.api("GET", "core/authenticated_sessions/?user__username=ada", nil, 200)["results"].([]any)[0].(map[string]any)
	if fmt.Sprint(s["geo_ip"]) != where || fmt.Sprint(s["asn"]) != network {
		t.Errorf("%v", s)
	}
	score := h.api("GET", "policies/reputation/scores/?identifier=ada", nil, 200)["results"].([]any)[0].(map[string]any)
	if fmt.Sprint(score["ip_geo_data"]) != where || fmt.Sprint(score["ip_asn_data"]) != network {
		t.Errorf("%v", score)
	}
	got := h.api("POST", "gatehouse/expressions/run/", map[string]any{"model": "authentik_policies_expression.expressionpolicy", "expression": "return context['geoip'].city.name"}, 200)
	if !strings.Contains(fmt.Sprint(got["result"]), "Bonn") {
		t.Errorf("%v", got)
	}
}
