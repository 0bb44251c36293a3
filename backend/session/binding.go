package session

import (
	"context"

	"gatehouse/backend/geo"
	"gatehouse/backend/store"
)

// What of the network or of the place has to stay the same while a session lasts. Each word asks for what the ones before it ask too.
const (
	BindASN     = "bind_asn"
	BindNetwork = "bind_asn_network"
	BindIP      = "bind_asn_network_ip"

	BindContinent = "bind_continent"
	BindCountry   = "bind_continent_country"
	BindCity      = "bind_continent_country_city"
)

// Broken says why a session is not where it was bound to.
type Broken struct {
	Reason       string // network.missing, network.asn, network.asn_network, network.ip, geoip.missing, geoip.continent, geoip.country, geoip.city
	Before, Now  any    // what differs; nil when it is not known
	OldIP, NewIP string
}

// Told gives the members of the logout event, as published.
func (b Broken) Told() map[string]any {
	return map[string]any{
		"logout_reason": "Session binding broken",
		"binding":       map[string]any{"reason": b.Reason, "previous_value": b.Before, "new_value": b.Now},
		"ip":            map[string]any{"previous": b.OldIP, "new": b.NewIP},
	}
}

// Strayed says whether a session is used from elsewhere than it is bound to; nil when it may go on. Only a change of the address is looked
// at. What no database knows counts as elsewhere.
func (r *Room) Strayed(s *Session, ip string) *Broken {
	if s.User == 0 || s.LastIP == ip {
		return nil
	}
	b := &Broken{OldIP: s.LastIP, NewIP: ip}
	if r.network(s.Data.NetworkBinding, b) || r.place(s.Data.GeoIPBinding, b) {
		return b
	}
	return nil
}

// differs notes the first thing that is not as it was.
func (b *Broken) differs(reason string, before, now any) bool {
	if before == now {
		return false
	}
	b.Reason, b.Before, b.Now = reason, before, now
	return true
}

func (r *Room) network(bound string, b *Broken) bool {
	switch bound {
	case BindASN, BindNetwork, BindIP:
	default:
		return false
	}
	before, _ := r.Geo.Network(b.OldIP)
	now, _ := r.Geo.Network(b.NewIP)
	if before == nil || now == nil {
		b.Reason, b.Before, b.Now = "network.missing", number(before), number(now)
		return true
	}
	return b.differs("network.asn", before.ASN, now.ASN) ||
		bound != BindASN && b.differs("network.asn_network", prefix(before), prefix(now)) ||
		bound == BindIP && b.differs("network.ip", b.OldIP, b.NewIP)
}

func number(n *geo.Network) any {
	if n == nil {
		return nil
	}
	return n.ASN
}

func prefix(n *geo.Network) any {
	if n.Network == nil {
		return nil
	}
	return *n.Network
}

func (r *Room) place(bound string, b *Broken) bool {
	switch bound {
	case BindContinent, BindCountry, BindCity:
	default:
		return false
	}
	before, now := r.Geo.Place(b.OldIP), r.Geo.Place(b.NewIP)
	if before == nil || now == nil {
		b.Reason, b.Before, b.Now = "geoip.missing", continent(before), continent(now)
		return true
	}
	return b.differs("geoip.continent", before.Continent, now.Continent) ||
		bound != BindContinent && b.differs("geoip.country", before.Country, now.Country) ||
		bound == BindCity && b.differs("geoip.city", before.City, now.City)
}

func continent(p *geo.Place) any {
	if p == nil {
		return nil
	}
	return p.Continent
}

// Break ends a session that strayed, and tells of it once however many requests find it. The actor of ctx is who the session was.
func (r *Room) Break(ctx context.Context, s *Session, b Broken) error {
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		tx.Touched(table, s.UUID)
		tx.Touched(Plans, s.UUID)
		res, err := tx.Exec(`DELETE FROM sessions WHERE uuid = ?`, s.UUID)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); n == 0 || err != nil || r.Told == nil {
			return err
		}
		return r.Told(tx, b)
	})
}
