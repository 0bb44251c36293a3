package password_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/auth"
	"gatehouse/backend/brand"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/password"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

const model = "authentik_stages_password.passwordstage"

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{
		password.Kind(password.Deps{Deps: h.Stage, Auth: h.Auth, Events: h.Events, Recovery: h.Engine.RecoverySlug}),
		dummy.Kind(dummy.Deps{Deps: h.Stage}),
	}}
}

func make1(h *stagetest.House) *password.Stage {
	s := stagetest.New[password.Stage](h)
	s.Backends = []string{auth.Inbuilt, auth.LDAP, auth.Token}
	return s
}

// begin puts a person before the password stage; nil is a made-up one called nobody.
func begin(h *stagetest.House, b *stagetest.Browser, f *flow.Flow, s *password.Stage, u *user.User) {
	p := stage.NewPlan(f.PK, nil)
	if u == nil {
		u = &user.User{Username: "nobody"}
	}
	p.SetUser(u)
	p.Append(stage.Step{Stage: s.PK})
	d := stagetest.New[dummy.Stage](h)
	d.Name = fmt.Sprint("after ", h.Count("object", "1 = 1"))
	h.Make(d)
	p.Append(stage.Step{Stage: d.PK})
	h.Begin(b, f, p)
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Proof: true, Make: func(h *stagetest.House) any { return make1(h) }})
}

func TestNoPendingUser(t *testing.T) {
	h := stagetest.Open(t, with)
	h.Flow("f", flow.Authentication, make1(h))
	for _, b := range []*stagetest.Browser{h.Browser(), h.SignedIn(h.User("ada", "a good password"))} {
		for _, answer := range []map[string]any{nil, {"password": "a good password"}} {
			if why, denied := stagetest.Denied(b.Step("f", "", answer)); !denied || why != "Unknown error" {
				t.Errorf("%q %v", why, denied)
			}
		}
	}
}

func TestPassword(t *testing.T) {
	const good = " a good  password "
	for _, tt := range []struct{ name, who, password, want string }{
		{"right", "ada", good, ""},
		{"white space counts", "ada", "a good  password", "Invalid password (invalid)"},
		{"wrong", "ada", "not my password", "Invalid password (invalid)"},
		{"blank", "ada", "", "This field may not be blank. (blank)"},
		{"switched off", "old", good, "Invalid password (invalid)"},
		{"no usable password", "new", good, "Invalid password (invalid)"},
		{"a made-up user", "", good, "Invalid password (invalid)"},
		{"very long", "ada", string(make([]byte, 0)) + fmt.Sprintf("%050000d", 7), "Invalid password (invalid)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := stagetest.Open(t, with)
			h.User("ada", good)
			h.User("old", good, func(u *user.User) { u.IsActive = false })
			h.User("new", "")
			s := make1(h)
			f := h.Flow("f", flow.Authentication, s)
			var u *user.User
			name := "nobody"
			if tt.who != "" {
				name = tt.who
				var err error
				if u, err = h.Users.ByUsername(t.Context(), tt.who); err != nil {
					t.Fatal(err)
				}
			}
			b := h.Browser()
			begin(h, b, f, s, u)
			m := stagetest.Wire(b.Get("f", ""))
			if m["component"] != "ak-stage-password" || m["pending_user"] != name || m["recovery_url"] != nil {
				t.Errorf("%v", m)
			}
			out := b.Post("f", "", map[string]any{"component": "ak-stage-password", "password": tt.password})
			if got := stagetest.Problem(out, "password"); got != tt.want {
				t.Fatalf("%q, want %q", got, tt.want)
			}
			fails := h.Heard(event.LoginFailed)
			switch {
			case tt.want == "":
				c := h.Plan(b).Context
				if c[stage.UserBackend] != stage.InbuiltBackend || c[stage.AuthMethod] != "password" || !reflect.DeepEqual(c[stage.AuthMethodArgs], map[string]any{}) || len(fails) != 0 {
					t.Errorf("%v %v", c, fails)
				}
			case tt.password != "":
				if len(fails) != 1 || fails[0].Context["username"] != name || fails[0].Context["password"] != event.Mask {
					t.Fatalf("%v", fails)
				}
				if st, _ := fails[0].Context["stage"].(map[string]any); st["model_name"] != "passwordstage" || st["app"] != "authentik_stages_password" || st["name"] != s.Name {
					t.Errorf("%v", fails[0].Context["stage"])
				}
				if fails[0].ClientIP == nil || *fails[0].ClientIP != b.IP {
					t.Error("the event has no address")
				}
			}
		})
	}
}

func TestAppPassword(t *testing.T) {
	h := stagetest.Open(t, with)
	ada, bob := h.User("ada", "a good password"), h.User("bob", "another password")
	tok := &token.Token{Identifier: "app", Intent: token.AppPassword, User: ada.PK}
	h.Write(func(tx *store.Tx) error { return h.Tokens.Make(tx, tok) })
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	b := h.Browser()
	begin(h, b, f, s, ada)
	if out := b.Post("f", "", map[string]any{"password": tok.Key}); stagetest.Component(out) != "ak-stage-dummy" {
		t.Fatal(stagetest.Problem(out, "password"))
	}
	c := h.Plan(b).Context
	if args, _ := c[stage.AuthMethodArgs].(map[string]any); c[stage.AuthMethod] != "token" || c[stage.UserBackend] != auth.Token || args["token"] == nil {
		t.Errorf("%v", c)
	}
	begin(h, b, f, s, bob)
	if out := b.Post("f", "", map[string]any{"password": tok.Key}); stagetest.Problem(out, "password") != "Invalid password (invalid)" {
		t.Error("an app password opens another's account")
	}
	s.Backends = []string{auth.Inbuilt}
	h.Change(s)
	begin(h, b, f, s, ada)
	if out := b.Post("f", "", map[string]any{"password": tok.Key}); stagetest.Problem(out, "password") != "Invalid password (invalid)" {
		t.Error("a backend that is not chosen opens the account")
	}
}

func TestCancelAfterWrongOnes(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	s.FailedAttempts = 3
	f := h.Flow("f", flow.Authentication, s)
	b := h.Browser()
	wrong := func() flow.Outcome { return b.Post("f", "", map[string]any{"password": "not this one"}) }
	begin(h, b, f, s, ada)
	wrong()
	wrong()
	if out := b.Post("f", "", map[string]any{"password": "a good password"}); stagetest.Component(out) != "ak-stage-dummy" {
		t.Fatal(stagetest.Component(out))
	}
	if n := b.Session().Data.Tries; n != 0 {
		t.Errorf("a right password leaves %d tries", n)
	}
	begin(h, b, f, s, ada)
	for i := range 3 {
		out := wrong()
		why, denied := stagetest.Denied(out)
		if denied != (i == 2) || denied && !strings.HasPrefix(why, "That was a wrong password too many times.") {
			t.Errorf("try %d: %v %q", i+1, denied, why)
		}
	}
	if h.Plan(b) != nil || b.Session().Data.Tries != 0 {
		t.Error("the sign-in has not ended")
	}
}

// A session's tries are one session's: at once or one after the other, they end at the limit.
func TestTriesAtOnce(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	b := h.Browser()
	begin(h, b, f, s, ada)
	ctx, sess := b.Context(), b.Session()
	outs := make(chan flow.Outcome, 8)
	for range 8 {
		go func() {
			out, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: body("not this one")})
			if err != nil {
				t.Error(err)
			}
			outs <- out
		}()
	}
	asked, denied := 0, 0
	for range 8 {
		out := <-outs
		if _, is := stagetest.Denied(out); is {
			denied++
		} else if stagetest.Problem(out, "password") != "" {
			asked++
		}
	}
	if asked != 4 || denied == 0 {
		t.Errorf("%d wrong ones were answered, %d times the flow ended", asked, denied)
	}
}

// New flows, sessions and header tricks give no new tries; a thousand wrong passwords stop below a hundred (security case 21).
func TestGuessing(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	checked := 0
	for i := range 60 {
		b := h.Browser()
		b.Agent = fmt.Sprint("agent ", i)
		b.Change = func(a *store.Actor) {
			a.HTTP.Args = map[string]string{http.CanonicalHeaderKey("x-forwarded-for"): fmt.Sprint(i)}
		}
		begin(h, b, f, s, ada)
		if stagetest.Problem(b.Post("f", "", map[string]any{"password": "not this one"}), "password") == "Invalid password (invalid)" {
			checked++
		}
	}
	if checked != 10 {
		t.Errorf("%d of 60 passwords were checked from one address", checked)
	}
	for i := range 120 {
		b := h.Browser()
		b.IP = fmt.Sprintf("198.51.100.%d", i)
		begin(h, b, f, s, ada)
		if stagetest.Problem(b.Post("f", "", map[string]any{"password": "not this one"}), "password") == "Invalid password (invalid)" {
			checked++
		}
	}
	if checked >= 100 {
		t.Errorf("%d passwords were checked from many addresses", checked)
	}
	// After the wait the person gets in again.
	h.Wait(2 * time.Hour)
	b := h.Browser()
	begin(h, b, f, s, ada)
	if out := b.Post("f", "", map[string]any{"password": "a good password"}); stagetest.Component(out) != "ak-stage-dummy" {
		t.Errorf("%s", stagetest.Problem(out, "password"))
	}
}

// Tries that are sent at once don't all find that nothing failed yet (lockout bypass by race).
func TestGuessingAtOnce(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	const n = 40
	checked := make(chan bool, n)
	for i := range n {
		b := h.Browser()
		b.Change = func(a *store.Actor) { a.HTTP.UserAgent = fmt.Sprint("agent ", i) }
		begin(h, b, f, s, ada)
		ctx, sess := b.Context(), b.Session()
		go func() {
			out, err := h.Engine.Step(ctx, flow.Input{Slug: "f", Session: sess, Answer: body("not this one")})
			if err != nil {
				t.Error(err)
			}
			checked <- stagetest.Problem(out, "password") == "Invalid password (invalid)"
		}()
	}
	total := 0
	for range n {
		if <-checked {
			total++
		}
	}
	if total < 10 || total > 13 {
		t.Errorf("%d of %d passwords were checked", total, n)
	}
}

func TestThrottledText(t *testing.T) {
	h := stagetest.Open(t, with)
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	var got []string
	for _, u := range []*user.User{h.User("ada", "a good password"), nil} {
		last := ""
		for range 11 {
			b := h.Browser()
			begin(h, b, f, s, u)
			last = stagetest.Problem(b.Post("f", "", map[string]any{"password": "not this one"}), "password")
		}
		got = append(got, last)
	}
	if want := "Too many wrong tries. Wait 10 seconds, then try again. (throttled)"; !slices.Equal(got, []string{want, want}) {
		t.Errorf("%q", got)
	}
}

func TestRecoveryLink(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	f := h.Flow("f", flow.Authentication, s)
	see := func() any {
		b := h.Browser()
		begin(h, b, f, s, ada)
		return stagetest.Wire(b.Get("f", "next=%2Fx"))["recovery_url"]
	}
	if got := see(); got != nil {
		t.Errorf("without a recovery flow: %v", got)
	}
	one, two := h.Flow("lost-1", flow.Recovery), h.Flow("lost-2", flow.Recovery)
	first, other := one, two
	if two.PK < one.PK {
		first, other = two, one
	}
	if got := see(); got != "https://login.office.lan:9443/if/flow/"+first.Slug+"/" {
		t.Errorf("the first one: %v", got)
	}
	br := stagetest.New[brand.Brand](h)
	br.Domain, br.Default, br.FlowRecovery = "authentik-default", true, &other.PK
	h.Make(br)
	if got := see(); got != "https://login.office.lan:9443/if/flow/"+other.Slug+"/" {
		t.Errorf("the brand's: %v", got)
	}
}

// checker is a source that says no to everybody, in its own way.
type checker struct{ err error }

func (c checker) CheckPassword(context.Context, *user.User, string) (bool, map[string]any, error) {
	return c.err == nil, map[string]any{"name": "directory"}, c.err
}

func TestBackendOfASource(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"takes it", nil, "ak-stage-dummy"},
		{"has no right", fault.New(fault.Denied, "Ask your admin."), "Unknown error"},
		{"refuses the change", fault.New(fault.Invalid, "Too simple."), "Unknown error"},
		{"is away", fmt.Errorf("no route to host"), "ak-stage-flow-error"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := stagetest.Open(t, with)
			h.Auth.Checkers = func(context.Context) ([]auth.Checker, error) { return []auth.Checker{checker{tt.err}}, nil }
			ada := h.User("ada", "")
			s := make1(h)
			s.Backends = []string{auth.LDAP}
			f := h.Flow("f", flow.Authentication, s)
			b := h.Browser()
			begin(h, b, f, s, ada)
			out := b.Post("f", "", map[string]any{"password": "directory password"})
			got := stagetest.Component(out)
			if why, denied := stagetest.Denied(out); denied {
				got = why
			}
			if got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if tt.err == nil {
				if c := h.Plan(b).Context; c[stage.AuthMethod] != "ldap" || c[stage.UserBackend] != auth.LDAP {
					t.Errorf("%v", c)
				}
			}
		})
	}
}

func TestRestartDoesNotCount(t *testing.T) {
	h := stagetest.Open(t, with)
	ada := h.User("ada", "a good password")
	s := make1(h)
	f := h.Flow("f", flow.Authentication)
	bind := h.Bind(f, s, 0, func(b *flow.Binding) { b.InvalidResponse = "restart_with_context" })
	b := h.Browser()
	p := stage.NewPlan(f.PK, nil)
	p.SetUser(ada)
	p.Append(stage.Step{Stage: s.PK, Binding: bind.PK, Reevaluate: true})
	h.Begin(b, f, p)
	out := b.Step("f", "", map[string]any{"password": "not this one"})
	if !out.Advance || b.Session().Data.Tries != 0 || h.Count("attempts", "1 = 1") != 3 {
		t.Errorf("%+v", out)
	}
}

func TestUserSettings(t *testing.T) {
	h := stagetest.Open(t, with)
	change := h.Flow("change", flow.Configuration)
	s := make1(h)
	s.ConfigureFlow = &change.PK
	h.Flow("f", flow.Authentication, s)
	got, err := h.Engine.UserSettings().Do(t.Context(), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	list := got.([]flow.UserSetting)
	if len(list) != 1 || list[0].Component != "ak-user-settings-password" || list[0].Title != "Password Stage" || *list[0].ConfigureURL != "/flows/-/configure/"+s.PK+"/" {
		t.Errorf("%+v", list)
	}
}
