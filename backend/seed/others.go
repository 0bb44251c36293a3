package seed

import (
	"gatehouse/backend/outpost"
	"gatehouse/backend/provider/rac"
	"gatehouse/backend/provider/saml"
	"gatehouse/backend/provider/scim"
	"gatehouse/backend/source/ldap"
)

// others are the mappings of the protocols beside OpenID Connect, and the outpost that is part of Gatehouse.
func others() []entry {
	var out []entry
	for _, m := range saml.Defaults() {
		out = append(out, entry{2, m.Managed, "authentik_providers_saml.samlpropertymapping", "managed", attrs{"managed": m.Managed, "name": m.Name, "saml_name": m.SAMLName, "expression": m.Expression}})
	}
	for _, m := range scim.Defaults() {
		out = append(out, entry{2, m.Managed, "authentik_providers_scim.scimmapping", "managed", attrs{"managed": m.Managed, "name": m.Name, "expression": m.Expression}})
	}
	for _, m := range rac.Defaults() {
		out = append(out, entry{2, m.Managed, "authentik_providers_rac.racpropertymapping", "managed", attrs{"managed": m.Managed, "name": m.Name, "static_settings": m.Settings}})
	}
	for _, m := range ldap.Defaults() {
		out = append(out, entry{2, m.Managed, "authentik_sources_ldap.ldappropertymapping", "managed", attrs{"managed": m.Managed, "name": m.Name, "object_field": m.ObjectField, "expression": m.Expression}})
	}
	return append(out, entry{2, outpost.Managed, "authentik_outposts.outpost", "managed", attrs{"managed": outpost.Managed, "name": outpost.Embedded, "type": "proxy", "config": outpost.Defaults("")}})
}
