package world

import (
	"net/http"
	"net/url"
	"strings"

	"gatehouse/backend/brand"
	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// request is the request of a policy: who is judged, about what, with which facts.
type request struct{}

var (
	requestType = py.NewType("PolicyRequest", "authentik.policies.types", nil)
	httpType    = py.NewType("HttpRequest", "django.http.request", nil)
	headersType = py.NewType("HttpHeaders", "django.http.request", nil)
	theRequest  = &request{}
	theHTTP     = &httpRequest{}
)

func (r *run) policyRequest() py.Value { return theRequest }

func (r *run) httpRequest() py.Value { return theHTTP }

// Type implements py.Object.
func (*request) Type() *py.Type { return requestType }

// Repr implements py.Reprer.
func (*request) Repr(t *py.Thread) (string, error) {
	p := hostOf(t).person(hostOf(t).ask().User)
	s, err := t.Str(p)
	return "<PolicyRequest user=" + s + ">", err
}

// Attr implements py.Attrer.
func (*request) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	r := hostOf(t)
	q := r.ask()
	switch name {
	case "user":
		return r.person(q.User), true, nil
	case "http_request":
		if q.HTTP.Path == "" {
			return nil, true, nil
		}
		return r.httpRequest(), true, nil
	case "context":
		if r.call.Use == expr.Policy {
			return r.facts(), true, r.dicts.err
		}
		d := r.dicts.of(r, q.Context, false)
		return d, true, r.dicts.err
	case "obj":
		v, err := r.wrap(q.Obj)
		return v, true, err
	case "debug":
		return q.Debug, true, nil
	}
	return nil, false, nil
}

// httpRequest is the web request behind the policy's.
type httpRequest struct{}

// Type implements py.Object.
func (*httpRequest) Type() *py.Type { return httpType }

// Attr implements py.Attrer.
func (*httpRequest) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	r := hostOf(t)
	h := r.ask().HTTP
	switch name {
	case "path", "path_info":
		return h.Path, true, nil
	case "method":
		return h.Method, true, nil
	case "scheme":
		return h.Scheme, true, nil
	case "GET":
		return textDict(r, h.Args)
	case "POST":
		m := map[string]string{}
		for k, v := range h.Form {
			if len(v) > 0 {
				m[k] = v[len(v)-1]
			}
			if secret[k] {
				m[k] = masked
			}
		}
		return textDict(r, m)
	case "FILES":
		return &py.Dict{}, true, nil
	case "META":
		return metaDict(r, h)
	case "headers":
		return &headers{h}, true, nil
	case "COOKIES":
		return textDict(r, cookiesOf(h))
	case "session":
		d := &py.Dict{}
		p, ok := r.ask().Plan.(*stage.Plan)
		if !ok || p == nil {
			return d, true, nil
		}
		get, _, err := textDict(r, h.Args)
		if err != nil {
			return nil, true, err
		}
		if err := d.Set(t, "authentik/flows/get", get); err != nil {
			return nil, true, err
		}
		return d, true, d.Set(t, "authentik/flows/plan", &plan{p})
	case "user":
		pk := store.ActorOf(r.ctx).UserPK
		if pk == 0 {
			return r.person(nil), true, nil
		}
		return r.object(r.w.Store.Kind(userModel), keyText(pk)), true, nil
	case "brand":
		b, err := r.w.Brands.For(r.ctx, h.Host)
		if err != nil {
			return nil, true, fail(err)
		}
		return r.known(store.KindOf[brand.Brand](r.w.Store), b), true, nil
	case "tenant":
		s, err := r.w.Brands.Settings(r.ctx)
		if err != nil {
			return nil, true, fail(err)
		}
		k := store.KindOf[brand.Settings](r.w.Store)
		return &object{k: k, pk: s.PK, v: &s, c: r.w.class(k)}, true, nil
	case "request_id":
		return h.RequestID, true, nil
	case "build_absolute_uri":
		return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
			a, err := py.ReadArgs(name, args, kw, "location?")
			if err != nil {
				return nil, err
			}
			to := h.Path
			if q := queryOf(h); q != "" {
				to += "?" + q
			}
			if a[0] != py.Missing && a[0] != nil {
				if to, err = t.Str(a[0]); err != nil {
					return nil, err
				}
			}
			base, err := url.Parse(h.Scheme + "://" + h.Host + h.Path)
			if err != nil {
				return nil, py.Raise(py.ValueError, "the request has no address")
			}
			u, err := base.Parse(to)
			if err != nil {
				return nil, py.Raise(py.ValueError, "%q is no address", to)
			}
			return u.String(), nil
		}), true, nil
	case "get_host":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return h.Host, nil }), true, nil
	case "get_full_path":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) {
			if q := queryOf(h); q != "" {
				return h.Path + "?" + q, nil
			}
			return h.Path, nil
		}), true, nil
	case "is_secure":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return h.Scheme == "https", nil }), true, nil
	}
	return nil, false, nil
}

func queryOf(h store.HTTP) string {
	v := url.Values{}
	for k, s := range h.Args {
		v.Set(k, s)
	}
	return v.Encode()
}

func textDict(r *run, m map[string]string) (py.Value, bool, error) {
	d := &py.Dict{}
	for _, k := range sorted(m) {
		if err := d.Set(r.t, k, m[k]); err != nil {
			return nil, true, err
		}
	}
	return d, true, r.t.Alloc(64 * len(m))
}

// masked stands for a value that no expression sees.
const masked = "********************"

// secret are the members of forms that are masked.
var secret = map[string]bool{
	"client_secret": true, "client_assertion": true, "password": true, "code": true, "code_verifier": true, "refresh_token": true, "assertion": true, "token": true,
	"device_code": true, "csrf": true, "SAMLResponse": true,
}

// hidden are the headers that open something: no expression sees them.
var hidden = map[string]bool{"Authorization": true, "Proxy-Authorization": true, "Cookie": true, "X-Authentik-Csrf": true, "X-Csrftoken": true}

func metaDict(r *run, h store.HTTP) (py.Value, bool, error) {
	m := map[string]string{"REMOTE_ADDR": h.ClientIP, "REQUEST_METHOD": h.Method, "PATH_INFO": h.Path, "QUERY_STRING": queryOf(h), "HTTP_HOST": h.Host, "HTTP_USER_AGENT": h.UserAgent}
	for k, v := range h.Headers {
		if len(v) > 0 && !hidden[k] {
			name := strings.ToUpper(strings.ReplaceAll(k, "-", "_"))
			if name != "CONTENT_TYPE" && name != "CONTENT_LENGTH" {
				name = "HTTP_" + name
			}
			m[name] = strings.Join(v, ",")
		}
	}
	return textDict(r, m)
}

// cookiesOf gives the cookies of the request; those of the house open sessions, so their values are masked.
func cookiesOf(h store.HTTP) map[string]string {
	out := map[string]string{}
	req := http.Request{Header: http.Header{"Cookie": h.Headers["Cookie"]}}
	for _, c := range req.Cookies() {
		if name := strings.TrimPrefix(c.Name, "__Host-"); name == "authentik_session" || name == "authentik_csrf" {
			c.Value = masked
		}
		out[c.Name] = c.Value
	}
	return out
}

// headers are the headers of a request, by any case.
type headers struct{ h store.HTTP }

// Type implements py.Object.
func (*headers) Type() *py.Type { return headersType }

func (h *headers) get(name string) (string, bool) {
	switch key := http.CanonicalHeaderKey(name); {
	case hidden[key]:
		return "", false
	case key == "User-Agent":
		return h.h.UserAgent, h.h.UserAgent != ""
	case key == "Host":
		return h.h.Host, true
	default:
		v := h.h.Headers[key]
		return strings.Join(v, ","), len(v) > 0
	}
}

// Index implements py.Indexable.
func (h *headers) Index(_ *py.Thread, k py.Value) (py.Value, error) {
	name, _ := k.(string)
	v, ok := h.get(name)
	if !ok {
		return nil, py.Raise(py.KeyError, "%s", name)
	}
	return v, nil
}

// Contains implements py.Container.
func (h *headers) Contains(_ *py.Thread, v py.Value) (bool, error) {
	name, _ := v.(string)
	_, ok := h.get(name)
	return ok, nil
}

// Attr implements py.Attrer.
func (h *headers) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	if name != "get" {
		return nil, false, nil
	}
	return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		a, err := py.ReadArgs(name, args, kw, "key", "default?")
		if err != nil {
			return nil, err
		}
		key, _ := a[0].(string)
		if v, ok := h.get(key); ok {
			return v, nil
		}
		if a[1] == py.Missing {
			return nil, nil
		}
		return a[1], nil
	}), true, nil
}
