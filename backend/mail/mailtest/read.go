package mailtest

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
)

func readerOf(s string) io.Reader { return strings.NewReader(s) }

// Part is one part of a mail, decoded.
type Part struct{ Type, ID, Disposition, Body string }

// Parts takes a mail apart.
func (m Mail) Parts(t testing.TB) []Part {
	t.Helper()
	msg, err := mail.ReadMessage(readerOf(m.Raw))
	if err != nil {
		t.Fatal(err)
	}
	out, err := parts(map[string][]string(msg.Header), msg.Body)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Part gives the body of the first part of a media type, "" when there is none.
func (m Mail) Part(t testing.TB, media string) string {
	t.Helper()
	for _, p := range m.Parts(t) {
		if p.Type == media {
			return p.Body
		}
	}
	return ""
}

func parts(h map[string][]string, body io.Reader) ([]Part, error) {
	get := func(name string) string {
		for k, v := range h {
			if strings.EqualFold(k, name) && len(v) > 0 {
				return v[0]
			}
		}
		return ""
	}
	media, params, err := mime.ParseMediaType(get("Content-Type"))
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(media, "multipart/") {
		var out []Part
		r := multipart.NewReader(body, params["boundary"])
		for {
			p, err := r.NextRawPart()
			if errors.Is(err, io.EOF) {
				return out, nil
			}
			if err != nil {
				return nil, err
			}
			inner, err := parts(map[string][]string(p.Header), p)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
		}
	}
	switch strings.ToLower(get("Content-Transfer-Encoding")) {
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	}
	b, err := io.ReadAll(body)
	return []Part{{media, strings.Trim(get("Content-ID"), "<>"), get("Content-Disposition"), string(b)}}, err
}

// Word decodes a header with words of other alphabets (RFC 2047).
func Word(s string) string {
	out, err := (&mime.WordDecoder{}).DecodeHeader(s)
	if err != nil {
		return s
	}
	return out
}
