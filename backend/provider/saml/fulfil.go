package saml

import (
	"encoding/json"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// fulfilStep is the last step of an authorization: it makes the response and sends the person back to the application.
const fulfilStep = "saml fulfil"

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
	text := func(name string) string { s, _ := params[name].(string); return s }
	v, err := r.bySlug(t.Ctx, text("slug"))
	if fault.Is(err, fault.NotFound) {
		return stage.Deny("The application was removed meanwhile.")
	}
	if err != nil {
		return stage.Fail(err)
	}
	pk, _ := params["provider"].(float64) // it was kept with the plan
	if n, ok := params["provider"].(int64); ok {
		pk = float64(n)
	}
	if int64(pk) != v.p.PK || t.SignedIn == nil || t.Session == nil {
		return stage.Deny("")
	}
	if v.unusable != nil {
		return f.failed(t, v, v.unusable)
	}
	a := asked{id: text("id"), format: text("format")}
	name, err := r.nameID(t.Ctx, v, t.SignedIn, a.format, t.Session, false)
	if err != nil {
		return f.failed(t, v, err)
	}
	attributes, err := r.learn(t.Ctx, v, t.SignedIn, false)
	if err != nil {
		return stage.Fail(err)
	}
	who := known{name: name, attributes: attributes, at: t.Session.Data.AuthTime, class: class(t.Session.Data.Method, t.Session.Data.MFA)}
	if who.at.IsZero() {
		who.at = t.Session.Created
	}
	el, err := v.response(a, who, t.Now)
	if err != nil {
		return f.failed(t, v, err)
	}
	out, err := send(el, true, v.p.ACSURL, v.p.Binding, text("relay"), v.queryKey())
	if err != nil {
		return f.failed(t, v, err)
	}
	if out.url != "" {
		t.Plan.Context[stage.RedirectTo] = out.url
	} else {
		t.Plan.Append(stage.Step{Inline: flow.AutosubmitStep, Params: map[string]any{"url": v.p.ACSURL, "attrs": out.form, "title": "Redirecting to " + v.app.Name + "..."}})
	}
	return stage.Done().Writing(func(tx *store.Tx) error {
		return r.Events.EmitTx(tx, event.Entry{Action: event.AuthorizeApp, App: "authentik.providers.saml", Context: map[string]any{
			"authorized_application": event.Model(r.Store.KindFor(v.app), v.app.PK, v.app.Name), "flow": strings.ReplaceAll(t.Flow.PK, "-", ""),
		}})
	})
}

// failed ends the flow, tells the person that an admin is needed, and the admin why.
func (f Fulfil) failed(t *stage.Turn, v *served, cause error) stage.Result {
	if fault.As(cause).Kind != fault.Invalid {
		return stage.Fail(cause)
	}
	say := fault.As(cause).Say
	err := f.Room.Events.Emit(t.Ctx, event.ConfigurationError, map[string]any{"message": "Failed to process SAML assertion: " + say, "provider": reference(v.p)})
	if err != nil {
		return stage.Fail(err)
	}
	return stage.Deny("The application can't be told who you are. " + say)
}
