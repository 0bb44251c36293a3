package mail

import (
	"net/mail"
	"strings"

	"gatehouse/backend/fault"
)

// line says whether a text can stand in one line of a header: no line break, NUL or other control character (RFC 5322 section 2.2), which
// would let whoever wrote it add headers or mails.
func line(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return r < ' ' && r != '\t' || r == 0x7f || r == '\u2028' || r == '\u2029' || r == '\u0085'
	}) < 0
}

// CheckAddress returns an Invalid fault about a field unless s is one plain address such as ada@office.lan.
func CheckAddress(field, s string) error {
	if a, err := mail.ParseAddress(s); !line(s) || err != nil || a.Address != s || len(s) > 254 {
		return fault.Field(field, "Enter a valid email address.")
	}
	return nil
}

// sender takes "gatehouse@office.lan" or "Gatehouse <gatehouse@office.lan>".
func sender(field, s string) (*mail.Address, error) {
	a, err := mail.ParseAddress(s)
	if err != nil || !line(s) || !line(a.Name) || len(s) > 254 {
		return nil, fault.Field(field, "Write a sender as gatehouse@office.lan or Gatehouse <gatehouse@office.lan>.")
	}
	return a, nil
}

// check returns an Invalid fault for a letter whose headers can't be what they should.
func (l *Letter) check() error {
	if !line(l.Subject) {
		return fault.New(fault.Invalid, "The subject of the mail has a line break in it.")
	}
	if len(l.To) == 0 {
		return fault.New(fault.Invalid, "The mail has no recipient.")
	}
	for _, a := range l.To {
		if err := CheckAddress("email", a.Email); err != nil {
			return fault.Newf(fault.Invalid, "%q is no e-mail address.", a.Email)
		}
	}
	_, err := sender("from_address", l.From)
	return err
}

// plainName gives a name that can stand in a header: without what a header can't hold, and "" when it is the address itself (#8850).
func plainName(a Address) string {
	name := strings.TrimSpace(strings.Map(func(r rune) rune {
		if !line(string(r)) {
			return ' '
		}
		return r
	}, a.Name))
	if strings.EqualFold(name, a.Email) {
		return ""
	}
	return name
}
