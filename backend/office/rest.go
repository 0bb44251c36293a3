package office

import (
	"context"
	"strings"

	"gatehouse/backend/catalog"
	"gatehouse/backend/kind"
	"gatehouse/backend/user"
)

// ns is where the operations of this room live.
const ns = "gatehouse/"

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	get := kind.Do("GET", ns+"settings", func(ctx context.Context, _ *kind.Call, _ *kind.None) (HouseSettings, error) {
		return r.houseSettings(ctx)
	})
	get.Perm = "authentik_rbac.view_system_settings"
	set := kind.Do("PATCH", ns+"settings", r.changeSettings)
	set.Perm, set.Status = "authentik_rbac.edit_system_settings", 200
	status := kind.Do("GET", ns+"status", r.status)
	status.Perm = "authentik_rbac.view_system_info"
	shelf := kind.Do("GET", ns+"catalog", func(context.Context, *kind.Call, *kind.None) (Catalog, error) { return Catalog{catalog.All()}, nil })
	shelf.Perm = "authentik_core.add_application"
	add := kind.Do("POST", ns+"applications", r.addApp)
	add.Perm, add.Also, add.Status = "authentik_core.add_application", []string{"authentik_providers_oauth2.add_oauth2provider", "authentik_policies.add_policybinding"}, 201
	look := kind.Do("POST", ns+"saml/metadata", r.readMetadata)
	look.Perm, look.Status, look.Summary = "authentik_core.add_application", 200, "What the metadata of a SAML application says; nothing is stored."
	bySAML := kind.Do("POST", ns+"saml/applications", r.addSAML)
	bySAML.Perm, bySAML.Status, bySAML.Summary = "authentik_core.add_application", 201, "Adds an application that signs in by SAML, with its provider and who may use it."
	bySAML.Also = []string{"authentik_providers_saml.add_samlprovider", "authentik_crypto.add_certificatekeypair", "authentik_policies.add_policybinding"}
	show := kind.Do("GET", ns+"applications/{slug}", r.getApp)
	show.Perm = "authentik_core.view_application"
	access := kind.Do("PUT", ns+"applications/{slug}/access", r.setAccess)
	access.Perm, access.Also = "authentik_core.change_application", []string{"authentik_policies.add_policybinding", "authentik_policies.delete_policybinding"}
	reach := kind.Do("GET", ns+"access", r.reaches)
	reach.Answers = map[int]string{404: "There is no such user."}
	reach.Perm, reach.Query = "authentik_core.view_user_applications", []kind.Param{{Name: "user", Type: "integer", Required: true}}
	return []kind.Action{get, set, status, shelf, add, look, bySAML, show, access, reach}
}

// reason says in a sentence why a person can open an application or not.
func (r *Room) reason(ctx context.Context, a Access, u *user.User, passing bool, messages []string) string {
	switch {
	case !u.IsActive:
		return "The account is switched off."
	case a.Everyone:
		return "Everyone with an account can use it."
	case !passing && len(messages) > 0:
		return strings.Join(messages, " ")
	case !passing:
		return "Neither this person nor one of their groups was chosen."
	}
	for _, p := range a.Users {
		if p.PK == u.PK {
			return "This person was chosen."
		}
	}
	groups, err := r.Users.AllGroups(ctx, u.PK)
	if err == nil {
		for _, g := range groups {
			for _, chosen := range a.Groups {
				if g.PK == chosen.PK {
					return "Member of " + g.Name + "."
				}
			}
		}
	}
	return "A further rule lets this person in."
}
