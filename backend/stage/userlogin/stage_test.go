package userlogin_test

import (
	"strings"
	"testing"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/userlogin"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const model = "authentik_stages_user_login.userloginstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{
		userlogin.Kind(userlogin.Deps{Deps: h.Stage, Sessions: h.Sessions, Events: h.Events}), dummy.Kind(dummy.Deps{Deps: h.Stage}),
	}}
}

// begin puts a person before the stage, and a dummy behind it.
func begin(h *stagetest.House, b *stagetest.Browser, s *userlogin.Stage, u *user.User, context map[string]any) {
	h.T.Helper()
	if s.PK == "" {
		h.Flow("f", flow.Authentication, s, stagetest.New[dummy.Stage](h))
	}
	f, err := store.Find[flow.Flow](h.T.Context(), h.Store, "slug", "f")
	if err != nil {
		h.T.Fatal(err)
	}
	p := stage.NewPlan(f.PK, context)
	if u != nil {
		p.SetUser(u)
	}
	p.Append(stage.Step{Stage: s.PK})
	h.Begin(b, f, p)
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[userlogin.Stage](h) }})
}

func TestStageThatAsks(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: func(h *stagetest.House) any {
		s := stagetest.New[userlogin.Stage](h)
		s.RememberMe = "days=30"
		return s
	}})
}

func TestLogin(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		h := stagetest.Open(t, with)
		ada := h.User("ada", "")
		b := h.Browser()
		begin(h, b, stagetest.New[userlogin.Stage](h), ada, map[string]any{
			stage.AuthMethod: "auth_mfa", stage.AuthMethodArgs: map[string]any{"mfa_devices": []any{map[string]any{"pk": "7"}}, "token": "secret"},
			stage.Source: stage.Ref("authentik_core.source", "x"),
		})
		b.Remember(func(d *session.Data) {
			d.Application, d.Relogin, d.Tries, d.Secret, d.Owner = "app", map[string]string{"client": "event"}, 3, map[string]string{"a": "b"}, true
		})
		before := b.Session()
		var answer map[string]any
		if method == "POST" {
			answer = map[string]any{}
		}
		out := b.Step("f", "", answer)
		s := b.Session()
		if out.Started == nil || out.To != "/" || s == nil || s.User != ada.PK || s.UUID == before.UUID {
			t.Fatalf("%s: %+v", method, out)
		}
		es := h.Heard(event.Login)
		if len(es) != 1 || es[0].User["username"] != "ada" || es[0].Context["auth_method"] != "auth_mfa" || es[0].Context["source"] == nil || es[0].ClientIP == nil {
			t.Fatalf("%+v", es)
		}
		if args := es[0].Context["auth_method_args"].(map[string]any); args["token"] != event.Mask || args["mfa_devices"] == nil {
			t.Errorf("%v", args)
		}
		d := s.Data
		if d.LoginEvent != es[0].PK || d.Method != "auth_mfa" || !d.MFA || time.Since(d.AuthTime) > time.Minute || d.Application != "app" || d.Relogin["client"] != "event" {
			t.Errorf("%+v", d)
		}
		if d.Tries != 0 || len(d.Secret) != 0 || d.Owner || d.Keep {
			t.Errorf("what belongs to the old session went along: %+v", d)
		}
		if p := h.Person(ada.PK); p.LastLogin == nil || time.Since(*p.LastLogin) > time.Minute {
			t.Error("no last login")
		}
		if n := len(h.Heard("model_updated")); n != 0 {
			t.Errorf("the last login is told as a change %d times", n)
		}
		if life := time.Until(s.Expires); life < 13*24*time.Hour || life > 15*24*time.Hour {
			t.Errorf("a session that ends with the browser lasts %s here", life)
		}
	}
}

func TestDuration(t *testing.T) {
	for _, tt := range []struct {
		duration, offset string
		answer           map[string]any
		want             time.Duration
		keep             bool
	}{
		{"hours=2", "seconds=0", nil, 2 * time.Hour, true},
		{"hours=2", "days=3", map[string]any{"remember_me": true}, 74 * time.Hour, true},
		{"hours=2", "days=3", map[string]any{"remember_me": "on"}, 74 * time.Hour, true},
		{"hours=2", "days=3", map[string]any{"remember_me": false}, 2 * time.Hour, true},
		{"seconds=0", "days=3", map[string]any{"remember_me": false}, 14 * 24 * time.Hour, false},
		{"seconds=0", "days=3", map[string]any{"remember_me": true}, 72 * time.Hour, true},
		{"hours=-2", "seconds=0", nil, 14 * 24 * time.Hour, false},
	} {
		h := stagetest.Open(t, with)
		ada := h.User("ada", "")
		s := stagetest.New[userlogin.Stage](h)
		s.SessionDuration, s.RememberMe = tt.duration, tt.offset
		b := h.Browser()
		begin(h, b, s, ada, nil)
		if tt.answer != nil {
			m := stagetest.Wire(b.Step("f", "", nil))
			if m["component"] != "ak-stage-user-login" || m["pending_user"] != "ada" || m["type"] != "native" {
				t.Errorf("%v", m)
			}
		}
		b.Step("f", "", tt.answer)
		got := b.Session()
		if got.User != ada.PK || got.Data.Keep != tt.keep {
			t.Errorf("%s + %s: %+v", tt.duration, tt.offset, got)
		}
		if off := time.Until(got.Expires) - tt.want; off < -time.Minute || off > time.Minute {
			t.Errorf("%s + %s: lasts %s, want %s", tt.duration, tt.offset, time.Until(got.Expires), tt.want)
		}
	}
}

func TestRememberMeIsRequired(t *testing.T) {
	h := stagetest.Open(t, with)
	s := stagetest.New[userlogin.Stage](h)
	s.RememberMe = "days=3"
	b := h.Browser()
	begin(h, b, s, h.User("ada", ""), nil)
	if got := stagetest.Problem(b.Step("f", "", map[string]any{}), "remember_me"); got != "This field is required. (required)" {
		t.Errorf("%q", got)
	}
	if got := stagetest.Problem(b.Step("f", "", map[string]any{"remember_me": "perhaps"}), "remember_me"); got != "Must be a valid boolean. (invalid)" {
		t.Errorf("%q", got)
	}
	if b.Session().User != 0 {
		t.Error("signed in without an answer")
	}
}

// Nobody without an account, and nobody whose account is switched off, gets in (CVE-2025-53942).
func TestRefused(t *testing.T) {
	off := func(u *user.User) { u.IsActive = false }
	for _, offset := range []string{"seconds=0", "days=3"} {
		h := stagetest.Open(t, with)
		old := h.User("old", "", off)
		for name, u := range map[string]*user.User{"nobody": nil, "made up": {Username: "nobody"}, "switched off": old, "gone": {PK: 4711}} {
			for _, b := range []*stagetest.Browser{h.Browser(), h.SignedIn(h.User("ada "+name, ""))} {
				s := stagetest.New[userlogin.Stage](h)
				if all, err := store.All[userlogin.Stage](t.Context(), h.Store, store.Query{}); err != nil {
					t.Fatal(err)
				} else if len(all) > 0 {
					s = all[0]
				} else {
					s.RememberMe = offset
				}
				begin(h, b, s, u, nil)
				before := b.Session()
				out := b.Step("f", "", map[string]any{"remember_me": true})
				if why, denied := stagetest.Denied(out); !denied || why != "Unknown error" || out.Started != nil {
					t.Errorf("%s: %q %v", name, why, denied)
				}
				if after := b.Session(); after == nil || after.UUID != before.UUID {
					t.Errorf("%s: the session changed", name)
				}
			}
		}
		if len(h.Heard(event.Login)) != 0 {
			t.Error("a sign-in is told")
		}
	}
}

// Somebody who is switched off after the stage looked is refused by the transaction itself.
func TestSwitchedOffMeanwhile(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "")
	s := stagetest.New[userlogin.Stage](h)
	s.Name = "x"
	h.Make(s)
	p := stage.NewPlan("x", nil)
	p.SetUser(ada)
	res := s.Show(&stage.Turn{Ctx: t.Context(), Plan: p, User: ada, Now: h.Now()})
	h.Write(func(tx *store.Tx) error {
		tx.Touched("users")
		_, err := tx.Exec(`UPDATE users SET is_active = 0 WHERE pk = ?`, ada.PK)
		return err
	})
	err := h.Store.Write(t.Context(), store.House, res.Write())
	if err == nil || res.Refused(err).Verdict != stage.Denied || h.Count("sessions", "1 = 1") != 0 {
		t.Errorf("%v", err)
	}
}

func TestTerminateOtherSessions(t *testing.T) {
	for _, end := range []bool{false, true} {
		h := stagetest.Open(t, with)
		ada, bob := h.User("ada", ""), h.User("bob", "")
		s := stagetest.New[userlogin.Stage](h)
		s.TerminateOther = end
		elsewhere, bobs, b := h.SignedIn(ada), h.SignedIn(bob), h.Browser()
		begin(h, b, s, ada, nil)
		b.Step("f", "", nil)
		if (elsewhere.Session() == nil) != end || bobs.Session() == nil || b.Session() == nil {
			t.Errorf("terminate %v: elsewhere %v, bob %v", end, elsewhere.Session(), bobs.Session())
		}
	}
}

// Whoever signs in again keeps being the desktop's owner; another person at the same window does not become it.
func TestOwner(t *testing.T) {
	h := stagetest.Open(t, with)
	ada, bob := h.User("ada", ""), h.User("bob", "")
	s := stagetest.New[userlogin.Stage](h)
	b := h.SignedIn(ada)
	b.Remember(func(d *session.Data) { d.Owner = true })
	begin(h, b, s, ada, nil)
	b.Step("f", "", nil)
	if !b.Session().Data.Owner {
		t.Error("the owner is none any more")
	}
	begin(h, b, s, bob, nil)
	b.Step("f", "", nil)
	if got := b.Session(); got.User != bob.PK || got.Data.Owner {
		t.Errorf("%+v", got)
	}
}

func TestBindingsAreKept(t *testing.T) {
	h := stagetest.Open(t, with)
	s := stagetest.New[userlogin.Stage](h)
	s.Name, s.NetworkBinding, s.GeoIPBinding = "x", "bind_asn_network", "bind_continent_country"
	h.Make(s)
	if got := stagetest.Get[userlogin.Stage](h, s.PK); got.NetworkBinding != s.NetworkBinding || got.GeoIPBinding != s.GeoIPBinding || !strings.HasPrefix(got.SessionDuration, "seconds=") {
		t.Errorf("%+v", got)
	}
	// The session remembers what it is bound to; one that is bound to nothing remembers nothing.
	h.Flow("f", flow.Authentication, s, stagetest.New[dummy.Stage](h))
	for _, tt := range []struct{ net, geo, wantNet, wantGeo string }{
		{"bind_asn_network", "bind_continent_country", "bind_asn_network", "bind_continent_country"}, {"no_binding", "no_binding", "", ""},
	} {
		s.NetworkBinding, s.GeoIPBinding = tt.net, tt.geo
		h.Change(s)
		b := h.Browser()
		begin(h, b, s, h.User("ada "+tt.net, ""), nil)
		b.Step("f", "", nil)
		if d := b.Session().Data; d.NetworkBinding != tt.wantNet || d.GeoIPBinding != tt.wantGeo {
			t.Errorf("%+v", d)
		}
	}
}
