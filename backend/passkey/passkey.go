// Package passkey is what security keys and passkeys have in common wherever they are used (W3C Web Authentication Level 3): who the
// relying party is, the two ceremonies, the devices, the makes of authenticators, and who vouches for them.
//
//	stage/webauthn ───────▶ Enrol ▸ Enrolled ─┐
//	stage/validate ───────▶ Ask ▸ Prove       ├─▶ Party (the name in the address bar) ─▶ Judge (make allowed? vouched for?) ─▶ Device
//	stage/identification ─▶ Ask ▸ Prove       ┘
//
// A challenge is kept in the browser's session, for one answer to one stage of one flow.
package passkey

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
	"gatehouse/backend/user"

	"github.com/go-webauthn/webauthn/protocol"
)

// Room is what the stages need of keys.
type Room struct {
	Store  *store.Store
	Users  *user.Directory
	Events *event.Log
	Texts  *text.Tables
	// Address is where people should open the house, "" when it has no name yet.
	Address func(ctx context.Context) string

	// Roots are what metadata blobs have to chain to; nil: the root of the FIDO Alliance's service.
	Roots *x509.CertPool
	// Source is where the newest blob is, "" for the FIDO Alliance's service.
	Source string
	// Client fetches it.
	Client *http.Client
}

// Party is the relying party (section 4): the name that browsers bind keys to, and the origin of the pages.
type Party struct{ ID, Origin string }

// BadAddress says that browsers take no keys at an address.
type BadAddress struct {
	Host string
	IP   bool
}

// Error implements error.
func (b *BadAddress) Error() string { return "passkey: no browser takes keys at " + b.Host }

// PartyOf gives the relying party of scheme and host as the caller uses them: the host without its port is the name, as published. The
// error is a *BadAddress for an IP address, and for a name without a dot other than localhost (section 5.1.3, step 8).
func PartyOf(base string) (Party, error) {
	u, err := url.Parse(strings.ToLower(base))
	if err != nil || u.Host == "" {
		return Party{}, &BadAddress{Host: base}
	}
	host := u.Hostname()
	if protocol.ValidateRPID(host) != nil {
		return Party{}, &BadAddress{Host: host, IP: net.ParseIP(host) != nil}
	}
	return Party{ID: host, Origin: u.Scheme + "://" + u.Host}, nil
}

// Explain says in the person's language why keys can't be used at the address that they came by, and where they can; "" for other errors.
func (r *Room) Explain(t *stage.Turn, err error) string {
	var bad *BadAddress
	if !errors.As(err, &bad) {
		return ""
	}
	key := "flow.passkey.name"
	if bad.IP {
		key = "flow.passkey.ip"
	}
	to := r.Address(t.Ctx)
	if _, err := PartyOf(to); err != nil {
		return r.say(t, key+"_unknown", "host", bad.Host)
	}
	return r.say(t, key, "host", bad.Host, "url", to)
}

// Elsewhere says that somebody's keys belong to other names than the one in the address bar.
func (r *Room) Elsewhere(t *stage.Turn, devices []*Device) string {
	var names []string
	for _, d := range devices {
		names = append(names, d.RPID)
	}
	return r.say(t, "flow.passkey.elsewhere", "names", strings.Join(unique(names), ", "))
}

func unique(in []string) (out []string) {
	seen := map[string]bool{}
	for _, s := range in {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func (r *Room) say(t *stage.Turn, key string, args ...any) string {
	return r.Texts.Choose(t.Request.HTTP.Locale).Say(key, args...)
}

// InvalidType is the published text for a make that a stage does not take.
func InvalidType(t *stage.Turn) string {
	return "Invalid device type. Contact your " + t.Brand.Title + " administrator for help."
}

// Posted is a browser's answer (section 5.1, PublicKeyCredential as JSON). A form brings it as text.
type Posted map[string]any

// UnmarshalJSON takes the object, or a text that holds it; an empty text is no answer.
func (p *Posted) UnmarshalJSON(b []byte) error {
	var s string
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
		if s == "" {
			*p = nil
			return nil
		}
		b = []byte(s)
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*p = m
	return nil
}
