// Package geo tells where an address is and who runs its network, from databases in MaxMind's format that the office brings. Without them
// nothing is known.
//
//	address ─▶ City database ─▶ record, Place
//	        ─▶ ASN database  ─▶ Network
package geo

import (
	"log/slog"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Place is where an address is used.
type Place struct {
	Continent string  `json:"continent" is:"required"`
	Country   string  `json:"country" is:"required"`
	Lat       float64 `json:"lat" is:"required"`
	Long      float64 `json:"long" is:"required"`
	City      string  `json:"city" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Place) SchemaName() string { return "SessionGeoIP" }

// Network is who runs the network of an address.
type Network struct {
	ASN     int64   `json:"asn" is:"required"`
	Org     *string `json:"as_org" is:"required"`
	Network *string `json:"network" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Network) SchemaName() string { return "SessionASN" }

// look is how often a file is looked at for a newer one in its place.
const look = time.Minute

// Room reads the databases. A file that is replaced counts a minute later; one that can't be read is told of in the log and counts as none.
type Room struct {
	Cities, Networks string // paths of the files; a file that is not there is no error
	Log              *slog.Logger
	Now              func() time.Time // nil = time.Now

	city, asn file
}

// file is one database, opened when it is first needed.
type file struct {
	mu     sync.Mutex
	db     *maxminddb.Reader
	seen   time.Time // when it was looked at
	of     time.Time // its time
	size   int64
	failed bool
}

// use gives the open database to fn; ok is false without one.
func (f *file) use(r *Room, path string, fn func(db *maxminddb.Reader)) (ok bool) {
	if path == "" {
		return false
	}
	now := time.Now
	if r.Now != nil {
		now = r.Now
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen.IsZero() || now().Sub(f.seen) >= look {
		f.seen = now()
		f.renew(r, path)
	}
	if f.db == nil {
		return false
	}
	fn(f.db)
	return true
}

func (f *file) renew(r *Room, path string) {
	st, err := os.Stat(path)
	if err != nil {
		f.close()
		return
	}
	if (f.db != nil || f.failed) && st.ModTime().Equal(f.of) && st.Size() == f.size {
		return
	}
	f.close()
	f.of, f.size = st.ModTime(), st.Size()
	if f.db, err = maxminddb.Open(path); err != nil {
		f.db, f.failed = nil, true
		r.Log.Error("a database of places can't be read", "file", path, "error", err, "logger", "gatehouse.geo")
	}
}

func (f *file) close() {
	if f.db != nil {
		_ = f.db.Close() // it was only read
	}
	f.db, f.failed = nil, false
}

// Close lets go of the files.
func (r *Room) Close() {
	for _, f := range []*file{&r.city, &r.asn} {
		f.mu.Lock()
		f.close()
		f.mu.Unlock()
	}
}

// Record gives the whole record of an address, as the City database has it; nil when there is none. known is false without a database.
func (r *Room) Record(address string) (record map[string]any, known bool) {
	if r == nil {
		return nil, false
	}
	known = r.city.use(r, r.Cities, func(db *maxminddb.Reader) {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return
		}
		found := db.Lookup(a.Unmap().WithZone(""))
		if !found.Found() {
			return
		}
		if err := found.Decode(&record); err != nil {
			record = nil
		}
	})
	return record, known
}

// Place gives where an address is, nil when that is not known.
func (r *Room) Place(address string) *Place {
	record, _ := r.Record(address)
	if record == nil {
		return nil
	}
	text := func(v any) string { s, _ := v.(string); return s }
	at := func(m any, name string) any { x, _ := m.(map[string]any); return x[name] }
	p := &Place{Continent: text(at(record["continent"], "code")), Country: text(at(record["country"], "iso_code")), City: text(at(at(record["city"], "names"), "en"))}
	p.Lat, _ = at(record["location"], "latitude").(float64)
	p.Long, _ = at(record["location"], "longitude").(float64)
	return p
}

// Network gives who runs the network of an address, nil when that is not known. known is false without a database.
func (r *Room) Network(address string) (n *Network, known bool) {
	if r == nil {
		return nil, false
	}
	known = r.asn.use(r, r.Networks, func(db *maxminddb.Reader) {
		a, err := netip.ParseAddr(address)
		if err != nil {
			return
		}
		found := db.Lookup(a.Unmap().WithZone(""))
		var row struct {
			Number int64  `maxminddb:"autonomous_system_number"`
			Org    string `maxminddb:"autonomous_system_organization"`
		}
		if !found.Found() || found.Decode(&row) != nil {
			return
		}
		n = &Network{ASN: row.Number}
		if row.Org != "" {
			n.Org = &row.Org
		}
		if p := found.Prefix(); p.IsValid() {
			s := p.String()
			n.Network = &s
		}
	})
	return n, known
}
