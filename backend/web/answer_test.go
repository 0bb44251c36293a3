package web

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime/multipart"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"testing"
)

func TestFormAnswerTakesFiles(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part := func(name, file, kind, content string) {
		t.Helper()
		h := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="` + name + `"; filename="` + file + `"`}}
		if kind != "" {
			h.Set("Content-Type", kind)
		}
		p, err := w.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	large := strings.Repeat("x", 2<<20)
	part("photo", "me.png", "image/png; x=y", "PNG")
	part("plain", "a", "", "text")
	part("empty", "", "application/octet-stream", "") // nothing was chosen: browsers send a part without a name
	part("nothing", "n.txt", "text/plain", "")
	part("large", "l.bin", "application/zip", large)
	for _, kv := range [][2]string{{"name", "Ada"}, {"box", ""}, {"box", "true"}, {"csrf", "token"}} {
		if err := w.WriteField(kv[0], kv[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	if err := r.ParseMultipartForm(1 << 10); err != nil { // small: parts rest on disk
		t.Fatal(err)
	}
	got, err := FormAnswer(r)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"photo": "data:image/png;base64,UE5H", "plain": "data:application/octet-stream;base64,dGV4dA==", "name": "Ada", "empty": "", "box": []string{"", "true"},
		// One byte more than a prompt takes: it is for the prompt to say so.
		"large": "data:application/zip;base64," + base64.StdEncoding.EncodeToString([]byte(large[:768<<10+1])),
	}
	for name, v := range want {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if string(got[name]) != string(b) {
			t.Errorf("%s: %.80s, want %.80s", name, got[name], b)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d values, want %d", len(got), len(want))
	}
}
