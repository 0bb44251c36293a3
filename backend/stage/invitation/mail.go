package invitation

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"gatehouse/backend/brand"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/mail"
	"gatehouse/backend/store"
)

// Post is what mailing invitations needs.
type Post struct {
	Deps
	Mail   *mail.Room
	Brands *brand.Room
	// Base gives the address of the house, "" before it has a name.
	Base func(ctx context.Context) string
	// May says whether somebody has a permission on an object.
	May func(ctx context.Context, a store.Actor, permission, object string) (bool, error)
}

// Mailing is the body of a request to mail an invitation.
type Mailing struct {
	Addresses []string `json:"addresses" is:"required" help:"Who gets the link: e-mail addresses, each a mail of its own; 50 at most."`
	Flow      *string  `json:"flow" format:"uuid" help:"Where the link leads, for an invitation that names no flow."`
	Message   string   `json:"message" is:"blank" default:"" max:"2000" help:"What else the mail says."`
}

// SchemaName implements kind.SchemaNamer.
func (Mailing) SchemaName() string { return "InvitationMailing" }

// Mails are what was mailed of an invitation, the newest first.
type Mails struct {
	Results []mail.Logged `json:"results" is:"required,readonly"`
	Problem string        `json:"problem" is:"required,readonly" help:"Why no mail can be sent now; empty when one can."`
}

// SchemaName implements kind.SchemaNamer.
func (Mails) SchemaName() string { return "InvitationMails" }

const (
	mostAddresses = 50  // of one request
	mostShown     = 200 // mails of one invitation
)

// gone says why there is no such invitation: one for a single use is deleted with its use, and the clean-up takes those that ended.
func gone(cause error) error {
	return fault.Wrap(fault.NotFound, "There is no such invitation: it was used up, it ended, or somebody deleted it.", cause)
}

// Endpoints mail invitations and tell what became of it. Who mails one has to be somebody who may invite people at all.
func (p Post) Endpoints() []kind.Action {
	const path = "gatehouse/invitations/{invite_uuid}/mail"
	of := func(_ context.Context, key string) (string, error) {
		if !kind.UUIDText.MatchString(key) {
			return "", gone(nil)
		}
		return kind.Dashed(key), nil
	}
	get := kind.Do("GET", path, func(ctx context.Context, c *kind.Call, _ *kind.None) (Mails, error) {
		i, err := p.invitation(ctx, c.Key)
		if err != nil {
			return Mails{}, err
		}
		return p.mails(ctx, i)
	})
	get.Perm, get.Of, get.Summary = "authentik_stages_invitation.view_invitation", of, "To whom an invitation was mailed, and what came of it."
	send := kind.Do("POST", path, p.send)
	send.Perm, send.Of, send.Status, send.Summary = get.Perm, of, 200, "Mails the link of an invitation."
	send.Also = []string{"authentik_stages_invitation.add_invitation"}
	get.Answers = map[int]string{404: "There is no such invitation, or it was used up."}
	send.Answers = map[int]string{404: get.Answers[404], 503: "There is no mail server."}
	return []kind.Action{get, send}
}

func (p Post) invitation(ctx context.Context, key string) (*Invitation, error) {
	i, err := store.Get[Invitation](ctx, p.Store, kind.Dashed(key))
	if fault.Is(err, fault.NotFound) {
		return nil, gone(err)
	}
	return i, err
}

func about(i *Invitation) string { return model + " " + i.PK }

func (p Post) mails(ctx context.Context, i *Invitation) (Mails, error) {
	found, err := p.Mail.About(ctx, about(i), mostShown)
	if err != nil {
		return Mails{}, err
	}
	out := Mails{Results: found}
	if err := p.Mail.Ready(ctx); err != nil {
		if !fault.Is(err, fault.Unavailable) {
			return Mails{}, err
		}
		out.Problem = fault.As(err).Say
	}
	return out, nil
}

func (p Post) send(ctx context.Context, c *kind.Call, in *Mailing) (Mails, error) {
	i, err := p.invitation(ctx, c.Key)
	if err != nil {
		return Mails{}, err
	}
	now := p.Store.Now()
	if i.Expires != nil && !i.Expires.After(now) {
		return Mails{}, fault.Whole("This invitation has ended, so its link opens nothing. Give it a later end first, or make a new one.")
	}
	to, err := addresses(in.Addresses)
	if err != nil {
		return Mails{}, err
	}
	slug, err := p.leadsTo(ctx, i, in.Flow)
	if err != nil {
		return Mails{}, err
	}
	letters, err := p.letters(ctx, i, to, slug, strings.TrimSpace(in.Message), now)
	if err != nil {
		return Mails{}, err
	}
	err = p.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if _, err := store.GetTx[Invitation](tx, i.PK); err != nil { // somebody used it meanwhile
			if fault.Is(err, fault.NotFound) {
				return gone(err)
			}
			return err
		}
		for _, l := range letters {
			if err := p.Mail.Queue(tx, l); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Mails{}, err
	}
	return p.mails(ctx, i)
}

// addresses checks who gets a mail; nobody gets two.
func addresses(in []string) (out []string, err error) {
	seen := map[string]bool{}
	for _, a := range in {
		a = strings.TrimSpace(a)
		if mail.CheckAddress("addresses", a) != nil {
			return nil, fault.Field("addresses", fmt.Sprintf("%q is no e-mail address.", a))
		}
		if low := strings.ToLower(a); !seen[low] {
			seen[low] = true
			out = append(out, a)
		}
	}
	switch {
	case len(out) == 0:
		return nil, fault.Field("addresses", "Write at least one e-mail address.")
	case len(out) > mostAddresses:
		return nil, fault.Field("addresses", fmt.Sprintf("These are %d addresses; %d at a time is the most.", len(out), mostAddresses))
	}
	return out, nil
}

// leadsTo gives the slug of the flow that the link opens: the invitation's own, else the one that was asked for.
func (p Post) leadsTo(ctx context.Context, i *Invitation, asked *string) (string, error) {
	pk := i.Flow
	switch {
	case asked == nil && pk == nil:
		return "", fault.Field("flow", "This invitation names no flow. Choose where its link leads.")
	case asked != nil && pk != nil && *asked != *pk:
		return "", fault.Field("flow", "This invitation counts in another flow only.")
	case pk == nil:
		pk = asked
		sees, err := p.May(ctx, store.ActorOf(ctx), "authentik_flows.view_flow", *pk)
		if err != nil {
			return "", err
		}
		if !sees {
			return "", fault.Field("flow", fmt.Sprintf("Invalid pk \"%s\" - object does not exist.", *pk))
		}
	}
	stages, err := store.All[Stage](ctx, p.Store, store.Query{})
	if err != nil {
		return "", err
	}
	pks := make([]string, len(stages))
	for n, s := range stages {
		pks[n] = s.PK
	}
	flows, err := p.Flows(ctx, pks)
	if err != nil {
		return "", err
	}
	for _, list := range flows {
		for _, f := range list {
			if f.PK == *pk {
				return f.Slug, nil
			}
		}
	}
	return "", fault.Field("flow", "This flow asks for no invitation, so the link would lead nowhere.")
}

// letters writes a mail for each address. The link names the house by its configured name, whatever the caller's address was.
func (p Post) letters(ctx context.Context, i *Invitation, to []string, slug, message string, now time.Time) ([]*mail.Letter, error) {
	a := store.ActorOf(ctx)
	base := p.Base(ctx)
	if base == "" {
		base = a.HTTP.Scheme + "://" + a.HTTP.Host
	}
	b, err := p.Brands.For(ctx, a.HTTP.Host)
	if err != nil {
		return nil, err
	}
	by := a.Name
	if by == "" {
		by = a.Username
	}
	name, _ := i.Fixed["name"].(string)
	langs := []string{b.Locale(), a.HTTP.Locale} // nobody knows that of whom it is for
	d := mail.Draft{
		Subject: p.Texts.Choose(langs...).Say("mail.invitation.subject", "brand", b.Title), Template: mail.Invitation, Langs: langs, Brand: b,
		Secrets: []string{i.PK}, About: about(i),
		Vars: map[string]any{
			"url": base + "/if/flow/" + slug + "/?itoken=" + i.PK, "name": name, "by": by, "message": message, "single": i.SingleUse,
		},
	}
	if i.Expires != nil {
		d.Until, d.Vars["expires"], d.Vars["left"] = *i.Expires, *i.Expires, left(i.Expires.Sub(now))
	}
	out := make([]*mail.Letter, len(to))
	for n, address := range to {
		d.To = []mail.Address{{Email: address}}
		if out[n], err = p.Mail.Compose(ctx, d); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// left says a length of time in a unit that people count in.
func left(d time.Duration) map[string]any {
	unit, n := "days", math.Round(d.Hours()/24)
	if d < 2*24*time.Hour {
		unit, n = "hours", math.Round(d.Hours())
	}
	if d < 2*time.Hour {
		unit, n = "minutes", math.Ceil(d.Minutes())
	}
	if n <= 1 {
		unit = "minute"
	}
	return map[string]any{"unit": unit, "count": n}
}
