package oauth2

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// fulfilStep is the last step of an authorization: it makes the code and sends the person back to the client.
const fulfilStep = "oauth2 fulfil"

// Fulfil is the step.
type Fulfil struct{ Room *Room }

var _ stage.Inline = Fulfil{}

// Name implements stage.Inline.
func (Fulfil) Name() string { return fulfilStep }

// Take implements stage.Inline; there is nothing to answer.
func (f Fulfil) Take(t *stage.Turn, params map[string]any, _ map[string]json.RawMessage) stage.Result {
	return f.Show(t, params)
}

// Show implements stage.Inline.
func (f Fulfil) Show(t *stage.Turn, params map[string]any) stage.Result {
	r := f.Room
	pk, _ := params["provider"].(float64)
	if n, ok := params["provider"].(int64); ok {
		pk = float64(n)
	}
	p, err := r.byPK(t.Ctx, int64(pk))
	if fault.Is(err, fault.NotFound) {
		return stage.Deny("The application was removed meanwhile.")
	}
	if err != nil {
		return stage.Fail(err)
	}
	app, err := r.app(t.Ctx, p)
	if err != nil {
		return stage.Fail(err)
	}
	if t.SignedIn == nil || app == nil {
		return stage.Deny("")
	}
	if _, err := r.signerOf(t.Ctx, p); err != nil {
		return f.unusable(t, p, params, err)
	}
	text := func(name string) string { s, _ := params[name].(string); return s }
	g := &grant{
		Provider: p.PK, User: t.SignedIn.PK, Scope: strings.Fields(text("scope")), Nonce: text("nonce"), RedirectURI: text("redirect_uri"),
		Challenge: text("code_challenge"), Method: text("code_challenge_method"), Auth: authOf(t.Session), Session: sessionHash(t.Session.UUID), Family: newFamily(),
	}
	if g.Terms, err = termsOf(text("terms")); err != nil {
		return stage.Fail(err)
	}
	if g.Terms.Key, err = parseKey(text("dpop_jkt")); err != nil {
		return stage.Fail(err)
	}
	if g.Auth.SID, err = r.sid(t.Ctx, p, t.Session.UUID); err != nil {
		return stage.Fail(err)
	}
	known := login{provider: p.PK, sid: g.Auth.SID, session: t.Session.UUID, issuer: issuer(p, app.Slug, t.Request.Base)}
	if known.sid != "" {
		if known.subject, err = r.subjectFor(t.Ctx, p, t.SignedIn); err != nil {
			return stage.Fail(err)
		}
	}
	given := strings.Fields(text("response_type"))
	v := url.Values{"state": {text("state")}, "iss": {known.issuer}}
	code := ""
	if len(given) == 0 || slices.Contains(given, "code") {
		code = strings.ReplaceAll(crypt.UUID(), "-", "") + crypt.ID(11)
		v.Set("code", code)
	}
	var m *minted
	if w := (wanted{access: slices.Contains(given, "token"), id: slices.Contains(given, "id_token"), front: true, code: code}); w.access || w.id {
		if m, err = r.mint(t.Ctx, p, app.Slug, t.Request.Base, g, t.SignedIn, w); err != nil {
			return stage.Fail(err)
		}
		if w.access {
			v.Set("access_token", m.access)
			v.Set("token_type", "Bearer")
			v.Set("expires_in", strconv.FormatInt(int64(m.life.Seconds()), 10))
		}
		if w.id {
			v.Set("id_token", m.id)
		}
	}
	if mode := text("response_mode"); mode == "form_post" {
		s := submission(g.RedirectURI, app.Name, v)
		t.Plan.Append(stage.Step{Inline: flow.AutosubmitStep, Params: map[string]any{"url": s.URL, "attrs": s.Attrs, "title": s.Title}})
	} else {
		t.Plan.Context[stage.RedirectTo] = answerURL(g.RedirectURI, mode, v)
	}
	pushed, _ := params["pushed"].(float64)
	if n, ok := params["pushed"].(int64); ok {
		pushed = float64(n)
	}
	done := stage.Done()
	if m == nil && pushed == 0 {
		done = done.Soon() // nobody has more than a code, and redeeming it brings to the disk what came before
	}
	return done.Writing(func(tx *store.Tx) error {
		if pushed != 0 {
			if err := answerPushed(tx, int64(pushed)); err != nil {
				return err
			}
		}
		if code != "" {
			if err := r.newCode(tx, code, g, lifeOf(p)); err != nil {
				return err
			}
		}
		if m != nil && m.access != "" {
			if err := r.keep(tx, g, m); err != nil {
				return err
			}
		}
		if known.sid != "" {
			if err := join(tx, known); err != nil {
				return err
			}
		}
		return r.Events.EmitTx(tx, event.Entry{Action: event.AuthorizeApp, App: "authentik.providers.oauth2", Context: map[string]any{
			"authorized_application": event.Model(r.Store.KindFor(app), app.PK, app.Name),
			"flow":                   strings.ReplaceAll(t.Flow.PK, "-", ""), "scopes": strings.Join(g.Scope, " "),
		}})
	}).Else(func(err error) stage.Result {
		if errors.Is(err, errAnswered) {
			return stage.Deny(errAnswered.Say)
		}
		return stage.Fail(err)
	})
}

// unusable tells the client that its provider can't sign, and the log why.
func (f Fulfil) unusable(t *stage.Turn, p *Provider, params map[string]any, cause error) stage.Result {
	to, _ := params["redirect_uri"].(string)
	mode, _ := params["response_mode"].(string)
	state, _ := params["state"].(string)
	v := url.Values{"error": {"server_error"}, "error_description": {"The provider can't sign tokens. Its admin finds the reason in the log."}}
	if state != "" {
		v.Set("state", state)
	}
	if mode == "form_post" {
		s := submission(to, p.Name, v)
		t.Plan.Append(stage.Step{Inline: flow.AutosubmitStep, Params: map[string]any{"url": s.URL, "attrs": s.Attrs, "title": s.Title}})
	} else {
		t.Plan.Context[stage.RedirectTo] = answerURL(to, mode, v)
	}
	return stage.Done().Writing(func(tx *store.Tx) error {
		return f.Room.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.providers.oauth2", Context: map[string]any{
			"message": fault.As(cause).Say, "provider": reference(p),
		}})
	})
}

// sessionHash names a session to clients without telling it.
func sessionHash(uuid string) string {
	sum := sha256.Sum256([]byte(uuid))
	return hex.EncodeToString(sum[:])
}
