package rest

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"gatehouse/backend/fault"
)

// narrow refuses at a path what only a path with a parameter in its place takes: DELETE users/me is no DELETE users/{id} (OpenAPI 3.0.3
// section 4.7.8.1: concrete paths are matched first).
func (a *API) narrow() {
	at := map[string][]string{}
	type open struct {
		path  string
		parts []string
	}
	wide := map[int][]open{} // the paths with parameters, by their number of parts
	for _, o := range a.ops {
		if at[o.path] == nil && strings.Contains(o.path, "{") {
			parts := strings.Split(o.path, "/")
			wide[len(parts)] = append(wide[len(parts)], open{o.path, parts})
		}
		at[o.path] = append(at[o.path], o.method)
	}
	a.shut = map[string]bool{}
	for path, own := range at {
		parts := strings.Split(path, "/")
		for _, w := range wide[len(parts)] {
			if w.path == path || !slices.EqualFunc(w.parts, parts, func(o, p string) bool { return o == p || o[0] == '{' && p[0] != '{' }) {
				continue
			}
			methods := at[w.path]
			for _, m := range methods {
				if slices.Contains(own, m) || a.shut[m+" "+prefix+path] {
					continue
				}
				a.shut[m+" "+prefix+path] = true
				a.router.Method(m, prefix+path+"/", http.HandlerFunc(a.notAllowed))
				if m == http.MethodGet {
					a.shut[http.MethodHead+" "+prefix+path] = true
					a.router.Method(http.MethodHead, prefix+path+"/", http.HandlerFunc(a.notAllowed))
				}
			}
		}
	}
}

// notAllowed answers a method that a path does not take (RFC 9110 section 15.5.6).
func (a *API) notAllowed(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", strings.Join(a.methods(r), ", "))
	a.fail(w, r, fault.Newf(fault.Method, "Method \"%s\" not allowed.", r.Method))
}

// Stream describes what is hung by Raw.
type Stream struct {
	Method, Path, ID, Summary string
	Media                     string       // of the answer
	In                        reflect.Type // of the body; nil for none
}

// streams documents what is hung by Raw.
func (a *API) streams() {
	for _, s := range a.Streams {
		tag, _, _ := strings.Cut(s.Path, "/")
		o := operation{method: s.Method, path: s.Path, id: s.ID, tag: tag, summary: s.Summary, status: http.StatusOK, raw: object{s.Media: object{"schema": object{"type": "string", "format": "binary"}}}}
		if s.In != nil {
			a.types = append(a.types, s.In)
			o.in = a.name(s.In) + "Request"
		}
		a.ops = append(a.ops, o)
	}
}
