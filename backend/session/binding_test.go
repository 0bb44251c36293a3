package session

import (
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gatehouse/backend/geo"
	"gatehouse/backend/geo/geotest"
)

// TestStrayed holds each step of both bindings to the first thing that differs.
func TestStrayed(t *testing.T) {
	dir := t.TempDir()
	g := &geo.Room{Cities: filepath.Join(dir, "city.mmdb"), Networks: filepath.Join(dir, "asn.mmdb"), Log: slog.New(slog.DiscardHandler)}
	geotest.Write(t, g.Cities, "GeoLite2-City", map[string]mmdbtype.Map{
		"192.0.2.0/26": geotest.City("Bonn", "DE", "EU"), "192.0.2.64/26": geotest.City("Ulm", "DE", "EU"),
		"192.0.2.128/26": geotest.City("Paris", "FR", "EU"), "198.51.100.0/24": geotest.City("Boston", "US", "NA"),
	})
	geotest.Write(t, g.Networks, "GeoLite2-ASN", map[string]mmdbtype.Map{
		"192.0.2.0/26": geotest.ASN(64496, "One"), "192.0.2.128/26": geotest.ASN(64496, "One"), "198.51.100.0/24": geotest.ASN(64497, "Two"),
	})
	t.Cleanup(g.Close)
	const (
		home     = "192.0.2.7"   // Bonn, AS 64496, 192.0.2.0/26
		next     = "192.0.2.8"   // the same
		ulm      = "192.0.2.70"  // no network known
		paris    = "192.0.2.130" // AS 64496, another network
		boston   = "198.51.100.1"
		nowhere  = "10.0.0.1"
		nowhere2 = "10.0.0.2"
	)
	for _, tt := range []struct {
		net, geo, from, to string
		reason             string
		before, now        any
	}{
		{"", "", home, boston, "", nil, nil},
		{"no_binding", "no_binding", home, nowhere, "", nil, nil},
		{"bind_something", "bind_something", home, nowhere, "", nil, nil}, // a word that no version knows binds nothing
		{BindASN, "", home, home, "", nil, nil},
		{BindASN, "", home, paris, "", nil, nil},
		{BindASN, "", home, boston, "network.asn", int64(64496), int64(64497)},
		{BindASN, "", home, ulm, "network.missing", int64(64496), nil},
		{BindASN, "", nowhere, home, "network.missing", nil, int64(64496)},
		{BindNetwork, "", home, next, "", nil, nil},
		{BindNetwork, "", home, boston, "network.asn", int64(64496), int64(64497)},
		{BindNetwork, "", home, paris, "network.asn_network", "192.0.2.0/26", "192.0.2.128/26"},
		{BindIP, "", home, home, "", nil, nil},
		{BindIP, "", home, next, "network.ip", home, next},
		{BindIP, "", home, paris, "network.asn_network", "192.0.2.0/26", "192.0.2.128/26"},
		{"", BindContinent, home, paris, "", nil, nil},
		{"", BindContinent, home, boston, "geoip.continent", "EU", "NA"},
		{"", BindContinent, home, nowhere, "geoip.missing", "EU", nil},
		{"", BindContinent, nowhere, nowhere2, "geoip.missing", nil, nil},
		{"", BindCountry, home, ulm, "", nil, nil},
		{"", BindCountry, home, paris, "geoip.country", "DE", "FR"},
		{"", BindCity, home, next, "", nil, nil},
		{"", BindCity, home, ulm, "geoip.city", "Bonn", "Ulm"},
		{"", BindCity, home, boston, "geoip.continent", "EU", "NA"},
		{BindASN, BindContinent, home, boston, "network.asn", int64(64496), int64(64497)}, // the network is asked first
		{BindASN, BindCountry, home, paris, "geoip.country", "DE", "FR"},
	} {
		r := &Room{Geo: g}
		s := &Session{User: 7, LastIP: tt.from, Data: Data{NetworkBinding: tt.net, GeoIPBinding: tt.geo}}
		got := r.Strayed(s, tt.to)
		switch {
		case tt.reason == "":
			if got != nil {
				t.Errorf("%+v: %+v", tt, got)
			}
		case got == nil || *got != Broken{tt.reason, tt.before, tt.now, tt.from, tt.to}:
			t.Errorf("%+v: %+v", tt, got)
		}
		s.User = 0
		if r.Strayed(s, tt.to) != nil {
			t.Errorf("%+v: nobody is signed in", tt)
		}
	}
	// Without any database whatever is bound ends with the first change of the address.
	for _, none := range []*geo.Room{nil, {Cities: filepath.Join(dir, "none.mmdb"), Log: slog.New(slog.DiscardHandler)}} {
		r := &Room{Geo: none}
		for reason, d := range map[string]Data{"network.missing": {NetworkBinding: BindASN}, "geoip.missing": {GeoIPBinding: BindCity}} {
			s := &Session{User: 7, LastIP: home, Data: d}
			if b := r.Strayed(s, next); b == nil || b.Reason != reason || b.Before != nil || b.Now != nil {
				t.Errorf("%s: %+v", reason, b)
			}
			if b := r.Strayed(s, home); b != nil {
				t.Errorf("the same address: %+v", b)
			}
		}
	}
}
