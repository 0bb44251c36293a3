// Gorp is a relying party for tests: a small web application that signs people in through an OpenID provider with
// github.com/coreos/go-oidc and golang.org/x/oauth2, and that tells every fault in words with a status of 4xx or 5xx.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// settings are the flags; each has an environment variable for its default (README.md of the folder above).
type settings struct {
	issuer, clientID, clientSecret, redirectURL, postLogoutURL, listen, caFile, scopes, alg, auth string

	redirect, postLogout *url.URL
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gorp:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	s, err := readSettings(args)
	if err != nil {
		return err
	}
	p, err := newParty(s)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	ready := map[string]any{"ready": true, "app": "gorp", "listen": l.Addr().String(), "url": origin(s.redirect) + "/"}
	if err := json.NewEncoder(os.Stdout).Encode(ready); err != nil {
		return err
	}
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
		return srv.Close()
	}
}

func readSettings(args []string) (*settings, error) {
	s := &settings{}
	f := flag.NewFlagSet("gorp", flag.ContinueOnError)
	text := func(to *string, name, fallback, usage string) {
		env := "RP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
		if v, ok := os.LookupEnv(env); ok {
			fallback = v
		}
		f.StringVar(to, name, fallback, usage+" ("+env+")")
	}
	text(&s.issuer, "issuer", "", "issuer, exactly as the provider spells it")
	text(&s.clientID, "client-id", "", "client id")
	text(&s.clientSecret, "client-secret", "", "client secret; empty for a public client")
	text(&s.redirectURL, "redirect-url", "", "redirect URL; its host and port are how browsers reach this application")
	text(&s.postLogoutURL, "post-logout-url", "", "where the provider sends people after logout; empty means /signed-out here")
	text(&s.listen, "listen", "127.0.0.1:0", "address to listen on")
	text(&s.caFile, "ca-file", "", "PEM file of the only authorities to trust; empty trusts none")
	text(&s.scopes, "scopes", "openid profile email offline_access", "scopes to ask for")
	text(&s.alg, "alg", "RS256", "algorithm that ID tokens must be signed with: RS256, ES256 or HS256")
	text(&s.auth, "auth", "basic", "how the secret is sent: basic or post")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return s, s.check()
}

func (s *settings) check() error {
	if !strings.HasPrefix(s.issuer, "https://") {
		return errors.New("-issuer must begin with https://")
	}
	if s.clientID == "" {
		return errors.New("-client-id is missing")
	}
	if s.alg != "RS256" && s.alg != "ES256" && s.alg != "HS256" {
		return fmt.Errorf("-alg %s is not RS256, ES256 or HS256", s.alg)
	}
	if s.alg == "HS256" && s.clientSecret == "" {
		return errors.New("-alg HS256 needs -client-secret")
	}
	if s.auth != "basic" && s.auth != "post" {
		return fmt.Errorf("-auth %s is not basic or post", s.auth)
	}
	var err error
	if s.redirect, err = ownURL(s.redirectURL); err != nil {
		return fmt.Errorf("-redirect-url: %w", err)
	}
	if s.postLogoutURL == "" {
		s.postLogoutURL = origin(s.redirect) + "/signed-out"
	}
	if s.postLogout, err = ownURL(s.postLogoutURL); err != nil {
		return fmt.Errorf("-post-logout-url: %w", err)
	}
	return nil
}

// ownURL reads a URL that leads back to this application: it has a path of its own, as / is the front page.
func ownURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(u.Path) < 2 {
		return nil, fmt.Errorf("%q is not an http or https URL with a path", text)
	}
	return u, nil
}

func origin(u *url.URL) string { return u.Scheme + "://" + u.Host }
