package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"gatehouse/backend/fault"
)

// Send hands a letter to its server now. The fault says in plain words what went wrong, with the server's own words in it; Invalid means
// that the server will never take it.
func (r *Room) Send(ctx context.Context, l *Letter) error {
	c, err := r.connection(ctx, l.Via)
	if err != nil {
		return err
	}
	if c.Host == "" {
		return errNone()
	}
	m, err := r.message(l)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(c.Host, r.options(ctx, c)...)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "The settings of the mail server can't be used.", err)
	}
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	ctx, stop := context.WithTimeout(ctx, 3*c.Timeout) // greeting, TLS and the mail itself have a limit each
	defer stop()
	if err := client.DialAndSendWithContext(ctx, m); err != nil && !m.IsDelivered() {
		return said(c, err)
	}
	return nil
}

func (r *Room) options(ctx context.Context, c Connection) []mail.Option {
	tc := &tls.Config{MinVersion: tls.VersionTLS12}
	if r.TLS != nil {
		tc = r.TLS.Clone()
	}
	tc.ServerName = c.Host
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	out := []mail.Option{mail.WithTimeout(timeout), mail.WithTLSConfig(tc), mail.WithHELO(r.domain(ctx, c))}
	switch c.Security {
	case TLS:
		out = append(out, mail.WithSSL())
	case StartTLS:
		out = append(out, mail.WithTLSPolicy(mail.TLSMandatory))
	default:
		out = append(out, mail.WithTLSPolicy(mail.NoTLS))
	}
	out = append(out, mail.WithPort(c.Port))
	if c.Username != "" {
		out = append(out, mail.WithSMTPAuthCustom(&login{user: c.Username, pass: c.Password, host: c.Host}))
	}
	return out
}

// login chooses among what a server offers: the password itself is sent only when nothing better is there.
type login struct {
	user, pass, host string
	next             smtp.Auth
}

// Start implements smtp.Auth.
func (a *login) Start(s *smtp.ServerInfo) (string, []byte, error) {
	offers := map[string]bool{}
	for _, m := range s.Auth {
		offers[strings.ToUpper(m)] = true
	}
	switch {
	case offers["SCRAM-SHA-256"]:
		a.next = smtp.ScramSHA256Auth(a.user, a.pass)
	case offers["SCRAM-SHA-1"]:
		a.next = smtp.ScramSHA1Auth(a.user, a.pass)
	case offers["CRAM-MD5"]:
		a.next = smtp.CRAMMD5Auth(a.user, a.pass)
	case offers["PLAIN"]:
		a.next = smtp.PlainAuth("", a.user, a.pass, a.host, true)
	case offers["LOGIN"]:
		a.next = smtp.LoginAuth(a.user, a.pass, a.host, true)
	case len(offers) == 0:
		return "", nil, errNoAuth
	default:
		return "", nil, errOtherAuth
	}
	return a.next.Start(s)
}

// Next implements smtp.Auth.
func (a *login) Next(from []byte, more bool) ([]byte, error) { return a.next.Next(from, more) }

var (
	errNoAuth    = errors.New("the server takes no name and password on this connection")
	errOtherAuth = errors.New("the server offers no way to sign in that Gatehouse knows")
)

// message makes what is sent.
func (r *Room) message(l *Letter) (*mail.Msg, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	m := mail.NewMsg()
	m.SetMessageIDWithValue(l.ID)
	m.SetDate()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 section 5
	from, err := sender("from_address", l.From)
	if err != nil {
		return nil, err
	}
	m.FromMailAddress(from)
	for _, a := range l.To {
		if a.Name == "" {
			err = m.AddTo(a.Email)
		} else {
			err = m.AddToFormat(a.Name, a.Email)
		}
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "The mail can't be addressed to "+a.Email+".", err)
		}
	}
	m.Subject(l.Subject)
	if l.Text != "" {
		m.SetBodyString(mail.TypeTextPlain, l.Text)
		m.AddAlternativeString(mail.TypeTextHTML, l.HTML)
	} else {
		m.SetBodyString(mail.TypeTextHTML, l.HTML)
	}
	if strings.Contains(l.HTML, "cid:logo.png") {
		picture, media := r.logo(l.Logo)
		if err := m.EmbedReader("logo.png", bytes.NewReader(picture), mail.WithFileContentID("logo.png"), mail.WithFileContentType(mail.ContentType(media))); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// logo gives the brand's picture when mail programs can show it, else the mark of the house (#9487).
func (r *Room) logo(address string) ([]byte, string) {
	if r.Picture != nil {
		if b, media := r.Picture(address); len(b) > 0 {
			return b, media
		}
	}
	b, err := builtin.ReadFile("templates/logo.png")
	if err != nil {
		panic(err) // it is part of the program
	}
	return b, "image/png"
}

// serverWords finds what a server said in the text of an error: a code and what follows it (RFC 5321 section 4.2).
var serverWords = regexp.MustCompile(`(?s)\b[245]\d\d[ -].*`)

// inQuotes is a server's answer as go-mail writes that of a refused recipient.
var inQuotes = regexp.MustCompile(`^(\d{3}[ -])"(.*)"$`)

// said makes a fault of what a conversation with a server came to.
func said(c Connection, err error) *fault.Error {
	var (
		answer *textproto.Error
		send   *mail.SendError
		dns    *net.DNSError
		cert   *tls.CertificateVerificationError
		record tls.RecordHeaderError
		slow   net.Error
	)
	where := "The mail server " + c.Host
	words := ""
	if errors.As(err, &answer) {
		words = fmt.Sprintf("%d %s", answer.Code, answer.Msg)
	} else if errors.As(err, &send) && send.ErrorCode() > 0 {
		text, _, _ := strings.Cut(send.Error(), ", affected recipient")
		text, _, _ = strings.Cut(text, ", affected message ID")
		words = serverWords.FindString(text)
	}
	words = inQuotes.ReplaceAllString(strings.Join(strings.Fields(words), " "), "$1$2")
	if len(words) > 500 {
		words = words[:500]
	}
	switch {
	case words != "":
		kind := fault.Unavailable
		// A refusal of this very mail stays one; that of a sign-in ends when an admin corrects it.
		if send != nil && send.ErrorCode() >= 500 {
			kind = fault.Invalid
		}
		return fault.Wrap(kind, where+" says: "+words, err)
	case errors.Is(err, errNoAuth):
		return fault.Wrap(fault.Unavailable, where+" takes no name and password on this connection. Choose STARTTLS or TLS, or leave the username empty.", err)
	case errors.Is(err, errOtherAuth):
		return fault.Wrap(fault.Unavailable, where+" offers no way to sign in that Gatehouse knows.", err)
	case errors.As(err, &dns):
		return fault.Wrap(fault.Unavailable, where+" can't be found on the network. Check its name.", err)
	case errors.As(err, &cert):
		return fault.Wrap(fault.Unavailable, where+" has a certificate that this machine doesn't trust: "+cert.Err.Error()+".", err)
	case errors.As(err, &record):
		return fault.Wrap(fault.Unavailable, where+" doesn't begin with TLS on this port. Try STARTTLS, or port 465.", err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.Wrap(fault.Unavailable, where+" refuses the connection. Check its port, and that it runs.", err)
	case strings.Contains(err.Error(), "STARTTLS"):
		return fault.Wrap(fault.Unavailable, where+" offers no STARTTLS on this port, so nothing was sent.", err)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &slow) && slow.Timeout():
		return fault.Wrap(fault.Unavailable, where+" didn't answer in time. Check its name and port, and whether it begins with TLS.", err)
	}
	return fault.Wrap(fault.Unavailable, where+" can't be reached, or ended the conversation.", err)
}
