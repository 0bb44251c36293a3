package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzCaller: whatever a caller says of themselves in cookies and headers, they are nobody, and the answer is no error of the house.
func FuzzCaller(f *testing.F) {
	h := open(f, true)
	for _, s := range []string{"", "authentik_session=x", "authentik_session=" + strings.Repeat("a", 64), "authentik_session=\"; authentik_csrf==;;", "authentik_language=../../x; authentik_session=" + strings.Repeat("z", 43)} {
		f.Add(s, "", "de;q=0.5", "127.0.0.1")
		f.Add(s, "Bearer "+strings.Repeat("k", 60), "", "::1, 1.2.3.4")
	}
	f.Add("", "bearer  "+"x", "*", "x")
	f.Add("", "Basic YTpi", "\xff", ",")
	f.Add("", "Bearer eyJhbGciOiJub25lIn0.e30.", "", "")
	f.Fuzz(func(t *testing.T, cookie, authorization, language, forwarded string) {
		for _, path := range []string{"/api/v3/core/users/me/", "/if/user/", "/api/v3/root/config/"} {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.base+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Cookie", cookie)
			req.Header.Set("Authorization", authorization)
			req.Header.Set("Accept-Language", language)
			req.Header.Set("X-Forwarded-For", forwarded)
			res, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				return // a header that no client can send
			}
			body, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			if err != nil || res.StatusCode >= 500 {
				t.Errorf("%s: %d %v %.200s", path, res.StatusCode, err, body)
			}
			if strings.HasSuffix(path, "/me/") && res.StatusCode != 403 && !(authorization == "Bearer "+bootToken) {
				t.Errorf("%q %q is somebody: %d %.200s", cookie, authorization, res.StatusCode, body)
			}
		}
	})
}
