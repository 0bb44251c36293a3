package world_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/expr"
	"gatehouse/backend/expr/py"
	"gatehouse/backend/outbound"
)

// TestSandbox holds what an expression can't reach or do (security case 30): each text and the beginning of its error.
func TestSandbox(t *testing.T) {
	h := open(t)
	h.w.Limits = py.Limits{Steps: 300_000}
	for _, tt := range []struct{ text, want string }{
		{"import os", "ModuleNotFoundError"}, {"import sys", "ModuleNotFoundError"}, {"import socket", "ModuleNotFoundError"}, {"import subprocess", "ModuleNotFoundError"},
		{"import builtins", "ModuleNotFoundError"}, {"import importlib", "ModuleNotFoundError"}, {"from django.conf import settings", "ModuleNotFoundError"},
		{"from django.db import connection", "ModuleNotFoundError"}, {"from authentik.lib.config import CONFIG", "ModuleNotFoundError"},
		{"return open('/etc/passwd').read()", "RuntimeError"}, {"return eval('1')", "RuntimeError"}, {"exec('1')", "RuntimeError"}, {"return compile('1', '', 'eval')", "RuntimeError"},
		{"return __import__('os')", "RuntimeError"}, {"return globals()", "RuntimeError"}, {"return vars()", "RuntimeError"}, {"return input()", "RuntimeError"},
		{"return ().__class__.__bases__[0].__subclasses__()", "AttributeError"}, {"return (lambda: 0).__globals__", "AttributeError"}, {"return (lambda: 0).__code__", "AttributeError"},
		{"return request.__dict__", "AttributeError"}, {"return request.user.__init__", "AttributeError"}, {"return ak_message.__self__", "AttributeError"},
		{"return request.user.room", "AttributeError"}, {"return request.user.password", "AttributeError"}, {"return request.http_request.tenant._state", "AttributeError"},
		{"return request.http_request._body", "AttributeError"}, {"return '{0.__class__.__mro__}'.format(request)", "AttributeError"},
		{"from authentik.core.models import Token\nreturn Token.objects.first().key", "AttributeError"},
		{"from authentik.core.models import Token\nreturn Token.objects.filter(key='x')", "FieldError"},
		{"from authentik.stages.authenticator_totp.models import TOTPDevice\nreturn TOTPDevice.objects.values('key')[0]", "FieldError"},
		{"from authentik.core.models import User\nreturn User.objects.filter(**{'username\") OR 1=1 --': 1})", "FieldError"},
		{"from authentik.core.models import User\nreturn User.objects.filter(**{'attributes__a\"__b': 1})", "FieldError"},
		{"from authentik.core.models import User\nreturn User.objects.order_by('password')", "FieldError"},
		{"while True: pass", "LimitExceeded"}, {"return 'x' * 10**9", "MemoryError"}, {"x = 'x' * 10**7\nwhile True: x += x", "MemoryError"}, {"return [0] * 10**9", "MemoryError"},
		{"def f(): return f()\nreturn f()", "RecursionError"}, {"return 10 ** 10 ** 8", ""}, {"return regex_match('a' * 40, '(a+)+$|b' * 3 + 'c')", ""},
		{"return regex_match('a' * 5000 + '!', '^(a+)+$')", "LimitExceeded"}, {"l = []\nl.append(l)\nreturn l", "ValueError: the result is nested too deeply"},
		{"for i in range(10**9): ak_message('x' * 100)", "LimitExceeded"}, {"return [x for x in range(10**12)]", ""},
		{"plan = context['flow_plan']\nplan.redirect('javascript:alert(1)')", "ValueError"},
	} {
		began := time.Now()
		res, err := h.ask(t, h.request(h.mona), tt.text)
		if tt.want == "" {
			if err == nil && len(asJSON(t, res.Value)) > 100 {
				t.Errorf("%s gives %d bytes", tt.text, len(asJSON(t, res.Value)))
			}
		} else if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.text, err, tt.want)
		}
		if d := time.Since(began); d > 10*time.Second {
			t.Errorf("%s took %s", tt.text, d)
		}
	}
}

// TestRunsShareNothing holds that a run sees nothing of another, and that many at once don't meet.
func TestRunsShareNothing(t *testing.T) {
	h := open(t)
	text := `import json, re
try:
    return [json.left, leaked]
except (AttributeError, NameError):
    pass
try:
    json.left = 1
except AttributeError:
    pass
global leaked
leaked = 1
request.user.attributes["leak"] = context["n"]
return [context["n"], request.user.attributes["leak"]]`
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 20 {
				r := h.request(h.mona)
				r.Context["n"] = i
				res, err := h.ask(t, r, text)
				if l, ok := res.Value.([]any); err != nil || !ok || l[0] != int64(i) || l[1] != int64(i) {
					t.Errorf("%v %v", res.Value, err)
				}
			}
		})
	}
	wg.Wait()
	if h.mona.Attributes["leak"] != nil {
		t.Error("an attribute was set without save()")
	}
}

// TestDeadline holds that a run ends with its context wherever it is, and leaves no goroutine behind.
func TestDeadline(t *testing.T) {
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer slow.Close()
	h := open(t)
	h.w.Client = client(t, slow.URL)
	before := runtime.NumGoroutine()
	for _, text := range []string{
		"while True: pass", "return sum(i * i for i in range(10**12))", "return regex_match('a' * 30 + '!', '^(a|a)+$')", "x = [1]\nfor i in x: x.append(i)",
		"return sorted(range(10**6), key=lambda i: -i)", "try:\n    while True: pass\nexcept BaseException:\n    return True\nfinally:\n    while True: pass",
		"return requests.get('" + slow.URL + "').text", "while True:\n    ak_user_by(username='x')",
	} {
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Millisecond)
		_, err := h.w.Run(ctx, expr.Call{Use: expr.Policy, Name: "t", Text: text, Vars: expr.Vars{"request": h.request(h.mona)}})
		stop()
		var why *expr.Error
		if !errors.As(err, &why) || why.Type != "Timeout" && why.Type != "LimitExceeded" && why.Type != "MemoryError" {
			t.Errorf("%s: %v", text, err)
		}
	}
	h.w.Client.CloseIdleConnections()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func client(t *testing.T, address string) *http.Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	allow, err := outbound.ParseAllow(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	return outbound.New(outbound.Options{Allow: allow})
}

// TestRequests holds the module requests against a server, and the guard in front of it.
func TestRequests(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/json":
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"method": "` + r.Method + `", "q": "` + r.URL.Query().Get("q") + `", "auth": "` + r.Header.Get("Authorization") + `", "form": "` + r.PostForm.Get("a") + `", "type": "` + r.Header.Get("Content-Type") + `", "team": "` + r.Header.Get("X-Team") + `"}`))
		case "/gone":
			http.Error(w, "no", http.StatusNotFound)
		case "/away":
			http.Redirect(w, r, "/json", http.StatusFound)
		}
	}))
	defer srv.Close()
	h := open(t)
	h.w.Client = client(t, srv.URL)
	for _, tt := range []struct{ text, want string }{
		{`r = requests.get(U + "/json", params={"q": "x y"}, headers={"X-Team": "blue"}, timeout=5)` + "\nreturn [r.status_code, r.ok, r.json()['q'], r.json()['team'], r.headers['content-type']]", `[200,true,"x y","blue","application/json"]`},
		{`return requests.post(U + "/json", json={"a": 1}).json()["type"]`, `"application/json"`},
		{`return requests.post(U + "/json", data={"a": "b c"}).json()["form"]`, `"b c"`},
		{`return requests.request("PATCH", U + "/json", auth=("u", "p")).json()["auth"]`, `"Basic dTpw"`},
		{"s = requests.Session()\ns.headers.update({'X-Team': 'red'})\nwith s:\n    return s.put(U + '/json').json()['team']", `"red"`},
		{`return requests.get(U + "/away").json()["method"]`, `"GET"`},
		{`return requests.get(U + "/away", allow_redirects=False).status_code`, `302`},
		{"r = requests.get(U + '/gone')\ntry:\n    r.raise_for_status()\nexcept requests.exceptions.HTTPError as e:\n    return [bool(r), str(e)]", `[false,"404 Client Error: Not Found for url: ` + srv.URL + `/gone"]`},
		{"import requests as q\ntry:\n    q.get('http://127.0.0.1:9/')\nexcept q.ConnectionError as e:\n    return 'refused' in str(e) or 'not' in str(e)", `true`},
		{`return requests.get("file:///etc/passwd")`, `InvalidURL: Invalid URL`},
		{`return requests.get(U, verify=False)`, `RequestException: verify=False is refused`},
		{`return requests.get(U + "/json", headers={"X-A": "b\r\nX-B: c"})`, `InvalidURL: a header may not hold a line break`},
		{`return requests.get(U + "/gone").json()`, `JSONDecodeError: `},
	} {
		res, err := h.w.Run(t.Context(), expr.Call{Use: expr.Policy, Name: "t", Text: tt.text, Vars: expr.Vars{"request": h.request(h.mona), "U": srv.URL}})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = asJSON(t, res.Value)
		}
		if err == nil && got != tt.want || err != nil && !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
		}
	}
}
