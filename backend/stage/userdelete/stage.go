// Package userdelete is the stage that deletes the account of whoever comes to it.
package userdelete

import (
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Stage deletes an account.
type Stage struct{ stage.Base }

// Kind is how the house knows this stage.
func Kind(d stage.Deps) *stage.Kind {
	return stage.NewLater[Stage, stage.None, stage.None](d, kind.Spec{
		Path: "stages/user_delete", Model: "authentik_stages_user_delete.userdeletestage", Schema: "UserDeleteStage", Title: "User Delete Stage",
		Component: "ak-stage-user-delete-form", About: "Delete the account of the person in the flow.", Filters: []kind.Filter{stage.UUIDFilter()},
	}, stage.Asking{}, nil)
}
