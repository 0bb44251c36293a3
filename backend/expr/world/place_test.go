package world_test

import (
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gatehouse/backend/geo"
	"gatehouse/backend/geo/geotest"
)

// TestPlaces holds what a policy knows of where an address is (flows.md 3.2): nothing without databases, None for an address that is in none.
func TestPlaces(t *testing.T) {
	h := open(t)
	dir := t.TempDir()
	r := &geo.Room{Cities: filepath.Join(dir, "city.mmdb"), Networks: filepath.Join(dir, "asn.mmdb"), Log: slog.New(slog.DiscardHandler)}
	defer r.Close()
	ask := func(ip, text, want string) {
		t.Helper()
		q := h.request(h.mona)
		q.HTTP.ClientIP = ip
		before := slices.Sorted(maps.Keys(q.Context))
		res, err := h.ask(t, q, text)
		if err != nil || asJSON(t, res.Value) != want {
			t.Errorf("%s %s: %v %v, want %s", ip, text, asJSON(t, res.Value), err, want)
		}
		if after := slices.Sorted(maps.Keys(q.Context)); !slices.Equal(before, after) {
			t.Errorf("the run leaves %v in the context", after)
		}
	}
	ask("203.0.113.9", "return ['geoip' in context, 'asn' in request.context]", "[false,false]")
	geotest.Write(t, r.Cities, "GeoLite2-City", map[string]mmdbtype.Map{"203.0.113.0/24": geotest.City("Bonn", "DE", "EU")})
	geotest.Write(t, r.Networks, "GeoLite2-ASN", map[string]mmdbtype.Map{"203.0.113.0/24": geotest.ASN(64496, "Sample Net")})
	h.w.Geo = r
	ask("203.0.113.9", "g = context['geoip']\nreturn [g.country.iso_code, g.continent.code, g.city.name, g.location.latitude, g.country.names['en'], g.subdivisions[0].iso_code, g.postal.code, g.traits.name]",
		`["DE","EU","Bonn",50.5,"Germany","NW",null,null]`)
	ask("203.0.113.9", "return request.context['asn']", `{"as_org":"Sample Net","asn":64496,"network":"203.0.113.0/24"}`)
	ask("203.0.113.9", "return context['geoip'].country.iso_code in ['DE', 'FR'] and request.context['geoip'] is context['geoip']", "true")
	ask("192.0.2.1", "return [context['geoip'], context['asn']]", "[null,null]")
}
