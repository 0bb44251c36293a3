package blueprint

import (
	"context"
	"fmt"
	"slices"

	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// defaults are the files that every house has the objects of, in order of dependency.
var defaults = []string{
	"system/providers-oauth2.yaml", "system/providers-proxy.yaml", "system/providers-saml.yaml", "system/providers-scim.yaml", "system/providers-rac.yaml",
	"system/sources-ldap.yaml", "system/bootstrap.yaml",
	"default/flow-password-change.yaml", "default/flow-default-authentication-flow.yaml", "default/flow-default-invalidation-flow.yaml",
	"default/flow-default-provider-authorization-explicit-consent.yaml", "default/flow-default-provider-authorization-implicit-consent.yaml",
	"default/flow-default-user-settings-flow.yaml", "default/default-brand.yaml", "default/events-default.yaml",
	"default/flow-default-source-authentication.yaml", "default/flow-default-source-enrollment.yaml", "default/flow-default-source-pre-authentication.yaml",
	"default/flow-default-authenticator-static-setup.yaml", "default/flow-default-authenticator-totp-setup.yaml", "default/flow-default-authenticator-webauthn-setup.yaml",
}

// instancesSince is the version of the shipped files from which on houses have them as blueprints.
const instancesSince = 4

// Seed makes what the shipped files have that is newer than the version from; 0 is a house that has nothing yet. What is there stays as it
// is, and what was deleted stays away: people changed it on purpose. On a house with objects of its own an entry that doesn't fit is left
// out and told in the log.
func (r *Room) Seed(tx *store.Tx, from int) error {
	for _, p := range defaults {
		text, _, err := r.read(p)
		if err != nil {
			return err
		}
		f, bad := Parse(text, r.Allowed)
		if len(bad) > 0 {
			return fmt.Errorf("%s: %s", p, bad[0])
		}
		w := r.work(context.Background(), tx, Options{since: from, once: true}, &secrets{})
		w.file(f, nil)
		if w.broken != nil {
			return w.broken
		}
		if len(w.out.Faults) > 0 && from == 0 {
			return fmt.Errorf("%s: %s", p, w.out.Faults[0])
		}
		for _, line := range w.out.Lines() {
			r.Log.Warn("a default object is left out", "blueprint", p, "why", line)
		}
		if err := r.seedInstance(tx, f, p, from, &w.out); err != nil {
			return err
		}
	}
	return nil
}

// seedInstance keeps a shipped file as a blueprint from the version on that brought it.
func (r *Room) seedInstance(tx *store.Tx, f *File, p string, from int, out *Result) error {
	rows, err := store.AllTx[Instance](tx, store.Query{Filters: map[string][]string{"path": {p}}})
	if err != nil {
		return err
	}
	since := instancesSince
	if first := slices.MinFunc(f.entries, func(a, b entry) int { return max(a.since, 1) - max(b.since, 1) }).since; first > since {
		since = first
	}
	if len(rows) == 0 && since <= from {
		return nil // somebody deleted it
	}
	inst := store.KindOf[Instance](r.Store).New().(*Instance)
	if len(rows) > 0 {
		inst = rows[0]
	} else {
		inst.Name, inst.Path = f.Meta.Name, p
		if _, err := store.FindTx[Instance](tx, "name", inst.Name); !fault.Is(err, fault.NotFound) {
			inst.Name = p
		}
		if err := tx.Create(inst); err != nil {
			return err
		}
	}
	inst.applied(f, tx.Now, out)
	if len(out.Faults) > 0 {
		inst.Status = Warning
	}
	return tx.Update(inst)
}
