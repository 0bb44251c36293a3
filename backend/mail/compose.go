package mail

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/store"
)

// Compose writes a letter. It returns Unavailable while there is no mail server, and Invalid for a template that can't be used, or a
// subject, recipient or sender that can't stand in a header. Call it outside of transactions.
func (r *Room) Compose(ctx context.Context, d Draft) (*Letter, error) {
	c, err := r.connection(ctx, d.Via)
	if err != nil {
		return nil, err
	}
	if c.Host == "" {
		return nil, errNone()
	}
	b := d.Brand
	if b == nil {
		if b, err = r.Brands.For(ctx, store.ActorOf(ctx).HTTP.Host); err != nil {
			return nil, err
		}
	}
	lang := r.Texts.Choose(append(d.Langs, b.Locale())...)
	vars := map[string]any{"subject": d.Subject, "lang": lang.Tag, "brand": map[string]any{"title": b.Title, "accent": accent(b.Accent()), "url": r.Base(ctx)}}
	for k, v := range d.Vars {
		vars[k] = v
	}
	l := &Letter{
		ID: crypt.UUID() + "@" + r.domain(ctx, c), From: d.From, Subject: d.Subject, Logo: b.Logo, Via: d.Via, Until: d.Until, Secrets: d.Secrets, About: d.About,
	}
	if l.From == "" {
		l.From = c.From
	}
	for _, a := range d.To {
		l.To = append(l.To, Address{plainName(a), a.Email})
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	if l.HTML, l.Text, err = r.render(d.Template, lang, vars); err != nil {
		return nil, err
	}
	return l, nil
}

// accent gives the colour of buttons: the brand's, else that of the house.
func accent(colour string) string {
	if len(colour) == 7 && colour[0] == '#' && strings.Trim(colour[1:], "0123456789abcdefABCDEF") == "" {
		return colour
	}
	return "#0b5f5c"
}

// domain is what stands behind the at sign of message ids and what the house calls itself in HELO.
func (r *Room) domain(ctx context.Context, c Connection) string {
	if u, err := url.Parse(r.Base(ctx)); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if _, host, ok := strings.Cut(strings.TrimSuffix(c.From, ">"), "@"); ok && host != "" {
		return host
	}
	return "gatehouse.invalid"
}

// told is the body of a letter as the audit log keeps it: who reads the log must not be able to use a link (the published event holds it).
func (l *Letter) told() string {
	out := l.HTML
	for _, s := range l.Secrets {
		if s != "" {
			out = strings.ReplaceAll(out, s, event.Mask)
		}
	}
	return out
}
