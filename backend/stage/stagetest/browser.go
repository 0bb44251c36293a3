package stagetest

import (
	"context"
	"encoding/json"
	"net/url"

	"gatehouse/backend/flow"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Browser runs flows as a client of the executor does: it keeps the session's key and follows each advance with a GET.
type Browser struct {
	H      *House
	Key    string // of the session, as the cookie holds it
	IP     string
	Agent  string
	Base   string
	Proven string // what it carries of a second factor that was proven
	Whole  bool   // run through stages that ask nothing in one request, as the pages do
	Hops   int    // how many advances the last request took
	Change func(a *store.Actor)
}

// Browser opens one.
func (h *House) Browser() *Browser {
	return &Browser{H: h, IP: "192.0.2.7", Agent: "test", Base: "https://login.office.lan:9443"}
}

// SignedIn opens a browser in which u is signed in.
func (h *House) SignedIn(u *user.User) *Browser {
	h.T.Helper()
	b := h.Browser()
	h.Write(func(tx *store.Tx) (err error) {
		_, b.Key, err = h.Sessions.Login(tx, nil, u.PK, 0, session.Data{}, store.HTTP{ClientIP: b.IP})
		return err
	})
	return b
}

// Session gives the browser's session, nil when it has none.
func (b *Browser) Session() *session.Session {
	b.H.T.Helper()
	s, err := b.H.Sessions.Find(context.Background(), b.Key)
	if err != nil {
		b.H.T.Fatal(err)
	}
	return s
}

// Context gives the context of a request of this browser.
func (b *Browser) Context() context.Context {
	b.H.T.Helper()
	a, err := b.H.Sessions.Actor(context.Background(), b.Session(), store.HTTP{
		RequestID: "0123456789abcdef0123456789abcdef", Method: "GET", Path: "/if/flow/x/", ClientIP: b.IP, UserAgent: b.Agent, Scheme: "https", Host: "login.office.lan",
	}, store.BrandRef{})
	if err != nil {
		b.H.T.Fatal(err)
	}
	if b.Change != nil {
		b.Change(&a)
	}
	return store.WithActor(session.With(context.Background(), b.Session()), a)
}

// Step makes one request; answer nil is a GET.
func (b *Browser) Step(slug, query string, answer map[string]any) flow.Outcome {
	b.H.T.Helper()
	out, err := b.Try(slug, query, answer)
	if err != nil {
		b.H.T.Fatalf("%s: %v", slug, err)
	}
	return out
}

// Try is Step that gives the error.
func (b *Browser) Try(slug, query string, answer map[string]any) (flow.Outcome, error) {
	b.H.T.Helper()
	q, err := url.ParseQuery(query)
	if err != nil {
		b.H.T.Fatal(err)
	}
	in := flow.Input{Slug: slug, Query: q, Session: b.Session(), Base: b.Base, Continue: b.Whole, Proven: b.Proven}
	if answer != nil {
		in.Answer = map[string]json.RawMessage{}
		for k, v := range answer {
			raw, err := json.Marshal(v)
			if err != nil {
				b.H.T.Fatal(err)
			}
			in.Answer[k] = raw
		}
	}
	out, err := b.H.Engine.Step(b.Context(), in)
	switch {
	case out.Started != nil:
		b.Key = out.Key
	case out.Ended:
		b.Key = ""
	}
	return out, err
}

func (b *Browser) follow(slug, query string, answer map[string]any) flow.Outcome {
	b.H.T.Helper()
	b.Hops = 0
	out := b.Step(slug, query, answer)
	for out.Advance {
		if b.Hops++; b.Hops > 20 {
			b.H.T.Fatalf("%s: more than 20 advances", slug)
		}
		out = b.Step(slug, query, nil)
	}
	return out
}

// Get asks for the flow's current challenge and follows advances.
func (b *Browser) Get(slug, query string) flow.Outcome {
	b.H.T.Helper()
	return b.follow(slug, query, nil)
}

// Post answers the current challenge and follows advances.
func (b *Browser) Post(slug, query string, answer map[string]any) flow.Outcome {
	b.H.T.Helper()
	if answer == nil {
		answer = map[string]any{}
	}
	return b.follow(slug, query, answer)
}

// Wire gives a challenge as it goes over the wire; nil when the outcome has none.
func Wire(out flow.Outcome) map[string]any {
	if out.Challenge == nil {
		return nil
	}
	b, err := json.Marshal(out.Challenge)
	if err != nil {
		panic(err) // a challenge is made of plain structs
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		panic(err)
	}
	return m
}

// Component names what an outcome shows: the component of its challenge, "to <address>", or "nothing".
func Component(out flow.Outcome) string {
	switch {
	case out.To != "":
		return "to " + out.To
	case out.Challenge == nil:
		return "nothing"
	}
	return out.Challenge.Component
}

// Denied gives why the flow ended, and whether it did.
func Denied(out flow.Outcome) (string, bool) {
	m := Wire(out)
	if m["component"] != "ak-stage-access-denied" {
		return "", false
	}
	s, _ := m["error_message"].(string)
	return s, true
}

// Problem gives the first error of a field as "text (code)", "" when there is none.
func Problem(out flow.Outcome, field string) string {
	if out.Challenge == nil || len(out.Challenge.Errors[field]) == 0 {
		return ""
	}
	e := out.Challenge.Errors[field][0]
	return e.String + " (" + e.Code + ")"
}

// Remember stores what the browser's session remembers, after change.
func (b *Browser) Remember(change func(d *session.Data)) {
	b.H.T.Helper()
	s := b.Session()
	change(&s.Data)
	b.H.Write(func(tx *store.Tx) error { return session.Save(tx, s) })
}
