package world

import "gatehouse/backend/expr/py"

// place is a record of the City database, read by attributes: geoip.country.iso_code, geoip.city.name, geoip.location.latitude.
type place struct{ m map[string]any }

var placeType = py.NewType("City", "geoip2.models", nil)

// Type implements py.Object.
func (*place) Type() *py.Type { return placeType }

// Attr implements py.Attrer. What a record does not have is None, as in the models of geoip2; name is that in English.
func (p *place) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	v, ok := p.m[name]
	switch x := v.(type) {
	case map[string]any:
		if name == "names" {
			d, err := hostOf(t).copyOf(x)
			return d, true, err
		}
		return &place{x}, true, nil
	case []any:
		l := &py.List{}
		for _, e := range x {
			if m, ok := e.(map[string]any); ok {
				l.V = append(l.V, &place{m})
			}
		}
		return l, true, nil
	case uint64:
		return int(x), true, nil
	case uint32:
		return int(x), true, nil
	case uint16:
		return int(x), true, nil
	case string, bool, float64:
		return x, true, nil
	}
	switch name {
	case "name":
		names, _ := p.m["names"].(map[string]any)
		if s, ok := names["en"].(string); ok {
			return s, true, nil
		}
		return nil, true, nil
	case "continent", "country", "city", "location", "postal", "registered_country", "represented_country", "traits":
		return &place{}, true, nil
	case "subdivisions":
		return &py.List{}, true, nil
	case "iso_code", "code", "latitude", "longitude", "time_zone", "accuracy_radius", "geoname_id", "is_in_european_union", "confidence":
		return nil, true, nil
	case "names":
		return &py.Dict{}, true, nil
	}
	return nil, ok, nil
}
