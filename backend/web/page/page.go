// Package page draws the pages that work without JavaScript: the forms of flows, and what the house itself has to say.
//
//	layout.html + parts.html ─┬─ flow.html ── a stage's own form (page.html in its folder), or one of the engine's ends
//	                          └─ message.html ▸ setup.html ▸ trust.html
//
// One stylesheet, one small script, and one more each for the pages that ask for a passkey and for captchas and lists of codes, all under
// names that change with their content. The web door adds headers and cookies.
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

	"gatehouse/backend/stage"
)

//go:embed templates/*.html static/*
var files embed.FS

// ends are the challenges of the engine itself, and the template of each.
var ends = map[string]string{
	"ak-stage-access-denied": "denied", "ak-stage-flow-error": "error", "xak-flow-redirect": "redirect", autosubmit: "",
}

// autosubmit is the end that is no template (Post).
const autosubmit = "ak-stage-autosubmit"

// Pages draws pages. It may be used from any goroutine.
type Pages struct {
	layout *template.Template
	flows  map[string]*template.Template // by component
	own    map[string]*template.Template
	css    string // names of the files below /static/flow/
	js     string
	keys   string // the script for passkeys, on the pages that ask for one
	steps  string // the script of a few steps, on their pages
	frames *frames
	assets map[string][]byte
}

// New reads the templates. It returns an error for one that can't be read.
func New(stages []*stage.Kind) (*Pages, error) {
	p := &Pages{flows: map[string]*template.Template{}, own: map[string]*template.Template{}, frames: newFrames(), assets: map[string][]byte{}}
	for name, to := range map[string]*string{"flow.css": &p.css, "flow.js": &p.js, "passkey.js": &p.keys, "steps.js": &p.steps} {
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
	if p.layout, err = template.New("layout.html").Funcs(p.funcs()).ParseFS(files, "templates/layout.html", "templates/parts.html"); err != nil {
		return nil, err
	}
	for _, k := range stages {
		if k.Component == "" || k.Page == "" {
			continue
		}
		if p.flows[k.Component], err = p.with("flow", k.Page); err != nil {
			return nil, fmt.Errorf("page of %s: %w", k.Component, err)
		}
	}
	for component, name := range ends {
		var b []byte
		if name != "" {
			if b, err = files.ReadFile("templates/" + name + ".html"); err != nil {
				return nil, err
			}
		}
		if p.flows[component], err = p.with("flow", string(b)); err != nil {
			return nil, fmt.Errorf("page of %s: %w", component, err)
		}
	}
	for _, name := range []string{"message", "setup", "trust"} {
		if p.own[name], err = p.with(name, ""); err != nil {
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
	if t, err = t.ParseFS(files, "templates/"+file+".html"); err != nil {
		return nil, err
	}
	if form == "" {
		return t, nil
	}
	return t.Parse(form)
}

func (p *Pages) funcs() template.FuncMap {
	return template.FuncMap{
		"css":    func() string { return "/static/flow/" + p.css },
		"js":     func() string { return "/static/flow/" + p.js },
		"keys":   func() string { return "/static/flow/" + p.keys },
		"steps":  func() string { return "/static/flow/" + p.steps },
		"safe":   Safe,
		"link":   leads,
		"accent": accent,
		"lines":  func(s string) []string { return strings.Split(s, "\n") },
		"join":   strings.Join,
	}
}

// Assets gives the files below /static/flow/ by name.
func (p *Pages) Assets() map[string][]byte { return maps.Clone(p.assets) }

// Flow draws a challenge. It returns an error for a challenge that no stage of the list asks.
func (p *Pages) Flow(w io.Writer, d FlowPage) error {
	t := p.flows[d.Challenge.Component]
	if t == nil {
		return fmt.Errorf("page: no template for %s", d.Challenge.Component)
	}
	if d.Challenge.Component == autosubmit {
		f := &form{FlowPage: d}
		post, err := f.Post()
		if err != nil {
			return err
		}
		return p.frames.draw(w, t, f, func() error { return post.write(w, f.Around, f.Title()) })
	}
	f, err := newForm(t, d)
	if err != nil {
		return err
	}
	return p.frames.draw(w, t, f, func() error { return t.ExecuteTemplate(w, "main", f) })
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
