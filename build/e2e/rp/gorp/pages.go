package main

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

var frame = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><title>gorp</title>
<h1>gorp</h1>
<p id="status">{{.Status}}</p>
{{with .Reason}}<p id="reason">{{.}}</p>{{end}}
{{with .User}}<dl>
<dt>sub</dt><dd id="sub">{{.sub}}</dd>
<dt>user</dt><dd id="username">{{.preferred_username}}</dd>
<dt>name</dt><dd id="name">{{.name}}</dd>
<dt>email</dt><dd id="email">{{.email}}</dd>
</dl>{{end}}
<p>{{if .User}}<a id="refresh" href="/refresh">Refresh</a> <a id="logout" href="/logout">Sign out</a>
{{else}}<a id="login" href="/login">Sign in</a>{{end}}</p>
</html>
`))

// writeFront tells whether somebody is signed in. Who asks for application/json gets the claims.
func writeFront(w http.ResponseWriter, r *http.Request, s *session) {
	data := map[string]any{"app": "gorp", "signed_in": s.id != nil}
	page := map[string]any{"Status": "Signed out"}
	if s.id != nil {
		data["sub"] = s.id.sub
		data["id_token"] = s.id.claims
		data["userinfo"] = s.id.userinfo
		data["refresh"] = map[string]any{"held": s.refresh != "", "count": s.count, "rotated": s.rotated}
		page = map[string]any{"Status": "Signed in", "User": s.id.userinfo}
	}
	write(w, r, http.StatusOK, data, page)
}

func writeFault(w http.ResponseWriter, r *http.Request, f *fault) {
	write(w, r, f.status, map[string]any{"app": "gorp", "error": f.reason}, map[string]any{"Status": "Failed", "Reason": f.reason})
}

func write(w http.ResponseWriter, r *http.Request, status int, data, page map[string]any) {
	w.Header().Set("Cache-Control", "no-store")
	asJSON := strings.Contains(r.Header.Get("Accept"), "application/json")
	kind := "text/html; charset=utf-8"
	if asJSON {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	// A write that fails means that the browser is gone.
	if asJSON {
		_ = json.NewEncoder(w).Encode(data)
		return
	}
	_ = frame.Execute(w, page)
}
