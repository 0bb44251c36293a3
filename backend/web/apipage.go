package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"strings"
	"time"

	"gatehouse/backend/provider"
	"gatehouse/backend/store"
)

//go:embed api
var apiFiles embed.FS

// APIPage is the API browser: every operation of the description, to be tried as whoever is signed in or copied as a command. It loads
// nothing from elsewhere.
type APIPage struct {
	*Screen
	page  *template.Template
	files map[string][]byte
}

// NewAPIPage reads the page and its two files.
func NewAPIPage(s *Screen) (*APIPage, error) {
	p := &APIPage{Screen: s, files: map[string][]byte{}}
	var err error
	if p.page, err = template.ParseFS(apiFiles, "api/page.html"); err != nil {
		return nil, err
	}
	for _, name := range []string{"browser.css", "browser.js"} {
		if p.files[name], err = apiFiles.ReadFile("api/" + name); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Mount hangs the addresses.
func (p *APIPage) Mount(mux provider.Mux) {
	mux.Handle("GET /api/v3/{$}", http.HandlerFunc(p.show))
	mux.Handle("GET /static/api/{file}", http.HandlerFunc(p.file))
}

// apiTexts are the sentences of the page, in the table "api".
var apiTexts = strings.Fields(`title find find_hint list found none start guest sign_in home schema needs one_a_line any body file send sending curl copied copy_failed
	curl_label answer took nothing unreachable broken sure script`)

func (p *APIPage) show(w http.ResponseWriter, r *http.Request) {
	p.Cookies.Renew(w, r)
	a := p.around(w, r)
	texts := map[string]string{}
	for _, key := range apiTexts {
		texts[key] = p.T(r, "api."+key)
	}
	p.write(w, r, http.StatusOK, func(b *bytes.Buffer) error {
		return p.page.Execute(b, map[string]any{
			"Lang": a.Lang.Tag, "Theme": a.Brand.Theme, "Brand": a.Brand.Title, "Favicon": a.Brand.Favicon, "CSRF": CSRFCookieName(r.Context()),
			"SignedIn": store.ActorOf(r.Context()).SignedIn(), "T": texts,
		})
	})
}

func (p *APIPage) file(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	b, ok := p.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h, sum := w.Header(), sha256.Sum256(b)
	h.Set("Content-Type", contentType(name))
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}
