package search

import (
	"net/url"

	"gatehouse/backend/kind"
)

// admin is where the admin pages live; what follows # is an address of theirs.
const admin = "/if/admin/#"

// pages are the addresses of the admin pages by family.
var pages = map[string]string{
	"users": "/people/users/", "groups": "/people/groups/", "applications": "/apps/", "keypairs": "/settings/certificates/", "brands": "/settings/brands/",
	"flows": "/advanced/flows/", "stages": "/advanced/stages/", "policies": "/advanced/policies/", "providers": "/advanced/providers/",
	"propertymappings": "/advanced/mappings/", "prompts": "/advanced/prompts/", "sources": "/advanced/sources/", "tokens": "/advanced/tokens/",
	"roles": "/advanced/roles/", "flowbindings": "/advanced/steps/", "policybindings": "/advanced/bindings/",
}

// address gives the admin page of an object, "" when it has none.
func address(k *kind.Kind, obj any) string {
	page, ok := pages[k.Family.Name]
	if !ok {
		return ""
	}
	id := k.PK(obj)
	if f := k.Field(k.Family.Lookup); f != nil {
		id = k.Value(obj, f).String()
	}
	return admin + page + url.PathEscape(id)
}
