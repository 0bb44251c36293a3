package passkey

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Question is what a stage wants of a key that is there.
type Question struct {
	Stage            string // its key
	UserVerification string
	Devices          []*Device // the keys that may answer; none: whichever holds an account of the house (a passkey)
	Open             bool      // the answer counts as long as the session: the browser offers keys while somebody types
}

// Ask begins an authentication (section 5.5) and gives the options for the browser, with a fresh challenge. The error is a *BadAddress
// where browsers take no keys. Devices of other names than the one in the address bar are left out; when none is left, ErrElsewhere.
func (r *Room) Ask(t *stage.Turn, q Question) (map[string]any, error) {
	p, err := PartyOf(t.Request.Base)
	if err != nil {
		return nil, err
	}
	w, err := library(t, p)
	if err != nil {
		return nil, err
	}
	here := within(p, q.Devices)
	if len(q.Devices) > 0 && len(here) == 0 {
		return nil, ErrElsewhere
	}
	options := []webauthn.LoginOption{webauthn.WithUserVerification(protocol.UserVerificationRequirement(q.UserVerification))}
	if len(here) > 0 {
		options = append(options, webauthn.WithAllowedCredentials(descriptors(here)))
	}
	assertion, s, err := w.BeginDiscoverableLogin(options...)
	if err != nil {
		return nil, err
	}
	until := t.Now.Add(grace)
	if q.Open {
		until = time.Time{}
	}
	if err := keep(t, q.Stage, until, s); err != nil {
		return nil, err
	}
	out, err := asMap(assertion.Response)
	if err == nil && out["allowCredentials"] == nil {
		out["allowCredentials"] = []any{}
	}
	return out, err
}

// ErrElsewhere says that none of the devices belongs to the name in the address bar.
var ErrElsewhere = errors.New("passkey: the keys belong to other names")

// Why a proof is none.
var (
	// ErrUnknown: the answer can't be read, or no key of the person made it.
	ErrUnknown = errors.New("passkey: no such key")
	// ErrFailed: a key of the person is named, and the answer is not good.
	ErrFailed = errors.New("passkey: the answer is not good")
	// ErrCloned: the counter of the key went back; it may have been copied (section 6.1.1).
	ErrCloned = errors.New("passkey: the counter went back")
)

// Proof is the answer of a key.
type Proof struct {
	Device   *Device // also with ErrFailed and ErrCloned
	Verified bool    // the key made sure that its owner is there
	Detail   string  // what is wrong, for the audit log

	credential *webauthn.Credential
}

// Prove checks the answer to Ask (section 7.2). owner is whose key it has to be, 0 for anybody's. The error is one of ErrUnknown, ErrFailed
// and ErrCloned when the answer does not count.
func (r *Room) Prove(t *stage.Turn, stagePK string, whose int64, answer map[string]any) (*Proof, error) {
	s := take(t, stagePK)
	b, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(b)
	if err != nil {
		return nil, ErrUnknown
	}
	d, err := r.byCredential(t.Ctx, base64.RawURLEncoding.EncodeToString(parsed.RawID))
	if err != nil {
		return nil, err
	}
	if d == nil || !d.Confirmed || whose != 0 && d.User != whose {
		return nil, ErrUnknown
	}
	proof := &Proof{Device: d}
	if s == nil {
		proof.Detail = stale
		return proof, ErrFailed
	}
	if len(s.AllowedCredentialIDs) > 0 && !slices.ContainsFunc(s.AllowedCredentialIDs, func(id []byte) bool { return bytes.Equal(id, parsed.RawID) }) {
		return nil, ErrUnknown
	}
	p, err := PartyOf(t.Request.Base)
	if err != nil {
		return nil, err
	}
	w, err := library(t, p)
	if err != nil {
		return nil, err
	}
	c, err := d.record()
	if err != nil {
		proof.Detail = "The stored key can't be read."
		return proof, ErrFailed
	}
	c.Authenticator.SignCount = uint32(d.SignCount) // the column is what counts
	id := r.handle(d.User)
	parsed.Response.UserHandle = plainHandle(parsed.Response.UserHandle, id)
	s.UserID, s.AllowedCredentialIDs = id, nil // held above
	got, err := w.ValidateLogin(owner{id: id, keys: []webauthn.Credential{*c}}, *s, parsed)
	if err != nil {
		proof.Detail = err.Error()
		return proof, ErrFailed
	}
	proof.Verified, proof.credential = parsed.Response.AuthenticatorData.Flags.HasUserVerified(), got
	if got.Authenticator.CloneWarning {
		proof.Detail = "The signature counter of the key went back: it may have been copied."
		return proof, ErrCloned
	}
	return proof, nil
}

// plainHandle undoes the second encoding that some clients put around the user handle; any other handle stays, to be refused.
func plainHandle(got, want []byte) []byte {
	for _, e := range []*base64.Encoding{base64.RawURLEncoding, base64.URLEncoding, base64.StdEncoding, base64.RawStdEncoding} {
		if string(got) == e.EncodeToString(want) {
			return want
		}
	}
	return got
}

// shownKey is where a plan keeps the key that somebody signed in with alone.
const shownKey = "gatehouse/passkey"

// Alone notes in the plan that a key by itself told and proved who is there.
func (r *Room) Alone(t *stage.Turn, u *user.User, d *Device) error {
	args := map[string]any{"device": event.Model(r.Store.KindFor(d), d.Offered().PK, d.Name), "device_type": nil}
	makes, err := device.Types(t.Ctx, r.Store, []string{d.AAGUID})
	if err != nil {
		return err
	}
	if len(makes) > 0 {
		args["device_type"] = event.Model(r.Store.KindFor(&makes[0]), makes[0].AAGUID, makes[0].Description)
	}
	t.Plan.SetUser(u)
	delete(t.Plan.Context, stage.PendingIdentifier)
	t.Plan.Context[stage.AuthMethod], t.Plan.Context[stage.AuthMethodArgs] = "auth_webauthn_pwl", args
	t.Plan.Context[shownKey] = d.Offered().PK
	return nil
}

// Shown gives the key of the device that somebody signed in with alone, "" when that is not how they did.
func Shown(p *stage.Plan) string {
	if p.Text(stage.AuthMethod) != "auth_webauthn_pwl" {
		return ""
	}
	return p.Text(shownKey)
}

// Write stores counter and time of use. It returns a Conflict when the key is gone or was used with a later counter meanwhile.
func (p *Proof) Write(tx *store.Tx) error {
	now, err := store.GetTx[Device](tx, p.Device.Offered().PK)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Conflict, "The key was deleted meanwhile.")
		}
		return err
	}
	n := int64(p.credential.Authenticator.SignCount)
	if n <= now.SignCount && (n != 0 || now.SignCount != 0) {
		return fault.New(fault.Conflict, "The key was used meanwhile.")
	}
	b, err := json.Marshal(p.credential)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE webauthn_devices SET sign_count = ?, last_used = ?, credential = ? WHERE pk = ?`, n, tx.Now.UnixMicro(), string(b), p.Device.PK)
	return err
}
