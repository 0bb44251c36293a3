package kinds

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/mapping"
	"gatehouse/backend/outpost"
	"gatehouse/backend/provider"
	"gatehouse/backend/provider/ldap"
	"gatehouse/backend/provider/proxy"
	"gatehouse/backend/provider/rac"
	"gatehouse/backend/provider/radius"
	"gatehouse/backend/source"
	ldapsource "gatehouse/backend/source/ldap"
	"gatehouse/backend/source/oauth"
	"gatehouse/backend/source/plex"
)

// Providers are the protocols that applications speak, with the mappings that belong to them, and what serves them.
func Providers(r Rooms) []*kind.Kind {
	outposts := &outpost.Room{Store: r.Store, Tokens: r.Tokens}
	return concat(
		[]*kind.Kind{provider.Kind(r.Store)},
		r.OAuth2.Kinds(),
		ldap.Kinds(r.Store),
		proxy.Kinds(r.Store, outposts.Carries),
		rac.Kinds(rac.Deps{Store: r.Store, Users: r.Users, Policies: r.Policies, Apps: r.Apps, Host: r.Host, Caller: r.Apps.Caller}),
		radius.Kinds(r.Store, outposts.Carries),
		r.SCIMOut.Kinds(),
		r.SAML.Kinds(),
		outposts.Kinds(),
	)
}

// Sources are other places that know people.
func Sources(r Rooms) []*kind.Kind {
	return concat(
		source.Kinds(source.Deps{Store: r.Store, Files: r.Files, Policies: r.Policies, Caller: r.Apps.Caller}),
		ldapsource.Kinds(r.Store, r.Host),
		oauth.Kinds(r.Store),
		plex.Kinds(r.Store),
		r.Abroad.Kinds(),
		r.SCIM.Kinds(),
	)
}

func concat(lists ...[]*kind.Kind) (out []*kind.Kind) {
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// Mappings is the collection over all mappings; each kind of them lives with its owner.
func Mappings(r Rooms) []*kind.Kind {
	return []*kind.Kind{mapping.Kind(mapping.Deps{Store: r.Store, Host: r.Host, Users: r.Users})}
}
