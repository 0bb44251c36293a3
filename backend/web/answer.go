package web

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// maxPart is how much of a file goes into an answer, in bytes: one more than a prompt takes, so that it can say that it is too large.
const maxPart = 768<<10 + 1

// parseForm reads the form of a request, with files or without. ParseMultipartForm alone would take a plain form that is too large for an
// empty one.
func parseForm(r *http.Request) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && t == "multipart/form-data" {
		return r.ParseMultipartForm(1 << 20)
	}
	return r.ParseForm()
}

// FormAnswer makes the answer to a stage out of a form that was parsed: each value as a text, several of one name as a list, a file as the
// text that a program would send for it: data:<type>;base64,<bytes> (RFC 2397). A file without a byte says nothing, a field in which none was chosen is an empty text.
func FormAnswer(r *http.Request) (map[string]json.RawMessage, error) {
	out := map[string]json.RawMessage{}
	put := func(name string, v any) error {
		b, err := json.Marshal(v)
		if err == nil {
			out[name] = b
		}
		return err
	}
	for name, vs := range r.PostForm {
		if name == "csrf" || len(vs) == 0 {
			continue
		}
		var v any = vs[0]
		if len(vs) > 1 {
			v = vs
		}
		if err := put(name, v); err != nil {
			return nil, err
		}
	}
	if r.MultipartForm == nil {
		return out, nil
	}
	for name, parts := range r.MultipartForm.File {
		for _, part := range parts {
			if part.Size == 0 {
				continue
			}
			text, err := dataURL(part)
			if err != nil {
				return nil, err
			}
			if err := put(name, text); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func dataURL(part *multipart.FileHeader) (string, error) {
	f, err := part.Open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxPart))
	if err != nil {
		return "", err
	}
	kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil {
		kind = "application/octet-stream"
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(b), nil
}
