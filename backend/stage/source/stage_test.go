package source_test

import (
	"testing"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	base "gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/source"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
)

const model = "authentik_stages_source.sourcestage"

// social and directory stand for sources: one with a page to sign in on, one without.
type (
	social    struct{ base.Base }
	directory struct{ base.Base }
)

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{source.Kind(h.Stage)}, Kinds: []*kind.Kind{
		kind.Of[social](base.Family, kind.Spec{Model: "authentik_sources_oauth.oauthsource", Schema: "OAuthSource", Title: "OAuth Source"}, nil),
		kind.Of[directory](base.Family, kind.Spec{Model: "authentik_sources_ldap.ldapsource", Schema: "LDAPSource", Title: "LDAP Source"}, nil),
	}}
}

func fresh(h *stagetest.House) any {
	o := stagetest.New[social](h)
	o.Name, o.Slug = "Social", crypt.ID(8)
	h.Make(o)
	s := stagetest.New[source.Stage](h)
	s.Source = o.PK
	return s
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: fresh})
}

// A step that can't be run yet lets nobody past.
func TestRefuses(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h := stagetest.Open(t, with)
		h.Flow("f", flow.Authentication, fresh(h))
		b := h.SignedIn(h.User("ada", ""))
		out := b.Get("f", "")
		if method == "POST" {
			out = b.Post("f", "", map[string]any{})
		}
		if why, denied := stagetest.Denied(out); !denied || why != "This step can't be run yet, so nobody gets past it." {
			t.Errorf("%s: %q %s", method, why, stagetest.Component(out))
		}
	}
}

// Only a source that a browser can be sent to will do.
func TestWhichSources(t *testing.T) {
	h := stagetest.Open(t, with)
	l := stagetest.New[directory](h)
	l.Name, l.Slug = "Directory", "directory"
	h.Make(l)
	for pk, want := range map[string]string{
		l.PK:                                   "Invalid source selected, only web-based sources are supported.",
		"6ba7b810-9dad-11d1-80b4-00c04fd430c8": `Invalid pk "6ba7b810-9dad-11d1-80b4-00c04fd430c8" - object does not exist.`,
	} {
		s := stagetest.New[source.Stage](h)
		s.Name, s.Source = "s", pk
		err := h.Store.Write(t.Context(), store.House, func(tx *store.Tx) error { return tx.Create(s) })
		if f := fault.As(err); f == nil || len(f.Fields["source"]) != 1 || f.Fields["source"][0] != want {
			t.Errorf("%v", err)
		}
	}
}
