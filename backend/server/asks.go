package server

import (
	"context"
	"net/http"
	"time"

	"gatehouse/backend/duoapi"
	"gatehouse/backend/gateway"
	"gatehouse/backend/kinds"
	"gatehouse/backend/outbound"
	"gatehouse/backend/siteverify"
)

// asks gives the list what steps of flows ask other servers for: text messages, Duo, captchas, lists of leaked passwords.
func (r *rooms) asks(o Options, list *kinds.Rooms) {
	r.out = outbound.New(outbound.Options{Allow: allowed(o.Config)})
	r.duo = outbound.New(outbound.Options{Allow: allowed(o.Config), Timeout: duoapi.Longest, Redirects: -1})
	r.gateway = &gateway.Room{Client: r.out}
	list.Gateway, list.Client = r.gateway, r.out
	list.Duo = func(host, key, secret string) *duoapi.Client {
		return &duoapi.Client{Host: host, Key: key, Secret: secret, HTTP: r.duo, Now: time.Now}
	}
	list.Captcha = func(ctx context.Context, address, secret, response, ip string) (siteverify.Verdict, error) {
		return siteverify.Ask(ctx, r.out, address, secret, response, ip)
	}
}

// outgoing are the clients that steps of flows use.
type outgoing struct {
	out, duo *http.Client
	gateway  *gateway.Room
}
