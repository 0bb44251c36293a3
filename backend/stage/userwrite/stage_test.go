package userwrite_test

import (
	"reflect"
	"slices"
	"testing"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/source"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/stage/userwrite"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	model  = "authentik_stages_user_write.userwritestage"
	failed = "Failed to update user. Please try again later."
)

func with(h *stagetest.House) stagetest.Made {
	return stagetest.Made{Stages: []*stage.Kind{userwrite.Kind(userwrite.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events}), stagetest.PauseKind(h.Stage)}}
}

func TestStage(t *testing.T) {
	stagetest.Run(t, stagetest.Subject{With: with, Model: model, Make: func(h *stagetest.House) any { return stagetest.New[userwrite.Stage](h) },
		Plan: func(p *stage.Plan) { p.Context[stage.PromptData] = map[string]any{"name": "New name"} }})
}

// scene is a house with a user_write stage; run writes data for a person.
type scene struct {
	*stagetest.House
	stage *userwrite.Stage
	pause *stagetest.Pause
	flow  *flow.Flow
	b     *stagetest.Browser
	plan  *stage.Plan // after the stage
}

func open(t *testing.T, change ...func(s *userwrite.Stage)) *scene {
	s := &scene{House: stagetest.Open(t, with)}
	s.stage = stagetest.New[userwrite.Stage](s.House)
	for _, c := range change {
		c(s.stage)
	}
	s.pause = stagetest.New[stagetest.Pause](s.House)
	s.pause.Name = "pause"
	s.Make(s.pause)
	s.flow = s.Flow("f", "enrollment", s.stage)
	s.b = s.Browser()
	return s
}

func (s *scene) run(who *user.User, data map[string]any, context ...map[string]any) flow.Outcome {
	s.T.Helper()
	p := stage.NewPlan(s.flow.PK, nil)
	for _, c := range context {
		for k, v := range c {
			p.Context[k] = v
		}
	}
	if data != nil {
		p.Context[stage.PromptData] = data
	}
	if who != nil {
		p.SetUser(who)
	}
	p.Append(stage.Step{Stage: s.stage.PK})
	p.Append(stage.Step{Stage: s.pause.PK}) // keeps the plan, to look at
	s.Begin(s.b, s.flow, p)
	out := s.b.Step("f", "", nil)
	s.plan = nil
	if stagetest.Component(out) == stagetest.Paused {
		s.plan = s.Plan(s.b)
	}
	return out
}

func (s *scene) named(username string) *user.User {
	s.T.Helper()
	u, err := s.Users.ByUsername(s.T.Context(), username)
	if err != nil {
		s.T.Fatal(err)
	}
	return u
}

func TestCreate(t *testing.T) {
	s := open(t)
	g, other := stagetest.New[user.Group](s.House), stagetest.New[user.Group](s.House)
	g.Name, other.Name = "new people", "chosen"
	s.Make(g)
	s.Make(other)
	s.stage.Group, s.stage.Path, s.stage.Type = &g.PK, "people/new", user.Internal
	s.Change(s.stage)
	out := s.run(nil, map[string]any{
		"component": "ak-stage-prompt", "username": "ada", "name": "Ada", "email": "ada@office.example", "password": "a good password", "password_repeat": "a good password",
		"attributes.phone": "123", "attributes.settings.locale": "de", "unknown": "x", "groups": []any{"admins"}, "is_superuser": true,
	}, map[string]any{stage.GroupsToAdd: []any{other.PK, map[string]any{"pk": other.PK}, "00000000-0000-4000-8000-000000000000"}})
	if stagetest.Component(out) != stagetest.Paused {
		t.Fatalf("%v", stagetest.Wire(out))
	}
	u := s.named("ada")
	if u.Name != "Ada" || u.Email != "ada@office.example" || u.Path != "people/new" || u.Type != user.Internal || !u.IsActive || u.PasswordChange == nil {
		t.Errorf("%+v", u)
	}
	if want := map[string]any{"phone": "123", "settings": map[string]any{"locale": "de"}}; !reflect.DeepEqual(u.Attributes, want) {
		t.Errorf("%v", u.Attributes)
	}
	if ok, err := s.Users.Verify(t.Context(), u, "a good password"); !ok || err != nil {
		t.Errorf("the password does not match: %v", err)
	}
	names, err := s.Users.GroupNames(t.Context(), u.PK)
	if err != nil || !slices.Equal(names, []string{"chosen", "new people"}) {
		t.Errorf("%v %v", names, err)
	}
	if pk, _, _ := s.plan.UserPK(); pk != u.PK || s.plan.Text(stage.UserBackend) != stage.InbuiltBackend {
		t.Errorf("%v", s.plan.Context)
	}
	es := s.Heard(event.UserWrite)
	if len(es) != 1 || es[0].Context["created"] != true || es[0].Context["username"] != "ada" || es[0].Context["password"] != event.Mask || es[0].Context["component"] != nil {
		t.Errorf("%v", es)
	}
	if len(s.Heard(event.PasswordSet)) != 0 {
		t.Error("a first password is told as a change")
	}
}

func TestPathAndType(t *testing.T) {
	for _, tt := range []struct {
		stage, context, wantPath string
		typ, asked, wantType     string
	}{
		{"", "", "users", user.External, "", user.External},
		{"a/b", "", "a/b", user.Internal, "", user.Internal},
		{"a/b", "c", "c", user.External, user.Internal, user.Internal},
		{"", "", "users", user.External, "king", user.External},
		{"", "", "users", user.ServiceAccount, "", user.ServiceAccount},
		{"", "", "users", user.InternalService, "", user.ServiceAccount},
		{"", "", "users", user.External, user.InternalService, user.ServiceAccount},
	} {
		s := open(t, func(s *userwrite.Stage) { s.Path, s.Type = tt.stage, tt.typ })
		context := map[string]any{}
		if tt.context != "" {
			context[stage.UserPath] = tt.context
		}
		if tt.asked != "" {
			context[stage.UserType] = tt.asked
		}
		s.run(nil, map[string]any{"username": "ada"}, context)
		if u := s.named("ada"); u.Path != tt.wantPath || u.Type != tt.wantType {
			t.Errorf("%+v: %s %s", tt, u.Path, u.Type)
		}
	}
}

func TestModes(t *testing.T) {
	const noUser = "No user found and can't create new user."
	for _, tt := range []struct {
		mode string
		who  string // ada, nobody (made up), "" = none
		want string // created, changed, or why not
	}{
		{userwrite.NeverCreate, "", noUser},
		{userwrite.NeverCreate, "nobody", noUser},
		{userwrite.NeverCreate, "ada", "changed"},
		{userwrite.WhenRequired, "", "created"},
		{userwrite.WhenRequired, "nobody", "created"},
		{userwrite.WhenRequired, "ada", "changed"},
		{userwrite.AlwaysCreate, "", "created"},
		{userwrite.AlwaysCreate, "ada", "created"},
	} {
		s := open(t, func(s *userwrite.Stage) { s.Mode = tt.mode })
		ada := s.User("ada", "")
		who := map[string]*user.User{"ada": ada, "nobody": {Username: "nobody"}}[tt.who]
		out := s.run(who, map[string]any{"username": "eve"})
		got, denied := stagetest.Denied(out)
		if !denied {
			got = "created"
			if s.named("eve").PK == ada.PK {
				got = "changed"
			}
		}
		if got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.mode, tt.who, got, tt.want)
		}
	}
}

func TestInactive(t *testing.T) {
	s := open(t, func(s *userwrite.Stage) { s.Inactive = true })
	s.run(nil, map[string]any{"username": "ada"})
	if s.named("ada").IsActive {
		t.Error("the account is on")
	}
}

func TestSessionUser(t *testing.T) {
	s := open(t)
	ada := s.User("ada", "")
	s.b = s.SignedIn(ada)
	s.run(nil, map[string]any{"name": "Ada Lovelace"})
	if got := s.Person(ada.PK); got.Name != "Ada Lovelace" || got.Username != "ada" {
		t.Errorf("%+v", got)
	}
	if pk, _, _ := s.plan.UserPK(); pk != ada.PK {
		t.Error("the plan is about nobody")
	}
	if es := s.Heard(event.UserWrite); len(es) != 1 || es[0].Context["created"] != false || es[0].User["username"] != "ada" {
		t.Errorf("%v", es)
	}
}

func TestErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		data map[string]any
		want string
	}{
		{"no data", nil, "No Pending data."},
		{"blank username", map[string]any{"username": ""}, failed},
		{"no username", map[string]any{"name": "Ada"}, failed},
		{"taken username", map[string]any{"username": "taken"}, failed},
		{"long username", map[string]any{"username": string(make([]rune, 151))}, failed},
		{"bad e-mail", map[string]any{"username": "ada", "email": "ada"}, failed},
		{"username that is no text", map[string]any{"username": map[string]any{}}, failed},
		{"short password", map[string]any{"username": "ada", "password": "short"}, "Use at least 8 characters."},
	} {
		s := open(t)
		s.User("taken", "")
		out := s.run(nil, tt.data)
		if why, denied := stagetest.Denied(out); !denied || why != tt.want {
			t.Errorf("%s: %q", tt.name, why)
		}
		if s.Count("users", "1 = 1") != 1 || len(s.Heard(event.UserWrite)) != 0 {
			t.Errorf("%s: half written", tt.name)
		}
	}
}

// Nobody raises or revives themselves by what they type; a superuser may.
func TestRaising(t *testing.T) {
	data := map[string]any{"type": user.Internal, "is_active": true, "path": "admins", "is_superuser": true, "groups": []any{"admins"}, "last_login": nil, "uuid": "x", "pk": 1,
		"attributes": map[string]any{"goauthentik.io/user/can-change-username": true, "fine": 1}, "attributes.goauthentik.io/user/debug": true, "name": "Eve"}
	outside := func(u *user.User) { u.Type, u.IsActive = user.External, false }
	s := open(t)
	eve := s.User("eve", "", outside)
	before := s.Person(eve.PK)
	s.run(eve, data)
	got := s.Person(eve.PK)
	if got.Name != "Eve" || !reflect.DeepEqual(got.Attributes, map[string]any{"fine": 1.0}) {
		t.Errorf("%+v", got)
	}
	got.Name, got.Attributes = before.Name, before.Attributes
	if got.Type != before.Type || got.IsActive || got.Path != before.Path || got.UUID != before.UUID || got.LastLogin != nil {
		t.Errorf("%+v\n%+v", got, before)
	}
	if groups, err := s.Users.DirectGroups(t.Context(), eve.PK); err != nil || len(groups) != 0 {
		t.Errorf("%v %v", groups, err)
	}
	// The same from a superuser.
	boss := s.User("boss", "")
	s.Superusers(boss)
	s.b = s.SignedIn(boss)
	s.run(eve, data)
	if got := s.Person(eve.PK); got.Type != user.Internal || !got.IsActive || got.Path != "admins" || got.Attributes["goauthentik.io/user/can-change-username"] != true {
		t.Errorf("%+v", got)
	}
	// Nobody becomes a program of the house.
	s.run(eve, map[string]any{"type": user.InternalService})
	if got := s.Person(eve.PK); got.Type != user.Internal {
		t.Error(got.Type)
	}
}

func TestAttributes(t *testing.T) {
	s := open(t)
	ada := s.User("ada", "", func(u *user.User) {
		u.Attributes = map[string]any{"keep": "me", "settings": map[string]any{"theme": "dark", "locale": "en"}, "text": "t"}
	})
	s.run(ada, map[string]any{
		"attributes": map[string]any{"merged": []any{1, "a"}}, "attributes.settings.locale": "de", "attributes.a.b.c": true, "attributes.text.x": 1, "attributes_foo_bar": "flat", "attributes..bad": 1, "attributes.": 1,
	})
	want := map[string]any{
		"keep": "me", "settings": map[string]any{"theme": "dark", "locale": "de"}, "merged": []any{1.0, "a"}, "a": map[string]any{"b": map[string]any{"c": true}}, "text": map[string]any{"x": 1.0}, "foo_bar": "flat",
	}
	if got := s.Person(ada.PK).Attributes; !reflect.DeepEqual(got, want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

func TestPassword(t *testing.T) {
	s := open(t)
	ada, bob := s.User("ada", "an old password"), s.User("bob", "")
	here, elsewhere, bobs := s.SignedIn(ada), s.SignedIn(ada), s.SignedIn(bob)
	s.Write(func(tx *store.Tx) error { return user.Failed(tx, "ada", "192.0.2.1") })
	s.b = here
	s.run(nil, map[string]any{"password": " a new password "})
	got := s.Person(ada.PK)
	if ok, err := s.Users.Verify(t.Context(), got, " a new password "); !ok || err != nil {
		t.Errorf("%v", err)
	}
	if got.PasswordChange == nil || s.Count("attempts", "who LIKE 'pair%'") != 0 {
		t.Error("no new date, or old failures count")
	}
	if here.Session() == nil || elsewhere.Session() != nil || bobs.Session() == nil {
		t.Errorf("here %v, elsewhere %v, bob %v", here.Session(), elsewhere.Session(), bobs.Session())
	}
	if es := s.Heard(event.PasswordSet); len(es) != 1 || es[0].User["username"] != "ada" {
		t.Errorf("%v", es)
	}
	// Nothing else ends sessions.
	again := s.SignedIn(ada)
	s.run(nil, map[string]any{"name": "Ada"})
	if again.Session() == nil {
		t.Error("a new name ends sessions")
	}
}

// A forgotten password: whoever sits at the person's other browsers is out.
func TestPasswordFromOutside(t *testing.T) {
	s := open(t)
	ada := s.User("ada", "an old password")
	elsewhere := s.SignedIn(ada)
	s.run(ada, map[string]any{"password": "a new password"})
	if elsewhere.Session() != nil {
		t.Error("the old session is good")
	}
}

// An admin who acts as another keeps being there.
func TestPasswordWhileImpersonating(t *testing.T) {
	s := open(t)
	boss, ada := s.User("boss", ""), s.User("ada", "an old password")
	s.b = s.SignedIn(boss)
	s.Write(func(tx *store.Tx) error { return session.Impersonate(tx, s.b.Session(), ada.PK) })
	s.run(nil, map[string]any{"password": "a new password"})
	if s.b.Session() == nil {
		t.Error("the admin is out")
	}
}

func TestSource(t *testing.T) {
	s := open(t)
	src := stagetest.New[source.BuiltIn](s.House)
	src.Name, src.Slug = "Directory", "directory"
	s.Make(src)
	ada := s.User("ada", "", func(u *user.User) { u.Attributes = map[string]any{"goauthentik.io/user/sources": []any{"Other"}} })
	s.run(ada, map[string]any{"name": "Ada"}, map[string]any{stage.Source: stage.Ref("authentik_core.source", src.PK), stage.SourceConnection: map[string]any{"id": 1}})
	if got := s.Person(ada.PK).Attributes["goauthentik.io/user/sources"]; !reflect.DeepEqual(got, []any{"Other", "Directory"}) {
		t.Errorf("%v", got)
	}
}

// The last admin can't be switched off by a flow.
func TestLastAdmin(t *testing.T) {
	s := open(t)
	boss := s.User("boss", "")
	s.Superusers(boss)
	s.b = s.SignedIn(boss)
	if why, denied := stagetest.Denied(s.run(nil, map[string]any{"is_active": false})); !denied || why != failed || !s.Person(boss.PK).IsActive {
		t.Errorf("%q", why)
	}
}

// What waited for the account runs with it; when it refuses there is no account, and the person reads why.
func TestWhatWaited(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{{nil, ""}, {fault.New(fault.Denied, "Somebody was faster."), "Somebody was faster."}} {
		ran := 0
		s := &scene{}
		s.House = stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
			m := with(h)
			m.Stages[0] = userwrite.Kind(userwrite.Deps{Deps: h.Stage, Users: h.Users, Events: h.Events, Written: func(p *stage.Plan) func(tx *store.Tx) error {
				if p.Text("waits") == "" {
					return nil
				}
				return func(*store.Tx) error {
					ran++
					return tt.err
				}
			}})
			return m
		})
		s.stage, s.pause = stagetest.New[userwrite.Stage](s.House), stagetest.New[stagetest.Pause](s.House)
		s.pause.Name = "pause"
		s.Make(s.pause)
		s.flow, s.b = s.Flow("f", "enrollment", s.stage), s.Browser()
		if out := s.run(nil, map[string]any{"username": "first"}); stagetest.Component(out) != stagetest.Paused || ran != 0 {
			t.Errorf("nothing waits: %s", stagetest.Component(out))
		}
		s.b = s.Browser()
		out := s.run(nil, map[string]any{"username": "ada"}, map[string]any{"waits": "x"})
		why, denied := stagetest.Denied(out)
		if denied != (tt.err != nil) || why != tt.want || ran != 1 || s.Count("users", "username = 'ada'") != map[bool]int{true: 0, false: 1}[denied] {
			t.Errorf("%v: %q, ran %d times", tt.err, why, ran)
		}
	}
}
