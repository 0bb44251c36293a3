package page

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
)

// form is what the templates of flows see: the page, and fields that know what was typed and what is wrong with it.
type form struct {
	FlowPage
	Body template.HTML // the inside of the form

	fields  []*Input // in their order on the page
	focused bool
	keys    bool // the page asks for a passkey
}

// newForm draws the inside of the form first: what stands above it depends on which fields there are.
func newForm(t *template.Template, d FlowPage) (*form, error) {
	f := &form{FlowPage: d}
	var b strings.Builder
	if err := t.ExecuteTemplate(&b, "form", f); err != nil {
		return nil, err
	}
	f.Body = template.HTML(b.String()) // made by html/template
	return f, nil
}

// C is what the stage asks.
func (f *form) C() any { return f.Challenge.Value }

// Component names the challenge.
func (f *form) Component() string { return f.Challenge.Component }

// Title is the heading: that of the flow, but an end says itself what it is.
func (f *form) Title() string {
	switch f.Challenge.Component {
	case "ak-stage-access-denied":
		return f.T("flow.denied.title")
	case "ak-stage-flow-error":
		return f.T("flow.error.title")
	}
	if f.Challenge.Info.Title != "" {
		return f.Challenge.Info.Title
	}
	return f.Brand.Title
}

// plainly has words for what the wire says in its own.
var plainly = map[string]string{
	"Unknown error":                        "flow.denied.unknown",
	"Flow does not apply to current user.": "flow.denied.unfit",
	"Invalid invite/invite not found":      "flow.denied.invitation",
}

// Why is the reason for which somebody can't go on.
func (f *form) Why() string {
	d, ok := f.Challenge.Value.(*flow.AccessDenied)
	if !ok {
		return ""
	}
	if key := plainly[d.Message]; key != "" {
		return f.T(key)
	}
	return d.Message
}

// Layout says where the card stands.
func (f *form) Layout() string { return strings.ReplaceAll(f.Challenge.Info.Layout, "_", "-") }

// Picture is what stands behind the card, "" for the house's own drawing.
func (f *form) Picture() string {
	if p := f.Challenge.Info.Background; p != flow.DefaultBackground {
		return p
	}
	return ""
}

// Who is whom the page is about, "" when it does not tell.
func (f *form) Who() string {
	if !f.Challenge.User {
		return ""
	}
	return f.Challenge.PendingUser
}

// As says in which way the page is about them; an end does not know whether they had come in already.
func (f *form) As() string {
	switch {
	case f.Challenge.Final():
		return ""
	case f.Challenge.Component == "ak-stage-consent":
		return f.T("flow.signed_in_as")
	}
	return f.T("flow.signing_in_as")
}

// Face is the picture of whom the page is about, as an address that may be shown.
func (f *form) Face() template.URL {
	a := f.Challenge.Avatar
	if strings.HasPrefix(a, "/") || strings.HasPrefix(a, "https://") || strings.HasPrefix(a, "data:image/") {
		return template.URL(a) // images only, which run nothing
	}
	return "/static/dist/assets/images/user_default.png"
}

// Sends says whether there is anything to send: an end has no form.
func (f *form) Sends() bool { _, end := ends[f.Challenge.Component]; return !end }

// Steps says whether the page needs the script of a few steps.
func (f *form) Steps() bool {
	return f.Challenge.Component == "ak-stage-captcha" || f.Challenge.Component == "ak-stage-authenticator-static"
}

// Multipart says whether the form holds files.
func (f *form) Multipart() bool {
	m, ok := f.Challenge.Value.(interface{ Multipart() bool })
	return ok && m.Multipart()
}

// DenyURL is where "Don't allow" leads: back to the application, which may be a program with a scheme of its own.
func (f *form) DenyURL() template.URL {
	u, err := url.Parse(f.Deny)
	if f.Deny == "" || err != nil || slices.Contains([]string{"javascript", "data", "vbscript", "blob", "file", "about"}, u.Scheme) {
		return "/if/user/"
	}
	return template.URL(f.Deny) // runs nothing here
}

// Errors gives what is wrong with a field, "" for the whole answer.
func (f FlowPage) Errors(field string) []stage.Error {
	if field == "" {
		field = fault.NonField
	}
	return f.Challenge.Errors[field]
}

// wrong counts the fields that something is wrong with.
func (f *form) wrong() (n int) {
	for name, es := range f.Challenge.Errors {
		if name != fault.NonField && len(es) > 0 {
			n++
		}
	}
	return n
}

// whole says whether something is wrong that is no single field's.
func (f *form) whole() bool { return len(f.Challenge.Errors[fault.NonField]) > 0 }

// Summary is what the page says above the form about what is wrong.
type Summary struct {
	Texts  []string // of the whole answer, and of fields that the page does not show
	Fields []*Input
}

// Summary gives the summary, nil when one field says everything itself. The check came out wrong without a word when both are empty.
func (f *form) Summary() *Summary {
	if f.Challenge.Errors == nil || !f.whole() && f.wrong() == 0 && !f.silent() {
		return nil
	}
	if q, ok := f.Challenge.Value.(interface{ Quiet() bool }); ok && q.Quiet() { // programs know the good news as an error
		return nil
	}
	s := &Summary{}
	for _, e := range f.Errors("") {
		if e.Code == "email-sent" { // good news that the wire has no other place for; the page of the stage says it
			return nil
		}
		s.Texts = append(s.Texts, e.String)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Challenge.Errors)) {
		es := f.Challenge.Errors[name]
		if name == fault.NonField || len(es) == 0 {
			continue
		}
		i := slices.IndexFunc(f.fields, func(in *Input) bool { return in.Name == name })
		if i < 0 {
			for _, e := range es {
				if f.Challenge.Component == "ak-stage-captcha" { // the wire says it for programs
					e.String = f.T("flow.captcha.again")
				}
				s.Texts = append(s.Texts, e.String)
			}
		}
	}
	for _, in := range f.fields {
		if len(in.Errors) > 0 {
			s.Fields = append(s.Fields, in)
		}
	}
	if len(s.Texts) == 0 && len(s.Fields) == 1 {
		return nil
	}
	return s
}

// silent says whether an answer was refused without a reason, as policies may do.
func (f *form) silent() bool { return f.Typed != nil && len(f.Challenge.Errors) == 0 }

// Account is the name that a password on this page belongs to, for password managers; "" when a field of the page holds it.
func (f *form) Account() string {
	secret := false
	for _, in := range f.fields {
		if in.Type == "password" {
			secret = true
		}
		if strings.HasPrefix(in.Autocomplete, "username") {
			return ""
		}
	}
	if !secret {
		return ""
	}
	return f.Challenge.PendingUser
}

// Names says what may be typed to say who one is.
func (f *form) Names(fields []string) string {
	key := "flow.identification." + strings.Join(fields, "_")
	if f.Lang.Say(key) != key {
		return f.T(key)
	}
	var out []string
	for _, n := range fields {
		out = append(out, f.T("flow.identification."+n))
	}
	return strings.Join(out, f.T("flow.identification.or"))
}

// NameType is the type of the field for names: that of e-mail addresses when nothing else may be typed.
func (f *form) NameType(fields []string) string {
	if len(fields) == 1 && fields[0] == "email" {
		return "email"
	}
	return "text"
}

// Onward is where a redirect leads.
func (f *form) Onward() string {
	r, ok := f.Challenge.Value.(*flow.RedirectTo)
	if !ok {
		return ""
	}
	return onward(r.To)
}

// Post is a form that goes elsewhere by itself.
type Post struct {
	URL   string            `json:"url"`
	Attrs map[string]string `json:"attrs"`
	Title string            `json:"title"`
}

// write writes the form. It is put together here, not by a template: html/template takes long for a value of some thousand bytes, and it
// is the page that every sign-in by SAML ends with.
func (p *Post) write(w io.Writer, a Around, title string) error {
	esc := template.HTMLEscapeString
	var b strings.Builder
	b.WriteString("\n<h1>" + esc(title) + "</h1>\n<form method=\"post\" action=\"" + esc(p.URL) + "\" data-auto>\n")
	for _, name := range slices.Sorted(maps.Keys(p.Attrs)) {
		b.WriteString(`<input type="hidden" name="` + esc(name) + `" value="`)
		b.WriteString(esc(p.Attrs[name]))
		b.WriteString("\">\n")
	}
	b.WriteString("<p>" + esc(cmp.Or(p.Title, a.T("flow.autosubmit.text"))) + "</p>\n<button class=\"primary\">" + esc(a.T("flow.continue")) + "</button>\n</form>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// Post gives what an autosubmit challenge sends; an error when it is none or leads where no form may.
func (f *form) Post() (*Post, error) {
	p := &Post{}
	if s, ok := f.Challenge.Value.(*flow.Submission); ok {
		*p = Post(*s)
	} else {
		b, err := json.Marshal(f.Challenge.Value)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(b, p); err != nil {
			return nil, err
		}
	}
	if onward(p.URL) == "" {
		return nil, fmt.Errorf("page: a form may not lead to %q", p.URL)
	}
	return p, nil
}
