package email

import (
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/mail"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// The keys of the plan's context.
const (
	recipientKey = "email"           // who gets the mail in the place of the user's address; expressions set it
	sentKey      = "email_sent"      // as published
	proofKey     = "gatehouse/email" // which stage sent to which address, and when
	prefix       = "ak-email-stage-" // of the identifiers of links
	recovery     = "-password-reset" // ends the identifier of a link that an admin made
)

// How often a mail is sent: again in one flow, and to one address in all flows together.
const (
	window  = 15 * time.Minute
	perPlan = 5
	perAddr = 5
)

// recipient gives the address that the mail goes to.
func (s *Stage) recipient(t *stage.Turn) string {
	if to := strings.TrimSpace(t.Plan.Text(recipientKey)); to != "" {
		return to
	}
	return t.User.Email
}

// sent says whether this stage has sent its mail to whom it has to.
func (s *Stage) sent(t *stage.Turn) bool {
	m, _ := t.Plan.Context[proofKey].(map[string]any)
	return t.Plan.True(sentKey) && m["stage"] == s.PK && m["to"] == s.recipient(t)
}

// proven says whether who is here opened a link: that of an admin, or one that was sent to the very address.
func (s *Stage) proven(t *stage.Turn) bool {
	came, ok := t.Plan.Context[stage.Restored].(map[string]any)
	if !ok {
		return false
	}
	m, mailed := t.Plan.Context[proofKey].(map[string]any)
	if !mailed {
		id, _ := came["identifier"].(string)
		return strings.HasSuffix(id, recovery)
	}
	return m["to"] == s.recipient(t)
}

// mayAgain says whether a mail may be sent once more in this flow. It counts for people who don't exist as for those who do.
func (s *Stage) mayAgain(t *stage.Turn) bool {
	m, _ := t.Plan.Context[proofKey].(map[string]any)
	return len(recent(m["times"], t.Now)) < perPlan
}

// recent gives the times, in seconds, that lie within the window.
func recent(times any, now time.Time) []any {
	out := []any{}
	list, _ := times.([]any)
	for _, v := range list {
		at, ok := v.(float64)
		if !ok {
			n, is := v.(int64)
			if !is {
				continue
			}
			at = float64(n)
		}
		if float64(now.Add(-window).Unix()) < at {
			out = append(out, v)
		}
	}
	return out
}

// send writes the mail and queues it with the plan. For somebody who does not exist, or has no address, everything looks the same and
// nothing is sent (CVE-2023-39522). It returns Unavailable or Invalid when no mail can be written.
func (s *Stage) send(t *stage.Turn) error {
	to := s.recipient(t)
	before, _ := t.Plan.Context[proofKey].(map[string]any)
	t.Plan.Context[sentKey] = true
	t.Plan.Context[proofKey] = map[string]any{"stage": s.PK, "to": to, "times": append(recent(before["times"], t.Now), t.Now.Unix())}

	key, expires := crypt.ID(keyLength), t.Now.Add(time.Duration(s.Expiry+1)*time.Minute)
	l, err := s.letter(t, to, key, expires)
	if err != nil {
		return err
	}
	if l == nil || t.User.PK == 0 {
		return nil
	}
	n, err := s.d.Mail.Recent(t.Ctx, to, t.Now.Add(-window))
	if err != nil {
		return err
	}
	if n >= perAddr {
		s.d.Log.WarnContext(t.Ctx, "no more mails to an address for now", "stage", s.Name, "user", t.User.Username, "logger", "gatehouse.stage.email")
		return nil
	}
	carried := &stage.Plan{Flow: t.Plan.Flow, Steps: t.Plan.Steps, Context: map[string]any{}}
	for k, v := range t.Plan.Context {
		if k != stage.Restored {
			carried.Context[k] = v
		}
	}
	plan, err := stage.Carry(s.d.Store.Key(), carried)
	if err != nil {
		return err
	}
	who, flow, name := t.User.PK, t.Flow.PK, token.Slug(s.Name)
	if len(name) > 150 {
		name = name[:150]
	}
	identifier := prefix + name + "-" + crypt.UUID()
	t.After(func(tx *store.Tx) error {
		err := s.d.Tokens.Make(tx, &token.Token{
			Identifier: identifier, Intent: token.Verification, User: who, Description: "Link in a mail", Flow: &flow, Plan: &plan, Key: key, Expires: &expires,
		})
		if err != nil {
			return err
		}
		return s.d.Mail.Queue(tx, l)
	})
	return nil
}

// keyLength is how many letters and digits the key of a link has: as published.
const keyLength = 60

// letter writes the mail; nil when it can go nowhere.
func (s *Stage) letter(t *stage.Turn, to, key string, expires time.Time) (*mail.Letter, error) {
	base := s.d.Base(t.Ctx)
	if base == "" {
		base = t.Request.Base
	}
	link := t.PageURL(t.Flow.Slug)
	if strings.Contains(link, "?") {
		link += "&"
	} else {
		link += "?"
	}
	address := to
	if mail.CheckAddress("email", to) != nil || t.User.PK == 0 {
		address = "nobody@gatehouse.invalid" // written all the same: it has to take as long
	}
	d := Draft(s, t.User, address, base+link+"flow_token="+url.QueryEscape(key), expires, key)
	d.Brand = t.Brand
	d.Langs = append(d.Langs, t.Request.HTTP.Locale)
	l, err := s.d.Mail.Compose(t.Ctx, d)
	if err != nil || address != to {
		return nil, err
	}
	return l, nil
}

// Draft is the mail of a stage to a person with a link; secret is what of the link nobody else may learn.
func Draft(s *Stage, u *user.User, to, link string, expires time.Time, secret string) mail.Draft {
	name := u.Name
	if name == "" {
		name = u.Username
	}
	d := mail.Draft{
		To: []mail.Address{{Name: u.Name, Email: to}}, Subject: s.Subject, Template: s.Template, Until: expires, Secrets: []string{secret},
		Vars: map[string]any{"url": link, "expires": expires, "user": map[string]any{"name": name, "username": u.Username, "email": u.Email}},
	}
	if !s.Global {
		d.Via, d.From = s.PK, s.From
	}
	if l, ok := locale(u); ok {
		d.Langs = append(d.Langs, l)
	}
	return d
}

// locale gives the language that a person chose for themselves.
func locale(u *user.User) (string, bool) {
	settings, _ := u.Attributes["settings"].(map[string]any)
	l, ok := settings["locale"].(string)
	return l, ok && l != ""
}

// through lets whoever came by a link go on; other links of the same flow stop working.
func (s *Stage) through(t *stage.Turn) stage.Result {
	who, flow := t.User.PK, t.Flow.PK
	if who == 0 {
		return stage.Deny(s.say(t, "flow.email.nobody"))
	}
	return stage.Done().Writing(func(tx *store.Tx) error {
		if err := token.DropLinks(tx, who, flow, prefix); err != nil || !s.Activate {
			return err
		}
		u, err := user.ByPKTx(tx, who)
		if err != nil {
			return err
		}
		if u.IsActive {
			return nil
		}
		u.IsActive = true
		return tx.Update(u)
	}).Else(func(err error) stage.Result { return stage.Deny(fault.As(err).Say) })
}
