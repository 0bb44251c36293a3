package validate

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
)

// Sender is a factor whose devices are sent something when they are chosen.
type Sender interface {
	// Send sends it; say is what the person reads when it can't be sent, "" when it was.
	Send(t *stage.Turn, d device.Device) (say stage.Error, err error)
}

// sentKey is the session's word for when something was sent last.
const sentKey = "validate sent"

// send sends what a chosen device needs; done says that this is all that the answer was for. As published, a choice without a proof is an
// empty response, also when something was sent.
func (s *Stage) send(t *stage.Turn, o offer, in *Answer) (res stage.Result, done bool) {
	f, ok := o.Factor.(Sender)
	if !ok || in.Code != "" || in.WebAuthn != nil || in.Duo != nil {
		return res, false
	}
	say, err := f.Send(t, o.devices[0])
	switch {
	case err != nil:
		return stage.Fail(err), true
	case say.String != "":
		return stage.Retry(stage.Errors{"selected_challenge": {say}}), true
	}
	t.Remember(sentKey, t.Now.Format(time.RFC3339Nano))
	return stage.WrongAll("Empty response"), true
}

// told notes in a challenge whether something was sent, and whether this very answer had it sent.
func (c *Challenge) told(t *stage.Turn) *Challenge {
	at, err := time.Parse(time.RFC3339Nano, t.Recall(sentKey))
	c.Sent = err == nil && t.Now.Sub(at) < 5*time.Minute
	c.quiet = err == nil && at.Equal(t.Now)
	return c
}

// Quiet says that the page has no reason to tell of something wrong: what was asked for was sent.
func (c *Challenge) Quiet() bool { return c.quiet }

// Choice is what a page sends to choose the device of a class, "" when there is none.
func (c *Challenge) Choice(class string) (string, error) {
	i := slices.IndexFunc(c.Devices, func(d DeviceChallenge) bool { return d.Class == class })
	if i < 0 {
		return "", nil
	}
	b, err := json.Marshal(c.Devices[i])
	return string(b), err
}

// UID is the key of the device of a class, "" when there is none.
func (c *Challenge) UID(class string) string {
	i := slices.IndexFunc(c.Devices, func(d DeviceChallenge) bool { return d.Class == class })
	if i < 0 {
		return ""
	}
	return c.Devices[i].UID
}

// SetRaw implements stage.RawAnswer. A form knows texts only: it sends a choice as the text of its object, and its empty field for a code
// along with every other button.
func (a *Answer) SetRaw(body map[string]json.RawMessage) {
	body = maps.Clone(body)
	var text string
	if raw := body["selected_challenge"]; json.Unmarshal(raw, &text) == nil && strings.HasPrefix(text, "{") {
		body["selected_challenge"] = json.RawMessage(text)
	}
	empty := func(name string) bool { return strings.TrimSpace(string(body[name])) == `""` }
	if empty("code") && (body["selected_challenge"] != nil || body["duo"] != nil || body["webauthn"] != nil && !empty("webauthn")) {
		delete(body, "code")
	}
	_, a.bad = kind.Decode(kind.FieldsOf(reflect.TypeFor[Answer]()), body, reflect.ValueOf(a).Elem(), true)
}
