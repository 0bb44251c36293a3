package oauth2

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"gatehouse/backend/user"
)

// terms are what a grant is given under beside its scopes.
type terms struct {
	Claims    asked    `json:"claims,omitzero"`
	Key       string   `json:"jkt,omitempty"`      // thumbprint of the key that tokens are bound to
	Resources []string `json:"resource,omitempty"` // that access tokens are for
}

// text is how terms are stored: "" where there are none.
func (t terms) text() string {
	b, err := json.Marshal(t)
	if err != nil || string(b) == "{}" { // what came as JSON goes as JSON
		return ""
	}
	return string(b)
}

func termsOf(text string) (t terms, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &t)
	}
	return t, err
}

// asked are the claims that a client asks for one by one (OpenID Connect Core 5.5).
type asked struct {
	IDToken  map[string]*wish `json:"id_token,omitempty"`
	Userinfo map[string]*wish `json:"userinfo,omitempty"`
}

// wish is how a claim is asked for; nil asks for it without more (Core 5.5.1).
type wish struct {
	Essential bool  `json:"essential,omitempty"`
	Value     any   `json:"value,omitempty"`
	Values    []any `json:"values,omitempty"`
}

// How much a client may ask for.
const (
	maxClaims     = 8 << 10 // bytes of the parameter
	maxClaimNames = 50      // in one place
)

// parseClaims reads the parameter claims. Members that nobody knows are overlooked, as Core 5.5 says.
func parseClaims(text string) (asked, error) {
	if text == "" {
		return asked{}, nil
	}
	var out asked
	text = strings.TrimSpace(text)
	if len(text) > maxClaims || !strings.HasPrefix(text, "{") || json.Unmarshal([]byte(text), &out) != nil {
		return asked{}, &problem{code: "invalid_request", text: "The parameter claims is no JSON object of the kind that OpenID Connect Core 5.5 describes, or too long."}
	}
	if len(out.IDToken) > maxClaimNames || len(out.Userinfo) > maxClaimNames {
		return asked{}, &problem{code: "invalid_request", text: "The parameter claims names too many claims."}
	}
	return out, nil
}

// fits says whether a value is one that was asked for.
func (w *wish) fits(v any) bool {
	if w == nil || w.Value == nil && w.Values == nil {
		return true
	}
	got, err := json.Marshal(v)
	if err != nil {
		return false
	}
	for _, want := range append([]any{w.Value}, w.Values...) {
		if b, err := json.Marshal(want); err == nil && want != nil && bytes.Equal(b, got) {
			return true
		}
	}
	return false
}

// person gives whom the client means by the value of the claim sub, "" when it means nobody (Core 5.5.1).
func (a asked) person() string {
	if w := a.IDToken["sub"]; w != nil {
		s, _ := w.Value.(string)
		return s
	}
	return ""
}

// unmet says that a sign-in of a kind is essential that there is none of here (Core 5.5.1.1).
func (a asked) unmet() bool {
	w := a.IDToken["acr"]
	return w != nil && w.Essential && !w.fits(acr)
}

// names gives all claims that were asked for, sorted.
func (a asked) names() []string {
	var out []string
	for _, list := range []map[string]*wish{a.IDToken, a.Userinfo} {
		for name := range list {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return out
}

// keep leaves of what was asked the claims that are among names.
func (a asked) keep(names []string) asked {
	of := func(list map[string]*wish) map[string]*wish {
		var out map[string]*wish
		for name, w := range list {
			if slices.Contains(names, name) {
				if out == nil {
					out = map[string]*wish{}
				}
				out[name] = w
			}
		}
		return out
	}
	return asked{of(a.IDToken), of(a.Userinfo)}
}

// single is a claim that no granted scope gives, with the mapping that does.
type single struct {
	name string
	from *ScopeMapping
}

// available leaves of the claims that a client asks for those that the provider has for a person: what the granted scopes give, and single
// ones of its other scopes, which the person has to agree to.
func (r *Room) available(ctx context.Context, p *Provider, g *grant, u *user.User, want asked) (asked, []single, error) {
	names := want.names()
	if len(names) == 0 {
		return asked{}, nil, nil
	}
	all, err := r.scopes(ctx, p)
	if err != nil {
		return asked{}, nil, err
	}
	granted, err := r.mapped(ctx, p, g, u)
	if err != nil {
		return asked{}, nil, err
	}
	var found []string
	var more []single
	for _, name := range names {
		if _, ok := granted[name]; ok || g.reserved(name) {
			found = append(found, name)
		}
	}
	for _, m := range all {
		if slices.Contains(g.Scope, m.ScopeName) {
			continue
		}
		gives, err := r.evaluate(ctx, p, g, u, m)
		if err != nil {
			return asked{}, nil, err
		}
		for _, name := range names {
			if v, ok := gives[name]; ok && v != nil && !slices.Contains(found, name) {
				found, more = append(found, name), append(more, single{name, m})
			}
		}
	}
	return want.keep(found), more, nil
}

// permission is what a person reads of a single claim.
func (s single) permission() map[string]any {
	text := "Only the claim " + s.name
	if s.from.Description != "" {
		text = s.from.Description + ", only the claim " + s.name
	}
	return map[string]any{"id": "claim:" + s.name, "name": text}
}

// wished gives the claims that were asked for by name and are not among what is told anyway.
func (r *Room) wished(ctx context.Context, p *Provider, g *grant, u *user.User, told map[string]any, want map[string]*wish) (map[string]any, error) {
	var open []string
	for name := range want {
		if _, ok := told[name]; !ok && !g.reserved(name) {
			open = append(open, name)
		}
	}
	if len(open) == 0 {
		return nil, nil
	}
	all, err := r.scopes(ctx, p)
	if err != nil {
		return nil, err
	}
	granted, err := r.mapped(ctx, p, g, u)
	if err != nil {
		return nil, err
	}
	others := map[string]any{}
	for _, m := range all {
		if slices.Contains(g.Scope, m.ScopeName) {
			continue
		}
		gives, err := r.evaluate(ctx, p, g, u, m)
		if err != nil {
			return nil, err
		}
		user.Merge(others, gives)
	}
	out := map[string]any{}
	for _, name := range open {
		v, ok := granted[name]
		if !ok {
			v, ok = others[name]
		}
		if ok && v != nil && want[name].fits(v) {
			out[name] = v
		}
	}
	return out, nil
}
