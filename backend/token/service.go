package token

import (
	"context"
	"fmt"
	"time"
	"unicode/utf8"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// ServiceRequest is the body of service_account.
type ServiceRequest struct {
	Name     string     `json:"name" is:"required"`
	Group    bool       `json:"create_group" default:"false"`
	Expiring bool       `json:"expiring" default:"true"`
	Expires  *time.Time `json:"expires" format:"date-time" is:"notnull"`
}

// SchemaName implements kind.SchemaNamer.
func (ServiceRequest) SchemaName() string { return "UserServiceAccount" }

// ServiceAnswer is what became of it.
type ServiceAnswer struct {
	Username string  `json:"username" is:"required"`
	Token    string  `json:"token" is:"required"`
	UserUID  string  `json:"user_uid" is:"required"`
	UserPK   int64   `json:"user_pk" is:"required"`
	GroupPK  *string `json:"group_pk" is:"omitempty,notnull"`
}

// SchemaName implements kind.SchemaNamer.
func (ServiceAnswer) SchemaName() string { return "UserServiceAccountResponse" }

// serviceLife is how long the password of a service account lasts when nothing else is said.
const serviceLife = 360 * 24 * time.Hour

// ServiceAccount is the users' action that makes an account for a program, with an app password.
func (r *Room) ServiceAccount() kind.Action {
	a := kind.Collection("POST", "service_account", "authentik_core.add_user", r.serviceAccount)
	a.Also = []string{"authentik_core.add_token"}
	a.Status = 200
	return a
}

func (r *Room) serviceAccount(ctx context.Context, _ *kind.Call, in *ServiceRequest) (ServiceAnswer, error) {
	var out ServiceAnswer
	longest := int(*store.KindOf[user.User](r.Store).Field("username").Max)
	if in.Group {
		longest = min(longest, int(*store.KindOf[user.Group](r.Store).Field("name").Max))
	}
	if utf8.RuneCountInString(in.Name) > longest {
		return out, fault.Field("name", fmt.Sprintf("Ensure this field has no more than %d characters.", longest))
	}
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		u := store.KindOf[user.User](r.Store).New().(*user.User)
		u.Username, u.Name, u.Type, u.Path = in.Name, in.Name, user.ServiceAccount, "goauthentik.io/service-accounts"
		u.Attributes = map[string]any{Expiring: in.Expiring}
		if err := tx.Create(u); err != nil {
			if f := fault.As(err); f.Kind == fault.Invalid && f.Fields["username"] != nil {
				return fault.Whole("There is an account with this name already.")
			}
			return err
		}
		t := &Token{room: r, Identifier: "service-account-" + Slug(in.Name) + "-password", Intent: AppPassword, User: u.PK, Expiring: in.Expiring}
		if in.Expiring {
			at := tx.Now.Add(serviceLife)
			if in.Expires != nil {
				at = *in.Expires
			}
			t.Expires = &at
		}
		house := *tx
		house.Actor = store.House
		if err := house.Create(t); err != nil {
			return err
		}
		out = ServiceAnswer{Username: u.Username, Token: t.Key, UserUID: r.Users.UID(u.PK), UserPK: u.PK}
		if in.Group {
			g := store.KindOf[user.Group](r.Store).New().(*user.Group)
			g.Name, g.Users = in.Name, []int64{u.PK}
			if err := tx.Create(g); err != nil {
				return err
			}
			out.GroupPK = &g.PK
		}
		return nil
	})
	return out, err
}
