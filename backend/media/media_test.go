package media

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

func TestSaveAndServe(t *testing.T) {
	r := &Room{Dir: t.TempDir()}
	png := "\x89PNG\r\n\x1a\n" + "rest"
	for _, tt := range []struct {
		name, body, ext string
		kind            fault.Kind
	}{
		{"png", png, ".png", 0},
		{"jpeg", "\xff\xd8\xff\xe0", ".jpg", 0},
		{"svg", `<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, ".svg", 0},
		{"html as png", "<html><script>alert(1)</script>", "", fault.Invalid},
		{"riff that is no picture", "RIFF\x00\x00\x00\x00WAVE", "", fault.Invalid},
		{"empty", "", "", fault.Invalid},
		{"too large", png + strings.Repeat("x", maxSize), "", fault.TooLarge},
	} {
		got, err := r.Save(t.Context(), kind.File{Name: "../../x.html", Type: "text/html", Body: strings.NewReader(tt.body)})
		if tt.ext == "" {
			if !fault.Is(err, tt.kind) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || !strings.HasSuffix(got, tt.ext) {
			t.Errorf("%s: %q, %v", tt.name, got, err)
			continue
		}
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("GET", "/"+got, nil))
		if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), []byte(tt.body)) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "sandbox") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", tt.name, w.Code, w.Header())
		}
	}
	for _, path := range []string{"/../key", "/x.png", "/" + strings.Repeat("a", 32) + ".png", "/..%2fkey"} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest("GET", "/", nil)
		req.URL.Path = path
		r.ServeHTTP(w, req)
		if w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}
