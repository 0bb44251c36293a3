package passkey

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"gatehouse/backend/device"
	"gatehouse/backend/stage"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/go-webauthn/webauthn/protocol"
	"github.com/google/uuid"
)

// Unknown is the make that stands for every make that the house has no name for, in lists of what a stage takes; it is also what keys
// say that don't tell their make.
const Unknown = "00000000-0000-0000-0000-000000000000"

// OnlyAttested stands in those lists for a rule and for no make: that somebody vouches for the make that a key claims. The published
// objects have no other place for it.
const OnlyAttested = "ffffffff-ffff-ffff-ffff-ffffffffffff"

// Trust says who vouches for the make that a key claims, in the words of events and pages.
type Trust string

// The degrees of trust.
const (
	Attested Trust = "attested"              // the attestation chains to a trust anchor of the make
	Claimed  Trust = "claimed, not attested" // no trust anchor of the make is known
	Forged   Trust = "attestation refused"   // trust anchors are known, and the attestation does not chain to them; or the make is revoked
)

// Rules say which keys a stage takes.
type Rules struct {
	Makes    []string // AAGUIDs; none: every make
	Attested bool     // refuse keys whose make nobody vouches for
}

// RulesOf gives the rules that a list of makes stands for.
func RulesOf(list []string) Rules {
	makes := slices.DeleteFunc(slices.Clone(list), func(a string) bool { return a == OnlyAttested })
	return Rules{Makes: makes, Attested: len(makes) < len(list)}
}

// None says whether every key will do.
func (r Rules) None() bool { return len(r.Makes) == 0 && !r.Attested }

// Judgement is what comes of a key under the rules of a stage.
type Judgement struct {
	Make  *device.Type // nil: the house has no name for it
	Trust Trust
	// Refusal is the key of the sentence why the stage does not take it, "" when it does.
	Refusal string
}

// Judge holds a key against rules. Where makes are restricted or have to be vouched for, a claim that can be checked has to hold.
func (r *Room) Judge(ctx context.Context, rules Rules, d *Device) (Judgement, error) {
	var j Judgement
	makes, err := device.Types(ctx, r.Store, []string{d.AAGUID})
	if err != nil {
		return j, err
	}
	if len(makes) > 0 && d.AAGUID != Unknown && d.AAGUID != OnlyAttested {
		j.Make = &makes[0]
	}
	if j.Trust, err = r.trust(ctx, d); err != nil {
		return j, err
	}
	allowed := len(rules.Makes) == 0 || slices.Contains(rules.Makes, d.AAGUID) || j.Make == nil && slices.Contains(rules.Makes, Unknown)
	switch {
	case rules.None():
	case !allowed:
		j.Refusal = "flow.passkey.make"
	case j.Trust == Forged:
		j.Refusal = "flow.passkey.forged"
	case j.Trust == Claimed && rules.Attested:
		j.Refusal = "flow.passkey.claimed"
	}
	return j, nil
}

// Takes gives those of the keys that the rules allow.
func (r *Room) Takes(ctx context.Context, rules Rules, ds []*Device) ([]*Device, error) {
	if rules.None() {
		return ds, nil
	}
	var out []*Device
	for _, d := range ds {
		j, err := r.Judge(ctx, rules, d)
		if err != nil {
			return nil, err
		}
		if j.Refusal == "" {
			out = append(out, d)
		}
	}
	return out, nil
}

// Refusal gives the sentence of a judgement: the published one, with what it means where that helps.
func (r *Room) Refusal(t *stage.Turn, j Judgement) string {
	if j.Refusal == "flow.passkey.make" {
		return InvalidType(t)
	}
	name := r.say(t, "flow.passkey.unknown_make")
	if j.Make != nil {
		name = j.Make.Description
	}
	return InvalidType(t) + " " + r.say(t, j.Refusal, "make", name)
}

// trust says who vouches for a key's make, from the attestation that was kept when it was set up (section 7.1, steps 21 to 24): what the
// house learns later about a make counts for the keys that are there.
func (r *Room) trust(ctx context.Context, d *Device) (Trust, error) {
	e, err := r.entry(ctx, d.AAGUID)
	if err != nil {
		return "", err
	}
	if e == nil {
		return Claimed, nil
	}
	entry, err := e.Parse()
	if err != nil {
		return Forged, nil // it could be read when it was taken in
	}
	if slices.ContainsFunc(entry.StatusReports, func(s metadata.StatusReport) bool { return broken(s.Status) }) {
		return Forged, nil
	}
	if len(entry.MetadataStatement.AttestationRootCertificates) == 0 {
		return Claimed, nil
	}
	c, err := d.record()
	if err != nil {
		return Forged, nil
	}
	c.AttestationType = "" // said by the statement itself
	if err := c.Verify(anchors{&entry}, protocol.AttestationPolicy{}, protocol.SignaturePolicy{}); err != nil {
		return Forged, nil
	}
	switch metadata.AuthenticatorAttestationType(c.AttestationType) {
	case metadata.BasicFull, metadata.AttCA, metadata.AnonCA:
		return Attested, nil
	}
	return Forged, nil // signed by nobody but the key itself, or by nobody
}

// entry gives what the last metadata blob says about a make, nil when nothing.
func (r *Room) entry(ctx context.Context, aaguid string) (*metadata.EntryJSON, error) {
	var b string
	err := r.Store.DB().QueryRow(ctx, `SELECT entry FROM webauthn_metadata WHERE aaguid = ?`, aaguid).Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &metadata.EntryJSON{}
	return e, json.Unmarshal([]byte(b), e)
}

// Vouched says of each make whether trust anchors of it are known.
func (r *Room) Vouched(ctx context.Context, aaguids []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, a := range aaguids {
		e, err := r.entry(ctx, a)
		if err != nil {
			return nil, err
		}
		out[a] = e != nil && len(e.MetadataStatement.AttestationRootCertificates) > 0
	}
	return out, nil
}

// anchors is a metadata.Provider of one entry that checks trust anchor, kind of attestation and status.
type anchors struct{ entry *metadata.Entry }

func (a anchors) GetEntry(_ context.Context, id uuid.UUID) (*metadata.Entry, error) {
	if id != a.entry.AaGUID {
		return nil, nil
	}
	return a.entry, nil
}

func (anchors) GetValidateEntry(context.Context) bool                 { return true }
func (anchors) GetValidateEntryPermitZeroAAGUID(context.Context) bool { return false }
func (anchors) GetValidateTrustAnchor(context.Context) bool           { return true }
func (anchors) GetValidateStatus(context.Context) bool                { return true }
func (anchors) GetValidateAttestationTypes(context.Context) bool      { return true }

// ValidateStatusReports refuses makes whose keys are known to be broken (FIDO Metadata Service 3.1.4); a product that is not sold any
// more is no such make.
func (anchors) ValidateStatusReports(_ context.Context, reports []metadata.StatusReport) error {
	for _, s := range reports {
		if broken(s.Status) {
			return errors.New("passkey: status " + string(s.Status))
		}
	}
	return nil
}

func broken(s metadata.AuthenticatorStatus) bool {
	return s != metadata.Retired && metadata.IsUndesiredAuthenticatorStatus(s)
}
