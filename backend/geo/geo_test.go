package geo

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"gatehouse/backend/geo/geotest"
)

func write(t *testing.T, path, kind, network string, row mmdbtype.Map) {
	t.Helper()
	geotest.Write(t, path, kind, map[string]mmdbtype.Map{network: row})
}

func city(name string) mmdbtype.Map { return geotest.City(name, "DE", "EU") }

func TestRoom(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	r := &Room{Cities: filepath.Join(dir, "city.mmdb"), Networks: filepath.Join(dir, "asn.mmdb"), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }}
	defer r.Close()
	if _, known := r.Record("203.0.113.9"); known || r.Place("203.0.113.9") != nil {
		t.Error("something is known without a database")
	}
	write(t, r.Cities, "GeoLite2-City", "203.0.113.0/24", city("Bonn"))
	write(t, r.Networks, "GeoLite2-ASN", "203.0.113.0/25", geotest.ASN(64496, "Sample Net"))
	if _, known := r.Record("203.0.113.9"); known {
		t.Error("a file counts before it was looked for again")
	}
	now = now.Add(look)
	if got, want := r.Place("203.0.113.9"), (&Place{"EU", "DE", 50.5, 7.25, "Bonn"}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	for _, a := range []string{"203.0.113.9", "::ffff:203.0.113.9"} {
		n, known := r.Network(a)
		if !known || n == nil || n.ASN != 64496 || *n.Org != "Sample Net" || *n.Network != "203.0.113.0/25" {
			t.Errorf("%s: %+v", a, n)
		}
	}
	for _, a := range []string{"192.0.2.1", "2001:db8::1", "", "no address"} {
		if n, known := r.Network(a); !known || n != nil || r.Place(a) != nil {
			t.Errorf("%q: %v", a, n)
		}
	}
	// A newer file counts, and one that is none counts as none.
	write(t, r.Cities, "GeoLite2-City", "203.0.113.0/24", city("Königswinter"))
	now = now.Add(look)
	if p := r.Place("203.0.113.9"); p == nil || p.City != "Königswinter" {
		t.Errorf("%+v", p)
	}
	if err := os.WriteFile(r.Cities, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(look)
	if _, known := r.Record("203.0.113.9"); known {
		t.Error("a broken file counts")
	}
}
