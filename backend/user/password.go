package user

import (
	"context"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// minPassword is the shortest password that is accepted (OWASP ASVS 5.0, 6.2.1); policies may ask for more.
const minPassword = 8

// maxPassword bounds what is hashed, in bytes.
const maxPassword = 4096

// CheckNew says what is wrong with a new password, nil when nothing is.
func CheckNew(password string) error {
	switch {
	case len([]rune(password)) < minPassword:
		return fault.Field("password", "Use at least 8 characters.")
	case len(password) > maxPassword:
		return fault.Field("password", "This password is too long.")
	}
	return nil
}

// HashNew checks and hashes a new password. It takes tens of milliseconds: call it before a transaction.
func (d *Directory) HashNew(ctx context.Context, password string) (string, error) {
	if err := CheckNew(password); err != nil {
		return "", err
	}
	return d.Hasher.Hash(ctx, password)
}

// SetHash gives u a new password by its hash, in the transaction, with the event. u is stored as it is besides.
func (d *Directory) SetHash(tx *store.Tx, u *User, hash string) error {
	u.Password = hash
	now := tx.Now
	u.PasswordChange = &now
	if _, err := tx.Exec(`UPDATE users SET password = ?, password_change_date = ? WHERE pk = ?`, hash, now.UnixMicro(), u.PK); err != nil {
		return err
	}
	tx.Touched(table, u.PK)
	if err := ForgetAttempts(tx, u.Username); err != nil {
		return err
	}
	if d.PasswordSet == nil {
		return nil
	}
	return d.PasswordSet(tx, u)
}

// SetPassword hashes and stores a new password.
func (d *Directory) SetPassword(ctx context.Context, u *User, password string) error {
	hash, err := d.HashNew(ctx, password)
	if err != nil {
		return err
	}
	return d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return d.SetHash(tx, u, hash) })
}

// Verify says whether the password is the user's. A nil user, an inactive one and one without a usable password take as long as any
// other and never match. A hash of another make is replaced by ours.
func (d *Directory) Verify(ctx context.Context, u *User, password string) (bool, error) {
	if len(password) > maxPassword {
		password = password[:maxPassword]
	}
	if u == nil || !u.Usable() {
		return false, d.Hasher.Dummy(ctx, password)
	}
	ok, upgrade, err := d.Hasher.Verify(ctx, u.Password, password)
	if err != nil {
		if ctx.Err() != nil {
			return false, err
		}
		// A stored hash that can't be read is as good as none; the person sees a wrong password, the log says why.
		return false, d.Hasher.Dummy(ctx, password)
	}
	if !ok || !u.IsActive {
		return false, nil
	}
	if upgrade {
		hash, err := d.Hasher.Hash(ctx, password)
		if err != nil {
			return false, err
		}
		// Only the hash changes: no event, no new date, and not when the password was changed meanwhile.
		err = d.Store.Write(ctx, store.House, func(tx *store.Tx) error {
			tx.Touched(table, u.PK)
			_, err := tx.Exec(`UPDATE users SET password = ? WHERE pk = ? AND password = ?`, hash, u.PK, u.Password)
			return err
		})
		if err != nil {
			return false, err
		}
		u.Password = hash
	}
	return true, nil
}

// MakeUnusable takes the password away.
func (d *Directory) MakeUnusable(tx *store.Tx, u *User) error {
	u.Password = crypt.Unusable()
	tx.Touched(table, u.PK)
	_, err := tx.Exec(`UPDATE users SET password = ? WHERE pk = ?`, u.Password, u.PK)
	return err
}

// SignedIn notes when a user came, who is as the transaction read them; this is no change of the user that the audit log would tell.
func SignedIn(tx *store.Tx, u *User, at time.Time) error {
	now, came := u.own(), time.UnixMicro(at.UnixMicro()).UTC()
	now.LastLogin = &came
	u.room.known.Wrote(tx, table, u.PK, now)
	_, err := tx.Exec(`UPDATE users SET last_login = ? WHERE pk = ?`, came.UnixMicro(), u.PK)
	return err
}
