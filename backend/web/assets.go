package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"gatehouse/backend/text"
)

// Assets serves the files that a build made: scripts, styles and the two pages that load them. The build may leave a file as NAME.gz
// alone; who does not take gzip gets it unpacked.
type Assets struct{ FS fs.FS }

// appPolicy is the Content-Security-Policy of the admin window and the portal.
const appPolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; frame-src 'none'; frame-ancestors 'none'"

// open gives the bytes of a file and whether they are gzip.
func (a Assets) open(name string) (b []byte, zipped bool, err error) {
	b, err = fs.ReadFile(a.FS, name)
	if errors.Is(err, fs.ErrNotExist) {
		b, err = fs.ReadFile(a.FS, name+".gz")
		zipped = err == nil
	}
	return b, zipped, err
}

// Has says whether there is a file.
func (a Assets) Has(name string) bool {
	_, _, err := a.open(name)
	return err == nil
}

// Page serves a page that loads a script, without telling caches to keep it.
func (a Assets) Page(w http.ResponseWriter, r *http.Request, name string) {
	h := w.Header()
	h.Set("Content-Security-Policy", appPolicy)
	h.Set("Vary", "Cookie")
	a.serve(w, r, name, "no-cache")
}

// ServeHTTP serves below /static/app/. What lies in assets/ has a name that changes with its content.
func (a Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/static/app/")
	if !fs.ValidPath(name) || strings.HasSuffix(name, ".html") {
		http.NotFound(w, r)
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") {
		cache = "public, max-age=31536000, immutable"
	}
	a.serve(w, r, name, cache)
}

func (a Assets) serve(w http.ResponseWriter, r *http.Request, name, cache string) {
	b, zipped, err := a.open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType(name))
	h.Set("Cache-Control", cache)
	h.Add("Vary", "Accept-Encoding")
	sum := sha256.Sum256(b)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	if zipped && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		tag = `"` + hex.EncodeToString(sum[:8]) + `-gz"`
	} else if zipped {
		if b, err = unzip(b); err != nil {
			http.Error(w, "The file can't be read.", http.StatusInternalServerError)
			return
		}
	}
	h.Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

func unzip(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// contentType gives the type of a file by its name; the tables of the machine have no say.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".json", ".map":
		return "application/json"
	case ".woff2":
		return "font/woff2"
	case ".wasm":
		return "application/wasm"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// drawing gives the file of our own drawing under a published name of a picture (flows.md 1.3), "" for every other path.
func drawing(path string) string {
	switch path {
	case "/static/dist/assets/images/flow_background.jpg":
		return "background.svg"
	case "/static/dist/assets/images/user_default.png":
		return "avatar.svg"
	case "/static/dist/assets/icons/icon_left_brand.svg", "/static/dist/assets/icons/icon.png":
		return "mark.svg"
	}
	return ""
}

// Own serves the files of the pages that work without JavaScript, under names that change with their content, and our own drawings.
func Own(files map[string][]byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		name, ok := strings.CutPrefix(r.URL.Path, "/static/flow/")
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		if !ok {
			name = drawing(r.URL.Path)
			h.Set("Cache-Control", "public, max-age=86400")
		}
		b := files[name]
		if b == nil {
			h.Set("Cache-Control", "no-store")
			http.NotFound(w, r)
			return
		}
		h.Set("Content-Type", contentType(name))
		if strings.HasSuffix(name, ".svg") {
			h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
		}
		sum := sha256.Sum256(b)
		h.Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
}

// Languages serves the message tables of a language: /static/text/de.json.
func Languages(t *text.Tables) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tag, ok := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, "/static/text/"), ".json")
		b, found := t.JSON(tag)
		if !ok || !found {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-cache")
		sum := sha256.Sum256(b)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:8])+`"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
	})
}

func base64Std(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
