package mail

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	texttemplate "text/template"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/text"
)

// The templates that the house itself names.
const (
	PasswordReset = "email/password_reset.html"
	Confirmation  = "email/account_confirmation.html"
	Notification  = "email/event_notification.html"
	Setup         = "email/setup.html"
	Invitation    = "email/invitation.html"
)

// base stands around what the other templates say.
const base = "email/base"

// Template is a mail that a stage can send.
type Template struct{ Name, Title string }

const (
	maxTemplates = 500       // how many of the office's own are listed
	maxTemplate  = 256 << 10 // bytes of one
	maxRendered  = 1 << 20   // bytes of what comes of one
)

// Templates lists the mails that stages can send: those of the house, then the office's own by their path in its folder.
func (r *Room) Templates() []Template {
	out := []Template{{PasswordReset, "Password Reset"}, {Confirmation, "Account Confirmation"}}
	dir := r.own()
	if dir == nil {
		return out
	}
	defer dir.Close()
	// A folder that can't be read, or part of it, holds no templates.
	_ = fs.WalkDir(dir.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || len(out) > maxTemplates {
			return fs.SkipAll
		}
		if !d.IsDir() && strings.HasSuffix(p, ".html") && !slices.ContainsFunc(out, func(t Template) bool { return t.Name == p }) {
			out = append(out, Template{p, "Custom Template: " + p})
		}
		return nil
	})
	return out
}

// Has says whether a stage can send a template.
func (r *Room) Has(name string) bool {
	return slices.ContainsFunc(r.Templates(), func(t Template) bool { return t.Name == name })
}

// CheckTemplate returns an Invalid fault that says where a template can't be read; nil for a good one.
func (r *Room) CheckTemplate(name string) error {
	_, _, err := r.parse(name, r.Texts.Choose("en"))
	return err
}

// source reads a file: the office's own before that of the house.
func (r *Room) source(name string) (string, error) {
	if !fs.ValidPath(name) {
		return "", fs.ErrNotExist
	}
	if dir := r.own(); dir != nil {
		defer dir.Close()
		f, err := dir.Open(name)
		if err == nil {
			defer f.Close()
			b, err := io.ReadAll(io.LimitReader(f, maxTemplate+1))
			if err != nil {
				return "", err
			}
			if len(b) > maxTemplate {
				return "", fmt.Errorf("it is larger than %d kB", maxTemplate>>10)
			}
			return string(b), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	b, err := builtin.ReadFile(path.Join("templates", name))
	return string(b), err
}

// parse gives the HTML part of a mail and its plain part, which is nil when there is no file for it.
func (r *Room) parse(name string, lang *text.Lang) (*template.Template, *texttemplate.Template, error) {
	bad := func(file string, err error) error {
		say := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template: ")
		return fault.Wrap(fault.Invalid, fmt.Sprintf("The template %s can't be used: %s", file, say), err)
	}
	funcs := map[string]any{
		"T": lang.Say,
		"when": func(t time.Time) string {
			return t.Local().Format("2006-01-02 15:04 MST")
		},
	}
	page, err := r.source(name)
	if err != nil {
		return nil, nil, bad(name, err)
	}
	around, err := r.source(base + ".html")
	if err != nil {
		return nil, nil, bad(base+".html", err)
	}
	h := template.New(base + ".html").Funcs(funcs)
	if h, err = h.Parse(around); err != nil {
		return nil, nil, bad(base+".html", err)
	}
	if h, err = h.New(name).Parse(page); err != nil {
		return nil, nil, bad(name, err)
	}
	plain := strings.TrimSuffix(name, ".html") + ".txt"
	src, err := r.source(plain)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil, nil
	}
	if err != nil {
		return nil, nil, bad(plain, err)
	}
	t, err := texttemplate.New(plain).Funcs(funcs).Parse(src)
	if err != nil {
		return nil, nil, bad(plain, err)
	}
	return h, t, nil
}

// render writes the two parts of a mail. What people wrote is escaped in the HTML part and as it is in the plain one (#8812).
func (r *Room) render(name string, lang *text.Lang, vars map[string]any) (html, plain string, err error) {
	h, t, err := r.parse(name, lang)
	if err != nil {
		return "", "", err
	}
	bad := func(err error) error {
		return fault.Wrap(fault.Invalid, fmt.Sprintf("The template %s can't be used: %s", name, strings.TrimPrefix(err.Error(), "template: ")), err)
	}
	var b capped
	if err := h.Execute(&b, vars); err != nil {
		return "", "", bad(err)
	}
	html = b.String()
	if t == nil {
		return html, "", nil
	}
	b.Reset()
	if err := t.Execute(&b, vars); err != nil {
		return "", "", bad(err)
	}
	return html, strings.TrimSpace(b.String()) + "\n", nil
}

// capped is a buffer that refuses what is too much.
type capped struct{ bytes.Buffer }

// Write implements io.Writer.
func (c *capped) Write(p []byte) (int, error) {
	if c.Len()+len(p) > maxRendered {
		return 0, errors.New("the mail becomes larger than 1 MB")
	}
	return c.Buffer.Write(p)
}
