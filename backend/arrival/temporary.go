package arrival

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// What an account that is lent for a visit has among its attributes, by the published names.
const (
	generated     = "goauthentik.io/user/generated"
	expires       = "goauthentik.io/user/expires"
	untilLogout   = "goauthentik.io/user/delete-on-logout"
	fromSources   = "goauthentik.io/user/sources"
	longestName   = 150
	manyTemporary = 100
)

// lend makes an account for one visit, with its connection.
func (r *Room) lend(ctx context.Context, v *Visitor) (u *user.User, err error) {
	b := v.Source.Source()
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		u = store.KindOf[user.User](tx.Store()).New().(*user.User)
		u.Username, u.Name, u.Email, u.IsActive, u.Type = v.Username, v.Name, v.Email, true, user.External
		u.Path = strings.ReplaceAll(b.UserPathTemplate, "%(slug)s", b.Slug)
		u.Attributes = map[string]any{
			generated: true, untilLogout: true, fromSources: []any{b.Name}, expires: tx.Now.Add(v.Temporary).Unix(),
		}
		_, err := store.FindTx[user.User](tx, "username", u.Username)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err == nil || len([]rune(u.Username)) > longestName { // an account that is somebody's is not lent
			sum := sha256.Sum256([]byte(v.Identifier))
			u.Username = b.Slug + "-" + hex.EncodeToString(sum[:16])
		}
		if err := tx.Create(u); err != nil {
			return err
		}
		return r.keep(tx, params(v), u.PK)
	})
	return u, err
}

// Heard is told of every event in its transaction (event.Log.Heard): with a sign-out the account goes that was lent.
func (r *Room) Heard(tx *store.Tx, e *event.Event) error {
	if e.Action != event.Logout {
		return nil
	}
	pk := int64(0)
	switch n := e.User["pk"].(type) {
	case int64:
		pk = n
	case float64:
		pk = int64(n)
	}
	if pk == 0 {
		return nil
	}
	u, err := user.ByPKTx(tx, pk)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil || u.Attributes[generated] != true || u.Attributes[untilLogout] != true {
		return err
	}
	tx.AfterCommit(func() {
		ctx := context.Background()
		if err := r.remove(ctx, pk); err != nil {
			r.Log.ErrorContext(ctx, "a temporary account stays until it is cleaned up", "user", pk, "error", err, "logger", "gatehouse.source")
		}
	})
	return nil
}

func (r *Room) remove(ctx context.Context, pk int64) error {
	k := store.KindOf[user.User](r.Store)
	err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error { return tx.Delete(k, strconv.FormatInt(pk, 10)) })
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// CleanUp deletes accounts that were lent and whose time is over. It gives how many went.
func (r *Room) CleanUp(ctx context.Context) (n int, err error) {
	all, err := store.All[user.User](ctx, r.Store, store.Query{Where: `o.attributes LIKE '%"` + untilLogout + `"%'`})
	if err != nil {
		return 0, err
	}
	now := r.Store.Now().Unix()
	for _, u := range all {
		ends, _ := u.Attributes[expires].(float64)
		if u.Attributes[generated] != true || u.Attributes[untilLogout] != true || int64(ends) > now || n >= manyTemporary {
			continue
		}
		if e := r.remove(ctx, u.PK); e != nil {
			err = errors.Join(err, e)
			continue
		}
		n++
	}
	return n, err
}
