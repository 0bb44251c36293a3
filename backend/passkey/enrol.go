package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/stage"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"
)

const (
	// timeout is how long a browser waits for a key, as published.
	timeout = time.Minute
	// grace is how long an answer counts.
	grace = 5 * time.Minute
)

// owner is a person as the library knows them.
type owner struct {
	id            []byte
	name, display string
	keys          []webauthn.Credential
}

func (o owner) WebAuthnID() []byte                         { return o.id }
func (o owner) WebAuthnName() string                       { return o.name }
func (o owner) WebAuthnDisplayName() string                { return o.display }
func (o owner) WebAuthnCredentials() []webauthn.Credential { return o.keys }

// handle is a person's user handle: the stable name of the account, which tells nothing about them (section 14.6.1).
func (r *Room) handle(pk int64) []byte { return []byte(r.Users.UID(pk)) }

// library makes the library's instance for a relying party.
func library(t *stage.Turn, p Party) (*webauthn.WebAuthn, error) {
	title := t.Brand.Title
	if title == "" {
		title = "Gatehouse"
	}
	times := webauthn.TimeoutConfig{Timeout: timeout, TimeoutUVD: timeout}
	return webauthn.New(&webauthn.Config{
		RPID: p.ID, RPDisplayName: title, RPOrigins: []string{p.Origin}, AttestationPreference: protocol.PreferDirectAttestation,
		Timeouts: webauthn.TimeoutsConfig{Login: times, Registration: times},
		// Password managers give outputs that nobody asked for; nothing here reads them.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
}

// kept is a ceremony under way, as the session keeps it.
type kept struct {
	Flow    string               `json:"flow"`
	Until   time.Time            `json:"until,omitzero"` // zero: as long as the session
	Session webauthn.SessionData `json:"session"`
}

// slot is the name under which the session keeps the ceremony of a stage.
func slot(stagePK string) string { return "webauthn " + stagePK }

func keep(t *stage.Turn, stagePK string, until time.Time, s *webauthn.SessionData) error {
	b, err := json.Marshal(kept{t.Flow.PK, until, *s})
	if err == nil {
		t.Remember(slot(stagePK), string(b))
	}
	return err
}

// take gives the ceremony of a stage and forgets it: a challenge is for one answer. nil when there is none for this flow that still counts.
func take(t *stage.Turn, stagePK string) *webauthn.SessionData {
	text := t.Recall(slot(stagePK))
	t.Forget(slot(stagePK))
	var k kept
	if text == "" || json.Unmarshal([]byte(text), &k) != nil || k.Flow != t.Flow.PK || !k.Until.IsZero() && t.Now.After(k.Until) {
		return nil
	}
	return &k.Session
}

// Enrolment is what a stage wants of a new key.
type Enrolment struct {
	Stage            string // its key
	UserVerification string
	ResidentKey      string
	Attachment       string // "" for any
}

// Enrol begins the registration of a key for the person of the turn (section 5.4) and gives the options for the browser, with a fresh
// challenge. The keys that they have are excluded: making one anew on the same authenticator would put an end to the old one. The error is
// a *BadAddress where browsers take no keys.
func (r *Room) Enrol(t *stage.Turn, e Enrolment) (map[string]any, error) {
	p, err := PartyOf(t.Request.Base)
	if err != nil {
		return nil, err
	}
	w, err := library(t, p)
	if err != nil {
		return nil, err
	}
	have, err := r.Of(t.Ctx, t.User.PK)
	if err != nil {
		return nil, err
	}
	resident := e.ResidentKey == string(protocol.ResidentKeyRequirementRequired)
	o := owner{id: r.handle(t.User.PK), name: t.User.Username, display: t.User.Name}
	if o.display == "" {
		o.display = o.name
	}
	creation, s, err := w.BeginRegistration(o, webauthn.WithExclusions(descriptors(within(p, have))), webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
		AuthenticatorAttachment: protocol.AuthenticatorAttachment(e.Attachment), RequireResidentKey: &resident,
		ResidentKey: protocol.ResidentKeyRequirement(e.ResidentKey), UserVerification: protocol.UserVerificationRequirement(e.UserVerification),
	}))
	if err != nil {
		return nil, err
	}
	if err := keep(t, e.Stage, t.Now.Add(grace), s); err != nil {
		return nil, err
	}
	out, err := asMap(creation.Response)
	if err == nil && out["excludeCredentials"] == nil {
		out["excludeCredentials"] = []any{}
	}
	return out, err
}

// descriptors names devices in options. How a key is reached is left out, as published.
func descriptors(ds []*Device) []protocol.CredentialDescriptor {
	out := []protocol.CredentialDescriptor{}
	for _, d := range ds {
		if id, err := base64.RawURLEncoding.DecodeString(d.CredentialID); err == nil {
			out = append(out, protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: id})
		}
	}
	return out
}

// Refused is why a browser's answer does not count, in a sentence for people.
type Refused struct{ Detail string }

// Error implements error.
func (e *Refused) Error() string { return e.Detail }

// refused makes a Refused of an error of the library; another error stays.
func refused(err error) error {
	var p *protocol.Error
	if errors.As(err, &p) {
		return &Refused{p.Details}
	}
	return err
}

// stale is what an answer to no question is told.
const stale = "That request is over. Try again."

// Enrolled checks the answer to Enrol (section 7.1) and gives the new device of the person, not stored yet. The error is *Refused when
// the answer does not count.
func (r *Room) Enrolled(t *stage.Turn, stagePK string, answer map[string]any) (*Device, error) {
	s := take(t, stagePK)
	if s == nil {
		return nil, &Refused{stale}
	}
	p, err := PartyOf(t.Request.Base)
	if err != nil {
		return nil, err
	}
	w, err := library(t, p)
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(b)
	if err != nil {
		return nil, refused(err)
	}
	c, err := w.CreateCredential(owner{id: r.handle(t.User.PK)}, *s, parsed)
	if err != nil {
		return nil, refused(err)
	}
	d := &Device{
		Base: device.Base{User: t.User.PK, Confirmed: true}, CredentialID: base64.RawURLEncoding.EncodeToString(c.ID), SignCount: int64(c.Authenticator.SignCount), RPID: p.ID,
	}
	aaguid, err := uuid.FromBytes(c.Authenticator.AAGUID)
	if err != nil {
		return nil, &Refused{"The key does not say which make it is."}
	}
	d.AAGUID = aaguid.String()
	d.Credential, err = asMap(c)
	return d, err
}
