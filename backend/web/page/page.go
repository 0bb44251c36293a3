// Package page draws the pages that work without JavaScript: the forms of flows, and what the house itself has to say.
//
//	layout.html ─┬─ stage's own form (page.html in its folder)
//	             └─ the house's pages (templates/*.html)
//
// One stylesheet and one small script, both under names that change with their content. The web door adds headers and cookies.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"maps"
	"path"
	"strings"

	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/text"
)

//go:embed templates/*.html static/*
var files embed.FS

// Brand is how the pages look under an address.
type Brand struct {
	Title   string
	Logo    string // address of the picture, "" for the house's mark
	Favicon string
	Theme   string // automatic, light or dark
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
	URL       string // of this page, for the language links
}

// FlowPage is the page of a challenge.
type FlowPage struct {
	Around
	Challenge *flow.Challenge
	Action    string // where the form goes: the page itself
	Cancel    string // "not you?"
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

// Pages draws pages. It may be used from any goroutine.
type Pages struct {
	layout *template.Template
	flows  map[string]*template.Template // by component
	own    map[string]*template.Template
	css    string // names of the files below /static/flow/
	js     string
	assets map[string][]byte
}

// New reads the templates. It returns an error for one that can't be read.
func New(stages []*stage.Kind) (*Pages, error) {
	p := &Pages{flows: map[string]*template.Template{}, own: map[string]*template.Template{}, assets: map[string][]byte{}}
	for name, to := range map[string]*string{"flow.css": &p.css, "flow.js": &p.js} {
		b, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		ext := path.Ext(name)
		*to = strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		p.assets[*to] = b
	}
	for _, name := range []string{"mark.svg", "background.svg", "avatar.svg"} {
		b, err := files.ReadFile("static/" + name)
		if err != nil {
			return nil, err
		}
		p.assets[name] = b
	}
	var err error
	if p.layout, err = template.New("layout.html").Funcs(p.funcs()).ParseFS(files, "templates/layout.html"); err != nil {
		return nil, err
	}
	for _, k := range stages {
		if k.Component == "" || k.Page == "" {
			continue
		}
		if p.flows[k.Component], err = p.with("templates/flow.html", k.Page); err != nil {
			return nil, fmt.Errorf("page of %s: %w", k.Component, err)
		}
	}
	for component, name := range map[string]string{"ak-stage-access-denied": "denied", "ak-stage-flow-error": "error"} {
		b, err := files.ReadFile("templates/" + name + ".html")
		if err != nil {
			return nil, err
		}
		if p.flows[component], err = p.with("templates/flow.html", string(b)); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{"message", "setup", "trust"} {
		if p.own[name], err = p.with("templates/"+name+".html", ""); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// with clones the layout and adds a page to it.
func (p *Pages) with(file, form string) (*template.Template, error) {
	t, err := p.layout.Clone()
	if err != nil {
		return nil, err
	}
	if t, err = t.ParseFS(files, file); err != nil {
		return nil, err
	}
	if form == "" {
		return t, nil
	}
	return t.Parse(form)
}

func (p *Pages) funcs() template.FuncMap {
	return template.FuncMap{
		"css": func() string { return "/static/flow/" + p.css },
		"js":  func() string { return "/static/flow/" + p.js },
	}
}

// Assets gives the files below /static/flow/ by name.
func (p *Pages) Assets() map[string][]byte { return maps.Clone(p.assets) }

// T gives a sentence of the page's language.
func (a Around) T(key string, args ...any) string { return a.Lang.Say(key, args...) }

// Errors gives what is wrong with a field, "" for the whole answer.
func (f FlowPage) Errors(field string) []stage.Error {
	if field == "" {
		field = "non_field_errors"
	}
	return f.Challenge.Errors[field]
}

// Wrong says whether anything is wrong with the answer.
func (f FlowPage) Wrong() bool {
	for _, es := range f.Challenge.Errors {
		if len(es) > 0 {
			return true
		}
	}
	return false
}

// Flow draws a challenge.
func (p *Pages) Flow(w io.Writer, d FlowPage) error {
	t := p.flows[d.Challenge.Component]
	if t == nil {
		return fmt.Errorf("page: no template for %s", d.Challenge.Component)
	}
	return t.ExecuteTemplate(w, "layout.html", d)
}

// Message draws a message.
func (p *Pages) Message(w io.Writer, d Message) error {
	return p.own["message"].ExecuteTemplate(w, "layout.html", d)
}

// Setup draws a page of the wizard.
func (p *Pages) Setup(w io.Writer, d Setup) error {
	return p.own["setup"].ExecuteTemplate(w, "layout.html", d)
}

// Trust draws the page of the certificate.
func (p *Pages) Trust(w io.Writer, d Trust) error {
	return p.own["trust"].ExecuteTemplate(w, "layout.html", d)
}
