package source_test

import (
	"strings"
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
	return stagetest.Made{Stages: []*stage.Kind{source.Kind(source.Deps{Deps: h.Stage})}, Kinds: []*kind.Kind{
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

// LoginPath implements source.Enterable.
func (s *social) LoginPath() string { return "/login/" + s.Slug + "/" }

// Nobody gets past but over the source, whatever is sent (CVE-2026-49443).
func TestSendsAway(t *testing.T) {
	h := stagetest.Open(t, with)
	st := fresh(h).(*source.Stage)
	h.Flow("f", flow.Authentication, st)
	b := h.SignedIn(h.User("ada", ""))
	for _, out := range []flow.Outcome{b.Get("f", "next=%2Fx"), b.Post("f", "next=%2Fx", map[string]any{}), b.Post("f", "next=%2Fx", map[string]any{"component": "x"})} {
		if to := out.To; !strings.Contains(to, "/login/") || !strings.Contains(to, "next=%2Fx") {
			t.Errorf("%s", to)
		}
	}
	o, err := store.Get[social](t.Context(), h.Store, st.Source)
	if err != nil {
		t.Fatal(err)
	}
	o.Enabled = false
	h.Change(o)
	if why, denied := stagetest.Denied(b.Get("f", "")); !denied || why != "Invalid source" {
		t.Errorf("a source that is switched off: %q", why)
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
