package page

import (
	"net/url"

	"gatehouse/backend/flow"
	"gatehouse/backend/text"
)

// Brand is how the pages look under an address.
type Brand struct {
	Title   string
	Logo    string // address of the picture, "" for the house's mark
	Favicon string
	Theme   string // automatic, light or dark
	Accent  string // colour of the main buttons as #rrggbb, "" for the house's
}

// Link is a link at the foot of the pages.
type Link struct{ Name, Href string }

// Around is what every page has.
type Around struct {
	Lang      *text.Lang
	Brand     Brand
	Links     []Link
	Nonce     string // for the one style element
	CSRF      string // of the session, "" when there is none
	Languages []string
	Name      func(tag string) string // a language's own name; nil: its tag
	URL       string                  // of this page; the language links add locale=<tag> to it
}

// T gives a sentence of the page's language.
func (a Around) T(key string, args ...any) string { return a.Lang.Say(key, args...) }

// Footer gives the links at the foot: what a page has to offer by itself may bear the same name.
func (a Around) Footer() []Link { return a.Links }

// Language is another language that a page can be read in.
type Language struct {
	Tag, Name, Href string
	Current         bool
}

// Others gives the languages to choose from, none when there is only one.
func (a Around) Others() []Language {
	if len(a.Languages) < 2 {
		return nil
	}
	out := make([]Language, 0, len(a.Languages))
	for _, tag := range a.Languages {
		l := Language{Tag: tag, Name: a.name(tag), Current: tag == a.Lang.Tag, Href: "?locale=" + url.QueryEscape(tag)}
		if u, err := url.Parse(a.URL); err == nil {
			q := u.Query()
			q.Set("locale", tag)
			l.Href = "?" + q.Encode()
		}
		out = append(out, l)
	}
	return out
}

func (a Around) name(tag string) string {
	if a.Name == nil {
		return tag
	}
	return a.Name(tag)
}

// FlowPage is the page of a challenge.
type FlowPage struct {
	Around
	Challenge *flow.Challenge
	Action    string     // where the form goes: the page itself
	Cancel    string     // "not you?"
	Deny      string     // where "Don't allow" leads, "" for the person's applications
	Typed     url.Values // the form as it was sent, when something was wrong with it; passwords are never shown again
}

// Message is a page that says something and offers links.
type Message struct {
	Around
	Status  string // "good", "notice", "danger": the tone
	Title   string
	Text    []string // paragraphs
	Detail  string   // for whoever looks after the other side, in monospace
	Links   []Button
	Form    *Form  // one button that does something
	Refresh string // address to go on to by itself, "" for none
}

// Onward gives the address to go on to by itself when it is one that browsers may be sent to.
func (m Message) Onward() string { return onward(m.Refresh) }

// Button is a link that looks like a button.
type Button struct {
	Label, Href string
	Primary     bool
}

// Form is a form of one or two buttons.
type Form struct {
	Action  string
	Hidden  map[string]string
	Submits []Submit
}

// Submit is a button of a form.
type Submit struct {
	Name, Value, Label string
	Primary            bool
}

// Setup is a page of the first-run wizard.
type Setup struct {
	Around
	Step        string // office, admin, name, https, done
	N, Of       int
	Values      map[string]string
	Errors      map[string]string
	Addresses   []string
	Fingerprint string
	TrustURL    string
	URLs        []string
	Next        string // where "done" leads
	Notice      string // something to see to before people sign in, "" for nothing
}

// Trust is the page that brings the certificate to other devices.
type Trust struct {
	Around
	Name        string // of the server, "" before there is one
	Fingerprint string
	Until       string
	URL         string
}
