// Package media keeps the pictures that people upload: icons of applications and backgrounds of flows.
//
// A picture is stored under a random name, and only when its bytes are one of a few formats; what a browser sent as name and type counts
// for nothing. SVG may hold scripts, so pictures are served with a policy under which none runs.
package media

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// maxSize is the largest picture in bytes.
const maxSize = 5 << 20

// Room keeps pictures in a folder.
type Room struct{ Dir string }

// types are the formats that are taken, by how their bytes begin.
var types = []struct{ ext, magic, mime string }{
	{".png", "\x89PNG\r\n\x1a\n", "image/png"},
	{".jpg", "\xff\xd8\xff", "image/jpeg"},
	{".gif", "GIF8", "image/gif"},
	{".webp", "RIFF", "image/webp"},
	{".ico", "\x00\x00\x01\x00", "image/x-icon"},
}

// Save checks and stores a picture and gives its path below /media/. It returns Invalid for what is no picture and TooLarge over 5 MiB.
func (r *Room) Save(_ context.Context, f kind.File) (string, error) {
	b, err := io.ReadAll(io.LimitReader(f.Body, maxSize+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxSize {
		return "", fault.New(fault.TooLarge, "The picture is larger than 5 MB. Use a smaller one.")
	}
	ext := kindOf(b)
	if ext == "" {
		return "", fault.Field("file", "This is no picture that browsers show. Use PNG, JPEG, WebP, GIF, ICO or SVG.")
	}
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return "", cant(err)
	}
	name := crypt.ID(32) + ext
	tmp, err := os.CreateTemp(r.Dir, ".upload-*")
	if err != nil {
		return "", cant(err)
	}
	_, err = tmp.Write(b)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(r.Dir, name))
	}
	if err != nil {
		return "", errors.Join(cant(err), os.Remove(tmp.Name()))
	}
	return name, nil
}

func cant(err error) error {
	return fault.Wrap(fault.Unavailable, "The picture can't be stored. Check the free space of the disk.", err)
}

// kindOf tells the format of a picture by its bytes, "" for what is none.
func kindOf(b []byte) string {
	for _, t := range types {
		if strings.HasPrefix(string(b[:min(len(b), 16)]), t.magic) {
			if t.ext == ".webp" && (len(b) < 12 || string(b[8:12]) != "WEBP") {
				continue
			}
			return t.ext
		}
	}
	if isSVG(b) {
		return ".svg"
	}
	return ""
}

// isSVG says whether b is XML whose first element is svg.
func isSVG(b []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.Entity = map[string]string{}
	for range 50 {
		t, err := d.Token()
		if err != nil {
			return false
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local == "svg"
		}
	}
	return false
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9]{32}\.(png|jpg|gif|webp|ico|svg)$`)

// Picture gives an uploaded picture by its address below /media/ when mail programs can show it, and its media type; nil else.
func (r *Room) Picture(address string) ([]byte, string) {
	name, ok := strings.CutPrefix(address, "/media/")
	if !ok || !safeName.MatchString(name) {
		return nil, ""
	}
	for _, t := range types {
		if t.ext != filepath.Ext(name) || t.ext == ".ico" || t.ext == ".webp" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(r.Dir, name))
		if err != nil || len(b) > maxSize {
			return nil, ""
		}
		return b, t.mime
	}
	return nil, ""
}

// ServeHTTP gives a picture; it is mounted below /media/ with that prefix taken off.
func (r *Room) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, "/")
	if !safeName.MatchString(name) {
		http.NotFound(w, req)
		return
	}
	f, err := os.Open(filepath.Join(r.Dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, req)
		return
	}
	if err != nil {
		http.Error(w, "The picture can't be read.", http.StatusServiceUnavailable)
		return
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		http.Error(w, "The picture can't be read.", http.StatusServiceUnavailable)
		return
	}
	mime := "image/svg+xml"
	for _, t := range types {
		if strings.HasSuffix(name, t.ext) {
			mime = t.mime
		}
	}
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, req, name, st.ModTime(), f)
}
