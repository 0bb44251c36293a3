package sms

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/gateway"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// limits are how many messages go out: each costs money, and rings at somebody who may not have asked for it.
func limits(phone string, who int64, address string) []gateway.Limit {
	number, person, from := "number "+phone, fmt.Sprint("person ", who), "address "+user.Network(address)
	return []gateway.Limit{
		{Key: number, Times: 1, Within: 30 * time.Second}, {Key: number, Times: 5, Within: 15 * time.Minute}, {Key: number, Times: 15, Within: 24 * time.Hour},
		{Key: person, Times: 8, Within: 15 * time.Minute}, {Key: person, Times: 30, Within: 24 * time.Hour},
		{Key: from, Times: 20, Within: 15 * time.Minute},
	}
}

// send sends a code to a phone; say is what the person reads when it can't be, an admin finds why in the log and among the events.
func (s *Stage) send(t *stage.Turn, v *Device, code string) (say stage.Error, err error) {
	if wait := s.d.Gateway.Wait(t.Now, limits(v.Phone, v.User, t.Request.HTTP.ClientIP)...); wait > 0 {
		key, n := "flow.sms.often", device.Seconds(wait)
		if n > 90 {
			key, n = "flow.sms.often_minutes", (n+59)/60
		}
		return stage.Error{String: s.d.say(t, key, "n", n), Code: "throttled"}, nil
	}
	text := s.d.say(t, "flow.sms.message", "brand", t.Brand.Title, "code", code)
	if s.Provider == Twilio {
		err = s.d.Gateway.Message(t.Ctx, gateway.Account{SID: s.Account, Token: s.Auth, From: s.From}, v.Phone, text)
	} else {
		err = s.post(t, v, code, text)
	}
	if err == nil {
		return say, nil
	}
	if t.Ctx.Err() != nil {
		return say, err
	}
	s.report(t, err, code)
	return stage.Error{String: s.d.say(t, "flow.sms.cant"), Code: "invalid"}, nil
}

// post sends a code through a service on the web: as published, or what the stage's mapping makes of it.
func (s *Stage) post(t *stage.Turn, v *Device, code, text string) error {
	var body any = map[string]any{"From": s.From, "To": v.Phone, "Body": code, "Message": text}
	if s.Mapping != nil {
		m, err := store.Get[event.WebhookMapping](t.Ctx, s.d.Store, *s.Mapping)
		if err != nil {
			return err
		}
		res, err := s.d.Host.Run(t.Ctx, expr.Call{Use: expr.Mapping, Name: m.Name, Text: m.Expression, Vars: expr.Vars{
			"user": t.User, "request": nil, "token": code,
			"device": &expr.Facts{Type: "SMSDevice", Attrs: map[string]any{"pk": v.PK, "name": v.Name, "phone_number": v.Phone, "user": t.User, "confirmed": v.Confirmed, "token": code}},
			"stage": &expr.Facts{Type: "AuthenticatorSMSStage", Attrs: map[string]any{
				"pk": s.PK, "name": s.Name, "provider": s.Provider, "from_number": s.From, "account_sid": s.Account, "auth": s.Auth, "auth_password": s.AuthPassword, "auth_type": s.AuthType, "verify_only": s.VerifyOnly,
			}},
		}})
		if err != nil {
			return err
		}
		body = res.Value
	}
	return s.d.Gateway.Post(t.Ctx, s.Account, gateway.Auth{Type: s.AuthType, User: s.Auth, Password: s.AuthPassword}, body)
}

// report tells admins why no message went out; the code is not among it.
func (s *Stage) report(t *stage.Turn, err error, code string) {
	hide := func(text string) string { return strings.ReplaceAll(text, code, "******") }
	c := map[string]any{"message": "Error sending SMS", "exc": hide(err.Error()), "stage": event.Model(s.d.Store.KindFor(s), s.PK, s.Name)}
	var no *gateway.Refused
	if errors.As(err, &no) {
		c["status_code"], c["body"], c["exc"] = no.Status, hide(no.Body), fmt.Sprintf("status %d", no.Status)
	} else if f := fault.As(err); f.Kind != fault.Internal {
		c["exc"] = hide(f.Say)
	}
	s.d.Log.WarnContext(t.Ctx, "a text message can't be sent", "stage", s.Name, "flow", t.Flow.Slug, "error", hide(err.Error()), "logger", "gatehouse.stage.sms")
	t.After(func(tx *store.Tx) error {
		return s.d.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.stages.authenticator_sms", Context: c})
	})
}
