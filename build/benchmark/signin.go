package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	password = "bench-password-1"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk-and-more"
	form     = "application/x-www-form-urlencoded"
)

// client is the application that people sign in to.
type client struct{ slug, id, secret string }

const redirectURI = "https://wiki.example/cb"

func addClient(base string) (client, error) {
	out, err := api(base, "POST", "gatehouse/applications/", map[string]any{"name": "Wiki", "redirect_uris": redirectURI, "access": "everyone", "client_id": "bench", "client_secret": "bench-secret-0123456789abcdefghijk"})
	if err != nil {
		return client{}, err
	}
	return client{out["application"].(map[string]any)["slug"].(string), "bench", "bench-secret-0123456789abcdefghijk"}, nil
}

// signIn takes a device through the default authentication flow with a password.
func (d *device) signIn(username string) error {
	const path = "/api/v3/flows/executor/default-authentication-flow/?query="
	answer := func(method, body string) ([]byte, error) {
		res, b, err := d.ask(method, path, "application/json", body)
		for i := 0; err == nil && res.StatusCode == http.StatusFound && i < 10; i++ {
			res, b, err = d.ask("GET", res.Location, "", "")
		}
		if err != nil {
			return nil, err
		}
		return b, nil
	}
	for _, step := range []struct{ method, body, then string }{
		{"GET", "", "ak-stage-identification"},
		{"POST", `{"uid_field":"` + username + `"}`, "ak-stage-password"},
		{"POST", `{"password":"` + password + `"}`, "xak-flow-redirect"},
	} {
		out, err := answer(step.method, step.body)
		if err != nil {
			return err
		}
		if !bytes.Contains(out, []byte(`"component":"`+step.then+`"`)) {
			return fmt.Errorf("sign-in of %s: %s instead of %s", username, out, step.then)
		}
	}
	return nil
}

// code gets an authorization code for a device that is signed in.
func (d *device) code(c client, scope string) (string, error) {
	sum := sha256.Sum256([]byte(verifier))
	q := url.Values{
		"client_id": {c.id}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "scope": {scope}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	next := "/application/o/authorize/?" + q.Encode()
	for range 10 {
		res, b, err := d.ask("GET", next, "", "")
		if err != nil {
			return "", err
		}
		to, err := url.Parse(res.Location)
		if err != nil {
			return "", err
		}
		if to.Host == "wiki.example" {
			if to.Query().Get("code") == "" {
				return "", fmt.Errorf("authorize: %s", to)
			}
			return to.Query().Get("code"), nil
		}
		if slug, ok := strings.CutPrefix(to.Path, "/if/flow/"); ok { // consent, asked for because of offline_access
			path := "/api/v3/flows/executor/" + slug + "?query=" + url.QueryEscape(to.RawQuery)
			var ask struct{ Component, Token, To string }
			if _, b, err = d.ask("GET", path, "", ""); err != nil {
				return "", err
			}
			if err := json.Unmarshal(b, &ask); err != nil {
				return "", err
			}
			if ask.Component == "ak-stage-consent" {
				res, b, err := d.ask("POST", path, "application/json", `{"token":"`+ask.Token+`"}`)
				for i := 0; err == nil && res.StatusCode == http.StatusFound && i < 10; i++ {
					res, b, err = d.ask("GET", res.Location, "", "")
				}
				if err != nil {
					return "", err
				}
				if err := json.Unmarshal(b, &ask); err != nil {
					return "", err
				}
			}
			if to, err = url.Parse(ask.To); err != nil || to.Host != "wiki.example" {
				return "", fmt.Errorf("consent ends at %s", b)
			}
			return to.Query().Get("code"), nil
		}
		if res.StatusCode != http.StatusFound {
			return "", fmt.Errorf("authorize: %s %s", res.Status, b)
		}
		next = to.String()
	}
	return "", fmt.Errorf("authorize: too many redirects")
}

// tokens are what the token endpoint gives.
type tokens struct {
	Access  string `json:"access_token"`
	ID      string `json:"id_token"`
	Refresh string `json:"refresh_token"`
}

// token asks the token endpoint, and counts the signatures of its answer.
func (d *device) token(c client, v url.Values, signatures *atomic.Int64) (tokens, error) {
	v.Set("client_id", c.id)
	v.Set("client_secret", c.secret)
	var t tokens
	d.bare = true
	_, b, err := d.ask("POST", "/application/o/token/", form, v.Encode())
	if err != nil {
		return t, err
	}
	if err := json.Unmarshal(b, &t); err != nil {
		return t, err
	}
	if t.Access == "" || t.ID == "" {
		return t, fmt.Errorf("token: %s", b)
	}
	for _, s := range []string{t.Access, t.ID} {
		if strings.Count(s, ".") == 2 {
			signatures.Add(1)
		}
	}
	return t, nil
}

func codeForm(code string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}
}

// few is how many connections there are where nothing else is said.
const few = 16

// crowd is the house with the devices that people use.
type crowd struct {
	p, base *process
	c       client
	people  int // that have a password
	span    time.Duration
	devices []*device
}

// signIns measures what people and applications wait for.
func signIns(p, base *process, c client, people int, span time.Duration) error {
	h := &crowd{p, base, c, people, span, make([]*device, 200)}
	for i := range h.devices {
		h.devices[i] = newDevice(p.base, i)
		defer h.devices[i].close()
	}
	if wanted("password") {
		if err := h.passwords(); err != nil {
			return err
		}
	}
	for w := range few {
		h.devices[w].forget()
		if err := h.devices[w].signIn(fmt.Sprintf("user%05d", w)); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name string
		run  func() error
	}{{"session", h.sessions}, {"token", h.refresh}, {"machine", h.machines}, {"userinfo", h.userinfo}, {"introspect", h.introspect}, {"saml", h.saml}} {
		if wanted(part.name) {
			if err := part.run(); err != nil {
				return err
			}
		}
	}
	return nil
}

// passwords are sign-ins that cost a hash each: from a few devices, and from two hundred at once.
func (h *crowd) passwords() error {
	const rounds = 8 // short ones in turns: the machine's own speed is never the same for long
	turn := h.span * 2 / rounds
	hash, ours, err := beside(rounds, func() (figure, error) { return hashing(turn) }, func() (figure, error) {
		return storm(h.p, few, turn, func(w, turn int) error {
			h.devices[w].forget()
			return h.devices[w].signIn(fmt.Sprintf("user%05d", (turn*few+w)%h.people))
		})
	})
	if err != nil {
		return err
	}
	line("sign-ins with a password", ours, "raw argon2id", hash, ours.rate/hash.rate, "0.9 (0.85)")
	library, err := libraryHashing(h.span)
	if err != nil {
		return err
	}
	line("hashes as we make them, alone", hash, "as the library does", library, hash.rate/library.rate, "")

	stop := make(chan struct{})
	var peak, peakAnon float64
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			rss, anon := h.p.memory()
			peak, peakAnon = max(peak, rss), max(peakAnon, anon)
			select {
			case <-stop:
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	})
	all, err := storm(h.p, len(h.devices), h.span, func(w, _ int) error {
		h.devices[w].forget()
		return h.devices[w].signIn(fmt.Sprintf("user%05d", w%h.people))
	})
	close(stop)
	watch.Wait()
	if err != nil {
		return err
	}
	fmt.Printf("%-35s %8.0f /s; memory at most %.1f MiB resident, %.1f anonymous (goal: under 200)\n", "200 people sign in at once", all.rate, peak, peakAnon)
	return nil
}

// sessions are sign-ins of people who have a session: authorize, code, token, userinfo.
func (h *crowd) sessions() error {
	var signatures, done atomic.Int64
	sign, ours, err := beside(2, func() (figure, error) { return signing(h.span) }, func() (figure, error) {
		return storm(h.p, few, h.span, func(w, _ int) error {
			d := h.devices[w]
			code, err := d.code(h.c, "openid profile email")
			if err != nil {
				return err
			}
			t, err := d.token(h.c, codeForm(code), &signatures)
			if err != nil {
				return err
			}
			done.Add(1)
			d.bare = true
			_, _, err = d.ask("GET", "/application/o/userinfo/", "", "", "Authorization", "Bearer "+t.Access)
			return err
		})
	})
	if err != nil {
		return err
	}
	each := float64(signatures.Load()) / float64(done.Load())
	line("sign-ins with a session", ours, fmt.Sprintf("RSA-2048 rate of %.0f /s by %.0f signatures", sign.rate, each), figure{sign.rate / each, sign.cpu * time.Duration(each)}, ours.rate*each/sign.rate, "0.7 (0.5)")
	return nil
}

// refresh is the token endpoint with refresh tokens, each used once.
func (h *crowd) refresh() error {
	var signatures, done atomic.Int64
	held := make([]string, few)
	theirs := make([]*device, few)
	for w := range few {
		code, err := h.devices[w].code(h.c, "openid profile email offline_access")
		if err != nil {
			return err
		}
		t, err := h.devices[w].token(h.c, codeForm(code), &signatures)
		if err != nil {
			return err
		}
		if t.Refresh == "" {
			return fmt.Errorf("no refresh token came")
		}
		held[w] = t.Refresh
		theirs[w] = newDevice(h.base.base, w)
		defer theirs[w].close()
	}
	signatures.Store(0)
	sign, err := signing(h.span)
	if err != nil {
		return err
	}
	empty, err := rate(h.base, "/", h.span)
	if err != nil {
		return err
	}
	stub, ours, err := beside(2, func() (figure, error) {
		return storm(h.base, few, h.span, func(w, _ int) error {
			_, _, err := theirs[w].ask("POST", "/token", form, "n=2")
			return err
		})
	}, func() (figure, error) {
		return storm(h.p, few, h.span, func(w, _ int) error {
			t, err := h.devices[w].token(h.c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {held[w]}}, &signatures)
			held[w] = t.Refresh
			done.Add(1)
			return err
		})
	})
	if err != nil {
		return err
	}
	each := float64(signatures.Load()) / float64(done.Load())
	line(fmt.Sprintf("token (refresh, %.0f signatures)", each), ours, "net/http + 2 signed JWTs", stub, ours.rate/stub.rate, "0.6")
	limit := empty.cpu + 2*sign.cpu
	fits, verdict := float64(stub.cpu)/float64(limit), "counts"
	if fits > 1.4 {
		verdict = "does NOT count"
	}
	fmt.Printf("%-35s %.0f µs CPU, %.2f times raw signing and an empty answer (%.0f µs): it %s\n", "  the baseline of token", us(stub.cpu), fits, us(limit), verdict)
	return nil
}

// machines are programs that sign in by themselves (client_credentials), each with a durable row and an event, by both kinds of keys.
func (h *crowd) machines() error {
	out, err := api(h.p.base, "POST", "gatehouse/applications/", map[string]any{"name": "Curve", "redirect_uris": redirectURI, "access": "everyone", "client_id": "curve", "client_secret": h.c.secret, "signing": "es256"})
	if err != nil {
		return err
	}
	curve := client{out["application"].(map[string]any)["slug"].(string), "curve", h.c.secret}
	theirs := make([]*device, few)
	for w := range few {
		theirs[w] = newDevice(h.base.base, w)
		defer theirs[w].close()
	}
	for _, kind := range []struct {
		alg, goal string
		c         client
		raw       func(time.Duration) (figure, error)
	}{{"RS256", "0.85 (0.70)", h.c, signing}, {"ES256", "0.5 (0.3)", curve, signingCurve}} {
		sign, err := kind.raw(h.span)
		if err != nil {
			return err
		}
		var signatures, done atomic.Int64
		stub, ours, err := beside(2, func() (figure, error) {
			return storm(h.base, few, h.span, func(w, _ int) error {
				_, _, err := theirs[w].ask("POST", "/token", form, "n=2&alg="+kind.alg)
				return err
			})
		}, func() (figure, error) {
			return storm(h.p, few, h.span, func(w, _ int) error {
				_, err := h.devices[w].token(kind.c, url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}, &signatures)
				done.Add(1)
				return err
			})
		})
		if err != nil {
			return err
		}
		each := float64(signatures.Load()) / float64(done.Load())
		line(fmt.Sprintf("client_credentials %s, %.0f signatures", kind.alg, each), ours, "net/http + 2 signed JWTs", stub, ours.rate/stub.rate, kind.goal)
		fmt.Printf("%-35s %8.0f /s, %.0f µs CPU\n", "  raw signatures "+kind.alg, sign.rate, us(sign.cpu))
	}
	rss, anon := h.p.memory()
	fmt.Printf("%-35s %8.1f MiB resident, %.1f anonymous\n", "  memory after it", rss, anon)
	return nil
}

// introspect asks whether an access token is good.
func (h *crowd) introspect() error {
	var signatures atomic.Int64
	t, err := h.devices[0].token(h.c, url.Values{"grant_type": {"client_credentials"}, "scope": {"openid"}}, &signatures)
	if err != nil {
		return err
	}
	ask := url.Values{"token": {t.Access}, "client_id": {h.c.id}, "client_secret": {h.c.secret}}.Encode()
	empty, ours, err := beside(2, func() (figure, error) { return rate(h.base, "/", h.span) }, func() (figure, error) {
		return storm(h.p, few, h.span, func(w, _ int) error {
			_, b, err := h.devices[w].ask("POST", "/application/o/introspect/", form, ask)
			if err == nil && !bytes.Contains(b, []byte(`"active":true`)) {
				err = fmt.Errorf("introspection: %s", b)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	line("introspection", ours, "empty net/http", empty, ours.rate/empty.rate, "0.2 (0.1)")
	return nil
}

// userinfo asks who holds an access token.
func (h *crowd) userinfo() error {
	var signatures atomic.Int64
	code, err := h.devices[0].code(h.c, "openid profile email")
	if err != nil {
		return err
	}
	t, err := h.devices[0].token(h.c, codeForm(code), &signatures)
	if err != nil {
		return err
	}
	empty, ours, err := beside(2, func() (figure, error) { return rate(h.base, "/", h.span) }, func() (figure, error) {
		return rate(h.p, "/application/o/userinfo/", h.span, "Authorization", "Bearer "+t.Access)
	})
	if err != nil {
		return err
	}
	line("userinfo", ours, "empty net/http", empty, ours.rate/empty.rate, "0.2 (0.1)")
	return nil
}
