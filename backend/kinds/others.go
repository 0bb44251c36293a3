package kinds

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/provider"
	"gatehouse/backend/source"
)

// Providers are the protocols that applications speak, with the mappings that belong to them.
func Providers(r Rooms) []*kind.Kind {
	return append([]*kind.Kind{provider.Kind(r.Store)}, r.OAuth2.Kinds()...)
}

// Sources are other places that know people.
func Sources(Rooms) []*kind.Kind { return source.Kinds() }

// Mappings is the collection over all mappings; each kind of them lives with its owner.
func Mappings(r Rooms) []*kind.Kind {
	return []*kind.Kind{mapping.Kind(mapping.Deps{Store: r.Store, Host: r.Host, Users: r.Users})}
}
