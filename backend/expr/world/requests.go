package world

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"gatehouse/backend/expr/py"
)

// mostAnswer is how much of an answer a program gets, in bytes.
const mostAnswer = 4 << 20

// The exceptions of the module requests.
var (
	requestException = py.NewException("RequestException", py.OSError)
	connectionError  = py.NewException("ConnectionError", requestException)
	requestTimeout   = py.NewException("Timeout", requestException)
	httpError        = py.NewException("HTTPError", requestException)
	invalidURL       = py.NewException("InvalidURL", requestException)
	jsonDecodeError  = py.NewException("JSONDecodeError", requestException)
)

// requestsModule is requests: every call goes through the guard of outgoing requests and ends with the run.
var requestsModule = func() *py.Module {
	exceptions := &py.Module{Name: "requests.exceptions", M: map[string]py.Value{
		"RequestException": requestException, "ConnectionError": connectionError, "Timeout": requestTimeout, "HTTPError": httpError, "InvalidURL": invalidURL,
		"JSONDecodeError": jsonDecodeError, "ReadTimeout": requestTimeout, "ConnectTimeout": requestTimeout,
	}}
	m := &py.Module{Name: "requests", M: map[string]py.Value{"exceptions": exceptions}}
	for n, v := range exceptions.M {
		m.M[n] = v
	}
	for _, verb := range []string{"get", "post", "put", "patch", "delete", "head", "options"} {
		m.M[verb] = send(verb, nil)
	}
	m.M["request"] = send("request", nil)
	m.M["Session"] = py.NewFunc("Session", func(t *py.Thread, _ []py.Value, _ []py.Kw) (py.Value, error) {
		return &session{headers: &py.Dict{}}, t.Alloc(256)
	})
	m.M["session"] = m.M["Session"]
	return m
}()

// session is requests.Session: headers that go with each call.
type session struct {
	headers py.Value
	auth    py.Value
}

var sessionType = py.NewType("Session", "requests.sessions", nil)

// Type implements py.Object.
func (*session) Type() *py.Type { return sessionType }

// Attr implements py.Attrer.
func (s *session) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	switch name {
	case "headers":
		return s.headers, true, nil
	case "auth":
		return s.auth, true, nil
	case "get", "post", "put", "patch", "delete", "head", "options", "request":
		return send(name, s), true, nil
	case "close", "__enter__", "__exit__":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) {
			if name == "__enter__" {
				return s, nil
			}
			return nil, nil
		}), true, nil
	}
	return nil, false, nil
}

// SetAttr implements py.AttrSetter.
func (s *session) SetAttr(_ *py.Thread, name string, v py.Value) (bool, error) {
	switch name {
	case "headers":
		s.headers = v
	case "auth":
		s.auth = v
	default:
		return false, nil
	}
	return true, nil
}

// send makes a method that sends a request.
func send(verb string, s *session) py.Value {
	return py.NewFunc(verb, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		r := hostOf(t)
		params := []string{"url", "data?", "json?", "params?", "headers?", "auth?", "timeout?", "allow_redirects?", "verify?", "cookies?", "files?", "stream?", "proxies?", "cert?"}
		if verb == "get" || verb == "head" || verb == "delete" || verb == "options" {
			params[1], params[3] = params[3], params[1]
		}
		method := strings.ToUpper(verb)
		if verb == "request" {
			params = append([]string{"method"}, params...)
		}
		a, err := py.ReadArgs(verb, args, kw, params...)
		if err != nil {
			return nil, err
		}
		given := map[string]py.Value{}
		for i, p := range params {
			if a[i] != py.Missing && a[i] != nil {
				given[strings.TrimSuffix(p, "?")] = a[i]
			}
		}
		if verb == "request" {
			if method, err = t.Str(a[0]); err != nil {
				return nil, err
			}
			method = strings.ToUpper(method)
		}
		for _, no := range []string{"files", "proxies", "cert"} {
			if given[no] != nil {
				return nil, py.Raise(py.TypeError, "%s() does not take '%s' here", verb, no)
			}
		}
		if given["verify"] == false {
			return nil, py.Raise(requestException, "verify=False is refused: put the certificate's CA into the house instead")
		}
		return r.send(method, given, s)
	})
}

func (r *run) send(method string, given map[string]py.Value, s *session) (py.Value, error) {
	to, err := r.t.Str(given["url"])
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, py.Raise(invalidURL, "Invalid URL %q: No scheme supplied or no host", to)
	}
	if given["params"] != nil {
		q, err := r.form(given["params"])
		if err != nil {
			return nil, err
		}
		if u.RawQuery != "" && q != "" {
			q = u.RawQuery + "&" + q
		}
		u.RawQuery = q
	}
	body, kind, err := r.body(given)
	if err != nil {
		return nil, err
	}
	ctx := r.ctx
	if v := given["timeout"]; v != nil {
		if items, ok := py.Items(v); ok && len(items) > 0 {
			v = items[len(items)-1]
		}
		seconds, ok := v.(float64)
		if n, is := py.AsInt(v); is {
			seconds, ok = float64(n), true
		}
		if ok {
			var stop context.CancelFunc
			ctx, stop = context.WithTimeout(ctx, time.Duration(seconds*float64(time.Second)))
			defer stop()
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, py.Raise(invalidURL, "%s", err)
	}
	req.Header.Set("User-Agent", "goauthentik.io/gatehouse")
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if err := r.headers(req, given, s); err != nil {
		return nil, err
	}
	if r.w.Client == nil {
		return nil, py.Raise(connectionError, "no requests can be made here")
	}
	client := *r.w.Client
	if given["allow_redirects"] == false || method == "HEAD" && given["allow_redirects"] != true {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	began := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return nil, r.unreachable(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil {
		return nil, r.unreachable(err)
	}
	if len(text) > mostAnswer {
		return nil, py.Raise(requestException, "the answer is longer than %d bytes", mostAnswer)
	}
	return &response{resp: resp, body: string(text), took: time.Since(began)}, r.t.Alloc(len(text))
}

// unreachable turns an error of a request into an exception.
func (r *run) unreachable(err error) error {
	if r.ctx.Err() != nil {
		return r.ctx.Err()
	}
	var to interface{ Timeout() bool }
	if errors.As(err, &to) && to.Timeout() {
		return py.Raise(requestTimeout, "%s", err)
	}
	return py.Raise(connectionError, "%s", err)
}

// headers sets those of the session, then those of the call, then who signs in.
func (r *run) headers(req *http.Request, given map[string]py.Value, s *session) error {
	put := func(v py.Value) (err error) {
		d, ok := v.(*py.Dict)
		if !ok {
			return nil
		}
		d.Each(func(k, v py.Value) {
			name, is := k.(string)
			if err != nil || !is || v == nil {
				return
			}
			var text string
			if text, err = r.t.Str(v); err == nil {
				if strings.ContainsAny(name+text, "\r\n\x00") {
					err = py.Raise(invalidURL, "a header may not hold a line break")
					return
				}
				req.Header.Set(name, text)
			}
		})
		return err
	}
	auth := given["auth"]
	if s != nil {
		if err := put(s.headers); err != nil {
			return err
		}
		if auth == nil {
			auth = s.auth
		}
	}
	if err := put(given["headers"]); err != nil {
		return err
	}
	if d, ok := given["cookies"].(*py.Dict); ok {
		d.Each(func(k, v py.Value) {
			name, ok := k.(string)
			if text, is := v.(string); ok && is {
				req.AddCookie(&http.Cookie{Name: name, Value: text})
			}
		})
	}
	if pair, ok := py.Items(auth); ok && len(pair) == 2 {
		name, err := r.t.Str(pair[0])
		if err != nil {
			return err
		}
		word, err := r.t.Str(pair[1])
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(name+":"+word)))
	}
	return nil
}

// body gives what is sent: json= as JSON, data= as a form or as it is.
func (r *run) body(given map[string]py.Value) (text, kind string, err error) {
	if v := given["json"]; v != nil {
		m, _ := py.StdModule("json")
		s, err := r.t.Call(m.M["dumps"], []py.Value{v}, nil)
		if err != nil {
			return "", "", err
		}
		return s.(string), "application/json", nil
	}
	switch x := given["data"].(type) {
	case nil:
		return "", "", nil
	case string:
		return x, "", nil
	case py.Bytes:
		return string(x), "", nil
	}
	text, err = r.form(given["data"])
	return text, "application/x-www-form-urlencoded", err
}

// form is urllib.parse.urlencode of a value, lists as repeated members.
func (r *run) form(v py.Value) (string, error) {
	if s, ok := v.(string); ok {
		return s, nil
	}
	m, _ := py.StdModule("urllib.parse")
	s, err := r.t.Call(m.M["urlencode"], []py.Value{v}, []py.Kw{{Name: "doseq", V: true}})
	if err != nil {
		return "", err
	}
	return s.(string), nil
}

// response is requests.Response.
type response struct {
	resp *http.Response
	body string
	took time.Duration
}

var responseType = py.NewType("Response", "requests.models", nil)

// Type implements py.Object.
func (*response) Type() *py.Type { return responseType }

// Truth implements py.Truther: what is no error.
func (p *response) Truth(*py.Thread) (bool, error) { return p.resp.StatusCode < 400, nil }

// Repr implements py.Reprer.
func (p *response) Repr(t *py.Thread) (string, error) {
	s, err := t.Str(p.resp.StatusCode)
	return "<Response [" + s + "]>", err
}

// Attr implements py.Attrer.
func (p *response) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	switch name {
	case "status_code":
		return p.resp.StatusCode, true, nil
	case "ok":
		return p.resp.StatusCode < 400, true, nil
	case "text":
		return strings.ToValidUTF8(p.body, "\ufffd"), true, nil
	case "content":
		return py.Bytes(p.body), true, nil
	case "url":
		return p.resp.Request.URL.String(), true, nil
	case "reason":
		return http.StatusText(p.resp.StatusCode), true, nil
	case "headers":
		return &answered{p.resp.Header}, true, nil
	case "json":
		return py.NewFunc(name, func(t *py.Thread, _ []py.Value, _ []py.Kw) (py.Value, error) {
			m, _ := py.StdModule("json")
			v, err := t.Call(m.M["loads"], []py.Value{strings.ToValidUTF8(p.body, "\ufffd")}, nil)
			var exc *py.Exc
			if errors.As(err, &exc) {
				return nil, py.Raise(jsonDecodeError, "%s", exc.Message())
			}
			return v, err
		}), true, nil
	case "raise_for_status":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) {
			if c := p.resp.StatusCode; c >= 400 {
				side := "Client"
				if c >= 500 {
					side = "Server"
				}
				return nil, py.Raise(httpError, "%d %s Error: %s for url: %s", c, side, http.StatusText(c), p.resp.Request.URL)
			}
			return nil, nil
		}), true, nil
	}
	return nil, false, nil
}

// answered are the headers of a response, by any case.
type answered struct{ h http.Header }

// Type implements py.Object.
func (*answered) Type() *py.Type { return headersType }

// Index implements py.Indexable.
func (a *answered) Index(_ *py.Thread, k py.Value) (py.Value, error) {
	name, _ := k.(string)
	if v := a.h.Values(name); len(v) > 0 {
		return strings.Join(v, ", "), nil
	}
	return nil, py.Raise(py.KeyError, "%s", strings.ToLower(name))
}

// Contains implements py.Container.
func (a *answered) Contains(_ *py.Thread, v py.Value) (bool, error) {
	name, _ := v.(string)
	return len(a.h.Values(name)) > 0, nil
}

// Attr implements py.Attrer.
func (a *answered) Attr(_ *py.Thread, name string) (py.Value, bool, error) {
	if name != "get" {
		return nil, false, nil
	}
	return py.NewFunc(name, func(_ *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		in, err := py.ReadArgs(name, args, kw, "key", "default?")
		if err != nil {
			return nil, err
		}
		key, _ := in[0].(string)
		if v := a.h.Values(key); len(v) > 0 {
			return strings.Join(v, ", "), nil
		}
		if in[1] == py.Missing {
			return nil, nil
		}
		return in[1], nil
	}), true, nil
}
