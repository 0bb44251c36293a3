package server

import (
	"context"
	"fmt"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// AdminGroup names who is put into the group of admins.
type AdminGroup struct {
	User string `json:"user" is:"required" help:"The username."`
}

// SchemaName implements kind.SchemaNamer.
func (AdminGroup) SchemaName() string { return "TenantAdminGroupRequest" }

// RecoveryKey asks for a link that signs a person in once.
type RecoveryKey struct {
	User string `json:"user" is:"required" help:"The username."`
	Days int    `json:"duration_days" is:"required" help:"How many days the link may be used, once."`
}

// SchemaName implements kind.SchemaNamer.
func (RecoveryKey) SchemaName() string { return "TenantRecoveryKeyRequest" }

// RecoveryURL is such a link.
type RecoveryURL struct {
	Expiry time.Time `json:"expiry" is:"required" format:"date-time"`
	URL    string    `json:"url" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (RecoveryURL) SchemaName() string { return "TenantRecoveryKeyResponse" }

// tenantActions are what a superuser may do with the tenant from outside: the release keeps it for who runs the machine.
func (r *rooms) tenantActions() []kind.Action {
	group := kind.Detail("POST", "create_admin_group", "change", r.adminGroup)
	key := kind.Detail("POST", "create_recovery_key", "change", r.recoveryKey)
	group.Answers, key.Answers = map[int]string{404: "There is no such user."}, map[int]string{404: "There is no such user."}
	return []kind.Action{group, key}
}

// superuser says Denied unless the caller may do everything.
func superuser(ctx context.Context) error {
	if a := store.ActorOf(ctx); !a.Superuser {
		return fault.New(fault.Denied, "Only a superuser can do this.")
	}
	return nil
}

// adminGroup puts a user into the group of admins, which is made when there is none.
func (r *rooms) adminGroup(ctx context.Context, _ *kind.Call, in *AdminGroup) (kind.None, error) {
	if err := superuser(ctx); err != nil {
		return kind.None{}, err
	}
	u, err := r.find(ctx, in.User)
	if err != nil {
		return kind.None{}, err
	}
	return kind.None{}, r.store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		g, err := store.FindTx[user.Group](tx, "name", "authentik Admins")
		if fault.Is(err, fault.NotFound) {
			g = store.KindOf[user.Group](r.store).New().(*user.Group)
			g.Name, g.IsSuperuser, g.Users = "authentik Admins", true, []int64{u.PK}
			return tx.Create(g)
		}
		if err != nil {
			return err
		}
		if !g.IsSuperuser {
			return fault.Whole("The group authentik Admins does not make superusers any more.")
		}
		if _, err := tx.Exec(`INSERT INTO memberships ("user", "group") VALUES (?, ?) ON CONFLICT DO NOTHING`, u.PK, g.PK); err != nil {
			return err
		}
		return tx.Changed(g, map[string]store.Values{"users": {New: map[string]any{"add": []int64{u.PK}}}})
	})
}

// longestKey is how long a recovery link may live, in days.
const longestKey = 366

// recoveryKey makes a link that signs a person in once.
func (r *rooms) recoveryKey(ctx context.Context, _ *kind.Call, in *RecoveryKey) (RecoveryURL, error) {
	if err := superuser(ctx); err != nil {
		return RecoveryURL{}, err
	}
	if in.Days < 1 || in.Days > longestKey {
		return RecoveryURL{}, fault.Field("duration_days", fmt.Sprintf("Enter a number of days from 1 to %d.", longestKey))
	}
	u, err := r.find(ctx, in.User)
	if err != nil {
		return RecoveryURL{}, err
	}
	h := store.ActorOf(ctx).HTTP
	var out RecoveryURL
	err = r.store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		at := tx.Now.Add(time.Duration(in.Days) * 24 * time.Hour)
		t := &token.Token{Identifier: fmt.Sprintf("ak-recovery-%s-%d", token.Slug(u.Username), tx.Now.UnixMicro()), Intent: token.Recovery, User: u.PK, Expires: &at, Description: "Recovery link of the tenant"}
		if err := r.tokens.Make(tx, t); err != nil {
			return err
		}
		out = RecoveryURL{at, h.Scheme + "://" + h.Host + "/recovery/use-token/" + t.Key + "/"}
		return r.events.EmitTx(tx, event.Entry{Action: "custom_recovery_link", App: "authentik.recovery", Context: map[string]any{
			"message": "Recovery link made", "for": event.Model(r.store.KindFor(u), fmt.Sprint(u.PK), u.Username),
		}})
	})
	return out, err
}
