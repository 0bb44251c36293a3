package stage

import (
	"gatehouse/backend/event"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Missed notes a wrong password or code for username: counted outside of any flow, and told in the audit log with more (the stage, the
// device). It is stored with the plan.
func (t *Turn) Missed(l *event.Log, username string, more map[string]any) {
	c := map[string]any{"username": username}
	for k, v := range more {
		c[k] = v
	}
	ip := t.Request.HTTP.ClientIP
	t.After(func(tx *store.Tx) error {
		if err := user.Failed(tx, username, ip); err != nil {
			return err
		}
		return l.EmitTx(tx, event.Entry{Action: event.LoginFailed, App: "authentik.events.signals", Context: c})
	})
}

// Hit forgets the wrong passwords of username from this address, and of this session; nobody relies on that. Most often there are none, and
// nothing is to be written.
func (t *Turn) Hit(d *user.Directory, username string) {
	if t.Session != nil {
		t.Session.Data.Tries = 0
	}
	ip := t.Request.HTTP.ClientIP
	switch failed, known, err := d.Past(t.Ctx, username, ip); {
	case err != nil || failed:
		t.Later(func(tx *store.Tx) error { return user.Succeeded(tx, username, ip) })
	case !known:
		t.Later(d.Know(username, ip))
	}
}
