package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/rest/conform"
	"gatehouse/backend/store"
)

// The kinds of the tests: lamps and candles are lights (a family with a base kind), rooms hold them, notes have owners.
type light struct {
	PK   string  `json:"pk" is:"readonly" format:"uuid"`
	Name string  `json:"name" is:"required,unique,search"`
	Room *string `json:"room" ref:"rooms cascade"`
}

type lamp struct {
	light
	Watts  int64          `json:"watts" min:"1" max:"100" default:"40"`
	Hue    string         `json:"hue" enum:"warm,cold" default:"warm"`
	Note   *string        `json:"note" is:"blank"`
	Spare  *string        `json:"spare" ref:"rooms"`
	Others []string       `json:"others" ref:"rooms"`
	Attrs  map[string]any `json:"attrs"`
	Key    string         `json:"key" is:"secret,blank"`
	Word   string         `json:"word" is:"writeonly,blank,virtual"`
	Since  time.Time      `json:"since" is:"readonly,nofilter"`
	Age    int64          `json:"age" is:"computed"`
}

func (l *lamp) Validate() error {
	if l.Hue == "cold" && l.Watts > 60 {
		return fault.Whole("A cold lamp has no more than 60 watts.")
	}
	return nil
}

type candle struct {
	light
	Wax string `json:"wax" is:"blank"`
}

type hall struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required,unique"`
	Slug string `json:"slug" is:"required,unique" format:"slug"`
}

type memo struct {
	PK    string `json:"pk" is:"readonly" format:"uuid"`
	Text  string `json:"text" is:"required"`
	Owner int64  `json:"owner" is:"readonly"`
}

func (m *memo) Saving(tx *store.Tx, old any) error {
	if old == nil {
		m.Owner = tx.Actor.UserPK
	}
	return nil
}

type shout struct {
	Text string `json:"text" is:"required"`
	Loud bool   `json:"loud"`
}

type tally struct {
	N int64 `json:"n"`
}

type echo struct {
	Text string `json:"text"`
}

// perms is who may do what: "permission" or "permission object" by user.
type perms struct {
	of    map[int64][]string
	asked atomic.Int64
}

func (p *perms) May(_ context.Context, a store.Actor, permission, object string) (bool, error) {
	p.asked.Add(1)
	return a.Superuser || slices.Contains(p.of[a.UserPK], permission) || object != "" && slices.Contains(p.of[a.UserPK], permission+" "+object), nil
}

func (p *perms) Objects(_ context.Context, a store.Actor, permission string) (all bool, pks []string, err error) {
	for _, w := range p.of[a.UserPK] {
		if pk, ok := strings.CutPrefix(w, permission+" "); ok {
			pks = append(pks, pk)
		}
	}
	return a.Superuser || slices.Contains(p.of[a.UserPK], permission), pks, nil
}

type recorder struct{ actions []string }

func (r *recorder) Record(tx *store.Tx, c store.Change) error {
	tx.AfterCommit(func() { r.actions = append(r.actions, c.Action+" "+c.Name) })
	return nil
}

type door struct {
	t     testing.TB
	api   *API
	s     *store.Store
	perms *perms
	rec   *recorder
	log   *bytes.Buffer
	actor store.Actor
	csrf  bool

	checker *conform.Checker
}

var root = store.Actor{UserPK: 1, Username: "root", Superuser: true, Token: "t"}

func newDoor(t *testing.T) *door {
	t.Helper()
	t.Parallel()
	return buildDoor(t)
}

func buildDoor(t testing.TB) *door {
	t.Helper()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), filepath.Join(dir, "gatehouse.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	key, err := crypt.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	w := &door{t: t, s: store.New(d, key, time.Now), perms: &perms{of: map[int64][]string{}}, rec: &recorder{}, log: &bytes.Buffer{}, actor: root, csrf: true}
	lights := &kind.Family{Name: "lights", Param: "light_uuid", All: "lights/all", Typed: true}
	halls := &kind.Family{Name: "rooms", Param: "slug", Lookup: "slug"}
	memos := &kind.Family{Name: "memos", Param: "memo_uuid"}
	say := kind.Detail("POST", "say", "change", func(_ context.Context, c *kind.Call, in *shout) (echo, error) {
		return echo{c.Object.(*lamp).Name + " says " + in.Text}, nil
	})
	dim := kind.Detail("PATCH", "dim", "change", func(_ context.Context, c *kind.Call, _ *lamp) (*lamp, error) {
		l := c.Object.(*lamp)
		return l, c.Apply(l)
	})
	count := kind.Collection("GET", "count", "view", func(context.Context, *kind.Call, *kind.None) (tally, error) { return tally{3}, nil })
	boom := kind.Collection("POST", "boom", "view", func(context.Context, *kind.Call, *kind.None) (kind.None, error) {
		return kind.None{}, errors.New("the SQL of it all")
	})
	boom.Answers = map[int]string{500: "It always fails."}
	file := kind.Collection("POST", "upload", "change", func(_ context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
		if _, ok := c.Files["file"]; !ok {
			return kind.None{}, fault.Field("file", "No file was submitted.")
		}
		return kind.None{}, nil
	})
	file.Multipart = true
	present := func(_ context.Context, rows []any, _ url.Values) error {
		for _, r := range rows {
			if l, ok := r.(*lamp); ok {
				l.Age = 7
			}
		}
		return nil
	}
	open := kind.Do[kind.None, echo]("GET", "hello", func(context.Context, *kind.Call, *kind.None) (echo, error) { return echo{"hello"}, nil })
	open.Access = kind.Anybody
	mine := kind.Do[shout, echo]("POST", "parrot/{bird}", func(_ context.Context, c *kind.Call, in *shout) (echo, error) {
		return echo{c.Key + ": " + in.Text}, nil
	})
	mine.Access = kind.SignedIn
	w.s.Use([]*kind.Kind{
		kind.Of[light](lights, kind.Spec{Path: "lights/all", Model: "lab.light", Schema: "Light", Title: "light"}, nil),
		kind.Of[lamp](lights, kind.Spec{Path: "lights/lamp", Model: "lab.lamp", Schema: "Lamp", Title: "Lamp", About: "Shines.", Component: "ak-lamp", Order: []string{"name"}, Present: present,
			Actions: []kind.Action{say, dim, count, boom, file}}, nil),
		kind.Of[candle](lights, kind.Spec{Path: "lights/candle", Model: "lab.candle", Schema: "Candle", Title: "Candle", About: "Burns.", Component: "ak-candle"}, nil),
		kind.Of[hall](halls, kind.Spec{Path: "rooms", Model: "lab.hall", Schema: "Hall", Title: "Hall"}, nil),
		kind.Of[memo](memos, kind.Spec{Path: "memos", Model: "lab.memo", Schema: "Memo", Title: "Memo", Owner: "owner", Verbs: kind.List | kind.Create | kind.Retrieve | kind.Update}, nil),
	}, w.rec, nil)
	w.api = New(Deps{
		Store: w.s, Perms: w.perms, CSRF: func(*http.Request) bool { return w.csrf }, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Version: "test",
		Endpoints: []kind.Action{open, mine},
	})
	return w
}

func (w *door) do(method, path, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(store.WithActor(w.t.Context(), w.actor), method, "/api/v3/"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	w.conforms(r, rec)
	return rec
}

// conforms holds an answer to the description that the door serves.
func (w *door) conforms(r *http.Request, rec *httptest.ResponseRecorder) {
	w.t.Helper()
	if w.checker == nil {
		b, err := w.api.Schema()
		if err != nil {
			w.t.Fatal(err)
		}
		if w.checker, err = conform.New(b); err != nil {
			w.t.Fatal(err)
		}
	}
	body := rec.Body.Bytes()
	if r.Method == http.MethodHead {
		body = nil // net/http leaves it out
	}
	path := r.URL.EscapedPath()
	if r.URL.RawQuery != "" {
		path += "?" + r.URL.RawQuery
	}
	if err := w.checker.Check(r.Method, path, rec.Code, rec.Header(), body); err != nil {
		w.t.Errorf("an answer does not conform: %v", err)
	}
}

func (w *door) json(method, path, body string, want int) map[string]any {
	w.t.Helper()
	rec := w.do(method, path, body)
	if rec.Code != want {
		w.t.Fatalf("%s %s: %d, want %d: %s", method, path, rec.Code, want, rec.Body)
	}
	var out map[string]any
	if rec.Body.Len() > 0 && rec.Body.Bytes()[0] == '{' {
		if err := json.Unmarshal(rec.Body.Bytes(), &out); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

func (w *door) lamp(name string) string {
	w.t.Helper()
	return w.json("POST", "lights/lamp/", `{"name":"`+name+`"}`, 201)["pk"].(string)
}

type scenario struct {
	name, method, path, body string
	status                   int
	want                     string // the whole body, or a part of it when it ends with …
	events                   []string
	header                   []string
}

func (w *door) run(t *testing.T, list []scenario) {
	for _, s := range list {
		t.Run(s.name, func(t *testing.T) {
			w.rec.actions = nil
			rec := w.do(s.method, s.path, s.body, s.header...)
			got := strings.TrimSpace(rec.Body.String())
			part, isPart := strings.CutSuffix(s.want, "…")
			if rec.Code != s.status || !isPart && got != s.want || isPart && !strings.Contains(got, part) {
				t.Errorf("%d %s\nwant %d %s", rec.Code, got, s.status, s.want)
			}
			if !slices.Equal(w.rec.actions, s.events) {
				t.Errorf("events %q, want %q", w.rec.actions, s.events)
			}
			if rec.Code != 405 && rec.Header().Get("Cache-Control") != "no-store" {
				t.Error("an answer may be stored")
			}
		})
	}
}

func TestWrites(t *testing.T) {
	w := newDoor(t)
	hall := w.json("POST", "rooms/", `{"name":"Hall","slug":"hall"}`, 201)["pk"].(string)
	pk := w.json("POST", "lights/lamp/", `{"name":"L1","note":"n","watts":50,"room":"`+hall+`","key":"1234","attrs":{"a":1}}`, 201)["pk"].(string)
	one := "lights/lamp/" + pk + "/"
	shape := func(name, watts, note, room, key, attrs string) string {
		return fmt.Sprintf(`{"pk":"%s","name":"%s","room":%s,"watts":%s,"hue":"warm","note":%s,"spare":null,"others":[],"attrs":%s,"key":"%s","since":"0001-01-01T00:00:00Z","age":7,`+
			`"component":"ak-lamp","verbose_name":"Lamp","verbose_name_plural":"Lamps","meta_model_name":"lab.lamp"}`, pk, name, room, watts, note, attrs, key)
	}
	w.run(t, []scenario{
		{"retrieve", "GET", one, "", 200, shape("L1", "50", `"n"`, `"`+hall+`"`, "1234", `{"a":1}`), nil, nil},
		{"a key without dashes and in capitals", "GET", "lights/lamp/" + strings.ToUpper(strings.ReplaceAll(pk, "-", "")) + "/", "", 200, `"L1"…`, nil, nil},
		{"patch keeps what is absent", "PATCH", one, `{"watts":60}`, 200, shape("L1", "60", `"n"`, `"`+hall+`"`, "1234", `{"a":1}`), []string{"model_updated L1"}, nil},
		{"patch with null", "PATCH", one, `{"note":null,"room":null}`, 200, shape("L1", "60", "null", "null", "1234", `{"a":1}`), []string{"model_updated L1"}, nil},
		{"patch replaces an object whole", "PATCH", one, `{"attrs":{"b":2}}`, 200, `"attrs":{"b":2}…`, []string{"model_updated L1"}, nil},
		{"patch with nothing", "PATCH", one, `{}`, 200, `"L1"…`, []string{"model_updated L1"}, nil},
		{"patch without a body", "PATCH", one, "", 200, `"L1"…`, []string{"model_updated L1"}, nil},
		{"put needs what is required", "PUT", one, `{"watts":1}`, 400, `{"name":["This field is required."]}`, nil, nil},
		{"put", "PUT", one, `{"name":"L2"}`, 200, `"name":"L2"…`, []string{"model_updated L2"}, nil},
		{"read-only fields are ignored", "PATCH", one, `{"pk":"x","age":1,"since":"2026-01-01T00:00:00Z","component":"x"}`, 200, `"age":7…`, []string{"model_updated L2"}, nil},
		{"all faults at once", "PATCH", one, `{"watts":0,"hue":"red","note":5,"attrs":[],"name":null,"others":["x"]}`, 400,
			`{"attrs":["Expected a dictionary of items but got type \"list\"."],"hue":["\"red\" is not a valid choice."],"name":["This field may not be null."],"watts":["Ensure this value is greater than or equal to 1."]}`, nil, nil},
		{"a reference to nothing", "PATCH", one, `{"room":"` + pk + `"}`, 400, `{"room":["Invalid pk \"` + pk + `\" - object does not exist."]}`, nil, nil},
		{"a rule on the whole", "PATCH", one, `{"hue":"cold","watts":61}`, 400, `{"non_field_errors":["A cold lamp has no more than 60 watts."]}`, nil, nil},
		{"a name that is taken", "POST", "lights/candle/", `{"name":"L2"}`, 400, `{"name":["This field must be unique."]}`, nil, nil},
		{"create without a body", "POST", "lights/lamp/", "", 400, `{"name":["This field is required."]}`, nil, nil},
		{"no JSON", "POST", "lights/lamp/", `{"name":`, 400, `{"detail":"JSON parse error - …`, nil, nil},
		{"two documents", "POST", "lights/lamp/", `{"name":"a"}{"name":"b"}`, 400, `{"detail":"JSON parse error - …`, nil, nil},
		{"a list", "POST", "lights/lamp/", `[]`, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got list."]}`, nil, nil},
		{"a text", "POST", "lights/lamp/", `"x"`, 400, `{"non_field_errors":["Invalid data. Expected a dictionary, but got str."]}`, nil, nil},
		{"null", "POST", "lights/lamp/", `null`, 400, `{"non_field_errors":["No data provided"]}`, nil, nil},
		{"deep nesting", "POST", "lights/lamp/", `{"attrs":` + strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000) + "}", 400, `{"detail":"JSON parse error - …`, nil, nil},
		{"another media type", "POST", "lights/lamp/", `name=x`, 415, `{"detail":"Unsupported media type \"application/x-www-form-urlencoded\" in request."}`, nil, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{"a charset is fine", "PATCH", one, `{"watts":2}`, 200, `"watts":2…`, []string{"model_updated L2"}, []string{"Content-Type", "application/json; charset=utf-8"}},
		{"an oversized body", "PATCH", one, `{"note":"` + strings.Repeat("x", maxBody) + `"}`, 413, `{"detail":"The body is larger than 4194304 bytes."}`, nil, nil},
		{"delete", "DELETE", one, "", 204, "", []string{"model_deleted L2"}, nil},
		{"gone", "GET", one, "", 404, `{"detail":"No Lamp matches the given query."}`, nil, nil},
		{"delete again", "DELETE", one, "", 404, `{"detail":"No Lamp matches the given query."}`, nil, nil},
		{"no UUID", "GET", "lights/lamp/x/", "", 404, `{"detail":"No Lamp matches the given query."}`, nil, nil},
		{"by slug", "PATCH", "rooms/hall/", `{"name":"The hall"}`, 200, `"The hall"…`, []string{"model_updated The hall"}, nil},
		{"a slug is escaped in the path", "GET", "rooms/%68all/", "", 200, `"The hall"…`, nil, nil},
		{"no such path", "GET", "nonsense/", "", 404, `{"detail":"Not found."}`, nil, nil},
	})
	if !strings.Contains(w.log.String(), `"fields":"component"`) {
		t.Errorf("the unknown field of a body is not in the log:\n%s", w.log)
	}
}

func TestMethods(t *testing.T) {
	w := newDoor(t)
	for _, tt := range []struct{ method, path, allow string }{
		{"POST", "lights/lamp/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", "DELETE, GET, HEAD, PATCH, PUT"}, {"DELETE", "lights/lamp/", "GET, HEAD, POST"}, {"DELETE", "memos/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", "GET, HEAD, PATCH, PUT"},
		{"DELETE", "lights/lamp/count/", "GET, HEAD"}, {"PUT", "lights/lamp/upload/", "POST"}, {"GET", "lights/lamp/upload/", "POST"}, {"PUT", "hello/", "GET, HEAD"}, {"PUT", "lights/all/", "GET, HEAD"},
	} {
		rec := w.do(tt.method, tt.path, "")
		if rec.Code != 405 || strings.TrimSpace(rec.Body.String()) != fmt.Sprintf(`{"detail":"Method \"%s\" not allowed."}`, tt.method) || rec.Header().Get("Allow") != tt.allow {
			t.Errorf("%s %s: %d %q %s", tt.method, tt.path, rec.Code, rec.Header().Get("Allow"), rec.Body)
		}
	}
	if rec := w.do("HEAD", "lights/lamp/", ""); rec.Code != 200 {
		t.Errorf("HEAD: %d", rec.Code)
	}
}

func TestWhoMay(t *testing.T) {
	w := newDoor(t)
	a, b := w.lamp("A"), w.lamp("B")
	bearer := store.Actor{UserPK: 7, Username: "seven", Token: "t"}
	const (
		nobody = `{"detail":"Authentication credentials were not provided."}`
		denied = `{"detail":"You do not have permission to perform this action."}`
		csrf   = `{"detail":"CSRF Failed: CSRF token missing or incorrect."}`
	)
	for _, tt := range []struct {
		name         string
		actor        store.Actor
		perms        []string
		csrf         bool
		method, path string
		body         string
		status       int
		want         string
	}{
		{"nobody lists", store.Actor{}, nil, true, "GET", "lights/lamp/", "", 403, nobody},
		{"nobody writes", store.Actor{}, nil, true, "POST", "lights/lamp/", `{}`, 403, nobody},
		{"nobody, what is open", store.Actor{}, nil, true, "GET", "hello/", "", 200, `{"text":"hello"}`},
		{"nobody, an object", store.Actor{}, nil, true, "GET", "lights/all/" + a + "/", "", 403, nobody},
		{"nobody, types", store.Actor{}, nil, true, "GET", "lights/all/types/", "", 403, nobody},
		{"no permission, list", bearer, nil, true, "GET", "lights/lamp/", "", 403, denied},
		{"no permission, one", bearer, nil, true, "GET", "lights/lamp/" + a + "/", "", 403, denied},
		{"no permission, one that is not there", bearer, nil, true, "GET", "lights/lamp/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", "", 403, denied},
		{"no permission, base, one that is not there", bearer, nil, true, "GET", "lights/all/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", "", 403, denied},
		{"no permission, create", bearer, nil, true, "POST", "lights/lamp/", `{"name":"x"}`, 403, denied},
		{"no permission and a bad body", bearer, nil, true, "POST", "lights/lamp/", `{`, 403, denied},
		{"no permission, action", bearer, []string{"lab.view_lamp"}, true, "POST", "lights/lamp/" + a + "/say/", `{"text":"x"}`, 403, denied},
		{"view one, list", bearer, []string{"lab.view_lamp " + a}, true, "GET", "lights/lamp/?ordering=-name", "", 200, `"count":1,…`},
		{"view one, that", bearer, []string{"lab.view_lamp " + a}, true, "GET", "lights/lamp/" + a + "/", "", 200, `"name":"A"…`},
		{"view one, the other", bearer, []string{"lab.view_lamp " + a}, true, "GET", "lights/lamp/" + b + "/", "", 403, denied},
		{"view one is not change", bearer, []string{"lab.view_lamp " + a}, true, "PATCH", "lights/lamp/" + a + "/", `{}`, 403, denied},
		{"view one through the base", bearer, []string{"lab.view_lamp " + a}, true, "GET", "lights/all/" + a + "/", "", 200, `"name":"A"…`},
		{"view one, delete through the base", bearer, []string{"lab.view_lamp " + a}, true, "DELETE", "lights/all/" + a + "/", "", 403, denied},
		{"change one", bearer, []string{"lab.change_lamp " + a}, true, "PATCH", "lights/lamp/" + a + "/", `{"watts":9}`, 200, `"watts":9…`},
		{"view all", bearer, []string{"lab.view_lamp"}, true, "GET", "lights/lamp/?name=B", "", 200, `"name":"B"…`},
		{"permission on another model", bearer, []string{"lab.view_candle", "lab.view_light"}, true, "GET", "lights/lamp/", "", 403, denied},
		{"collection action", bearer, []string{"lab.view_lamp"}, true, "GET", "lights/lamp/count/", "", 200, `{"n":3}`},
		{"signed in is enough", bearer, nil, true, "POST", "parrot/polly/", `{"text":"hi"}`, 200, `{"text":"polly: hi"}`},
		{"a cookie with the token of the session", store.Actor{UserPK: 1, Superuser: true, Session: "s"}, nil, true, "PATCH", "lights/lamp/" + a + "/", `{}`, 200, `"name":"A"…`},
		{"a cookie without it", store.Actor{UserPK: 1, Superuser: true, Session: "s"}, nil, false, "PATCH", "lights/lamp/" + a + "/", `{}`, 403, csrf},
		{"a cookie without it, action", store.Actor{UserPK: 1, Superuser: true, Session: "s"}, nil, false, "POST", "parrot/polly/", `{"text":"hi"}`, 403, csrf},
		{"a cookie without it may read", store.Actor{UserPK: 1, Superuser: true, Session: "s"}, nil, false, "GET", "lights/lamp/" + a + "/", "", 200, `"name":"A"…`},
		{"a bearer needs none", root, nil, false, "PATCH", "lights/lamp/" + a + "/", `{}`, 200, `"name":"A"…`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.actor, w.csrf, w.perms.of[tt.actor.UserPK], w.rec.actions = tt.actor, tt.csrf, tt.perms, nil
			rec := w.do(tt.method, tt.path, tt.body)
			got := strings.TrimSpace(rec.Body.String())
			part, isPart := strings.CutSuffix(tt.want, "…")
			if rec.Code != tt.status || !isPart && got != tt.want || isPart && !strings.Contains(got, part) {
				t.Errorf("%d %s\nwant %d %s", rec.Code, got, tt.status, tt.want)
			}
			if tt.status == 403 && len(w.rec.actions) != 0 {
				t.Errorf("a refused call wrote %q", w.rec.actions)
			}
		})
	}
}

// Who only views an object gets its secrets empty, who may change it gets them (decisions 19).
func TestSecrets(t *testing.T) {
	w := newDoor(t)
	pk := w.json("POST", "lights/lamp/", `{"name":"A","key":"1234"}`, 201)["pk"].(string)
	w.lamp("B")
	if got := w.json("GET", "lights/lamp/?key=1234", "", 200)["pagination"].(map[string]any)["count"]; got != 1.0 {
		t.Errorf("%v found by secret", got)
	}
	w.actor = store.Actor{UserPK: 7, Token: "t"}
	w.perms.of[7] = []string{"lab.view_lamp"}
	if got := w.json("GET", "lights/lamp/"+pk+"/", "", 200)["key"]; got != "" {
		t.Errorf("a viewer sees %v", got)
	}
	if got := w.json("GET", "lights/lamp/?key=1234", "", 200)["pagination"].(map[string]any)["count"]; got != 2.0 {
		t.Errorf("a viewer can try secrets: %v", got)
	}
	w.perms.of[7] = []string{"lab.view_lamp", "lab.change_lamp " + pk}
	list := w.json("GET", "lights/lamp/", "", 200)["results"].([]any)
	if list[0].(map[string]any)["key"] != "1234" || list[1].(map[string]any)["key"] != "" {
		t.Errorf("%v", list)
	}
	if _, there := list[0].(map[string]any)["word"]; there {
		t.Error("a write-only field is shown")
	}
}

func TestOwners(t *testing.T) {
	w := newDoor(t)
	pks := map[int64]string{}
	for _, u := range []int64{7, 8, 9} {
		w.actor = store.Actor{UserPK: u, Token: "t"}
		out := w.json("POST", "memos/", `{"text":"of `+fmt.Sprint(u)+`","owner":1}`, 201)
		if out["owner"] != float64(u) {
			t.Errorf("%v", out)
		}
		pks[u] = out["pk"].(string)
	}
	w.actor = store.Actor{UserPK: 7, Token: "t"}
	w.run(t, []scenario{
		{"one's own", "GET", "memos/" + pks[7] + "/", "", 200, "of 7…", nil, nil},
		{"to change it", "PATCH", "memos/" + pks[7] + "/", `{"text":"new"}`, 200, `"new"…`, []string{"model_updated " + pks[7]}, nil},
		{"another's is not there", "GET", "memos/" + pks[8] + "/", "", 404, `{"detail":"No Memo matches the given query."}`, nil, nil},
		{"nor to change", "PATCH", "memos/" + pks[8] + "/", `{"text":"x"}`, 404, `{"detail":"No Memo matches the given query."}`, nil, nil},
		{"the list", "GET", "memos/", "", 200, `"count":1,…`, nil, nil},
	})
	w.perms.of[7] = []string{"lab.view_memo " + pks[8]}
	w.run(t, []scenario{
		{"one's own and one more", "GET", "memos/", "", 200, `"count":2,…`, nil, nil},
		{"the one more", "GET", "memos/" + pks[8] + "/", "", 200, "of 8…", nil, nil},
		{"and not the third", "GET", "memos/" + pks[9] + "/", "", 404, `{"detail":"No Memo matches the given query."}`, nil, nil},
	})
}

func TestLists(t *testing.T) {
	w := newDoor(t)
	for i := range 5 {
		w.json("POST", "lights/lamp/", fmt.Sprintf(`{"name":"L%d","watts":%d}`, i, 10*(5-i)), 201)
	}
	page := func(query string, want int) (names string, p map[string]any) {
		t.Helper()
		out := w.json("GET", "lights/lamp/?"+query, "", want)
		if want != 200 {
			return fmt.Sprint(out), nil
		}
		for _, r := range out["results"].([]any) {
			names += r.(map[string]any)["name"].(string) + " "
		}
		return strings.TrimSpace(names), out["pagination"].(map[string]any)
	}
	for _, tt := range []struct {
		query, names                                      string
		next, previous, count, current, pages, start, end float64
	}{
		{"", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"page_size=2", "L0 L1", 2, 0, 5, 1, 3, 1, 2},
		{"page_size=2&page=2", "L2 L3", 3, 1, 5, 2, 3, 3, 4},
		{"page_size=2&page=3", "L4", 0, 2, 5, 3, 3, 5, 5},
		{"page_size=1000000000", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"page_size=99999999999999999999", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"page_size=-1", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"page_size=x", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"ordering=watts", "L4 L3 L2 L1 L0", 0, 0, 5, 1, 1, 1, 5},
		{"ordering=-name,watts", "L4 L3 L2 L1 L0", 0, 0, 5, 1, 1, 1, 5},
		{"ordering=key,nonsense,;DROP", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
		{"search=l3", "L3", 0, 0, 1, 1, 1, 1, 1},
		{"search=nothing", "", 0, 0, 0, 1, 1, 0, 0},
		{"watts=30&hue=warm", "L2", 0, 0, 1, 1, 1, 1, 1},
		{"nonsense=30", "L0 L1 L2 L3 L4", 0, 0, 5, 1, 1, 1, 5},
	} {
		t.Run(tt.query, func(t *testing.T) {
			names, p := page(tt.query, 200)
			if names != tt.names {
				t.Errorf("%q", names)
			}
			for n, want := range map[string]float64{"next": tt.next, "previous": tt.previous, "count": tt.count, "current": tt.current, "total_pages": tt.pages, "start_index": tt.start, "end_index": tt.end} {
				if p[n] != want {
					t.Errorf("%s: %v, want %v", n, p[n], want)
				}
			}
		})
	}
	for _, q := range []string{"page=2", "page=0", "page=-1", "page=x", "page=99999999999999999999", "page_size=10&page=2147483648"} {
		if got, _ := page(q, 404); got != "map[detail:Invalid page.]" {
			t.Errorf("%s: %s", q, got)
		}
	}
	if got, _ := page("watts=many", 400); got != "map[watts:[Enter a number.]]" {
		t.Error(got)
	}
	if got, _ := page("search="+strings.Repeat("a", 2_000), 400); got != "map[search:[Ensure this field has no more than 1000 characters.]]" {
		t.Error(got)
	}
}

func TestFamilyAndUsedBy(t *testing.T) {
	w := newDoor(t)
	hall := w.json("POST", "rooms/", `{"name":"Hall","slug":"hall"}`, 201)["pk"].(string)
	a := w.json("POST", "lights/lamp/", `{"name":"A","room":"`+hall+`"}`, 201)["pk"].(string)
	b := w.json("POST", "lights/lamp/", `{"name":"B","spare":"`+hall+`"}`, 201)["pk"].(string)
	c := w.json("POST", "lights/lamp/", `{"name":"C","others":["`+hall+`"]}`, 201)["pk"].(string)
	d := w.json("POST", "lights/candle/", `{"name":"D","room":"`+hall+`"}`, 201)["pk"].(string)
	use := func(model, pk, name, action string) string {
		return fmt.Sprintf(`{"app":"lab","model_name":"%s","pk":"%s","name":"%s","action":"%s"}`, model, pk, name, action)
	}
	w.run(t, []scenario{
		{"all", "GET", "lights/all/?ordering=-name", "", 200, `"count":4,…`, nil, nil},
		{"one of all has the base's fields and its kind's words", "GET", "lights/all/" + d + "/", "", 200,
			`{"pk":"` + d + `","name":"D","room":"` + hall + `","component":"ak-candle","verbose_name":"Candle","verbose_name_plural":"Candles","meta_model_name":"lab.candle"}`, nil, nil},
		{"types", "GET", "lights/all/types/", "", 200, `[{"name":"Candle","description":"Burns.","component":"ak-candle","model_name":"candle","requires_enterprise":false},` +
			`{"name":"Lamp","description":"Shines.","component":"ak-lamp","model_name":"lamp","requires_enterprise":false}]`, nil, nil},
		{"used by", "GET", "rooms/hall/used_by/", "", 200,
			"[" + use("candle", d, "D", "cascade") + "," + use("lamp", a, "A", "cascade") + "," + use("lamp", b, "B", "set_null") + "," + use("lamp", c, "C", "cascade_many") + "]", nil, nil},
		{"used by nobody", "GET", "lights/lamp/" + a + "/used_by/", "", 200, "[]", nil, nil},
		{"used by through all", "GET", "lights/all/" + d + "/used_by/", "", 200, "[]", nil, nil},
		{"an action", "POST", "lights/lamp/" + a + "/say/", `{"text":"hi"}`, 200, `{"text":"A says hi"}`, nil, nil},
		{"an action without its field", "POST", "lights/lamp/" + a + "/say/", `{}`, 400, `{"text":["This field is required."]}`, nil, nil},
		{"an action onto what is stored", "PATCH", "lights/lamp/" + a + "/dim/", `{"watts":5}`, 200, `"name":"A"…`, nil, nil},
		{"an error of the house", "POST", "lights/lamp/boom/", "", 500, `{"detail":"Something went wrong on our side. The log has the details."}`, nil, nil},
		{"delete through all", "DELETE", "lights/all/" + d + "/", "", 204, "", []string{"model_deleted D"}, nil},
	})
	if !strings.Contains(w.log.String(), "the SQL of it all") {
		t.Error("the log does not say what went wrong")
	}
	w.actor, w.perms.of[7] = store.Actor{UserPK: 7, Token: "t"}, []string{"lab.view_hall", "lab.view_lamp " + b}
	w.run(t, []scenario{
		{"used by shows what the caller may see", "GET", "rooms/hall/used_by/", "", 200, "[" + use("lamp", b, "B", "set_null") + "]", nil, nil},
	})
}

func TestUploads(t *testing.T) {
	w := newDoor(t)
	form := func(name string, size int) (string, string) {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		p, err := m.CreateFormFile(name, "a.png")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write(bytes.Repeat([]byte("x"), size))
		_ = m.Close()
		return b.String(), m.FormDataContentType()
	}
	good, goodType := form("file", 10)
	other, otherType := form("other", 10)
	large, largeType := form("file", maxUpload+1)
	w.run(t, []scenario{
		{"a file", "POST", "lights/lamp/upload/", good, 204, "", nil, []string{"Content-Type", goodType}},
		{"another part", "POST", "lights/lamp/upload/", other, 400, `{"file":["No file was submitted."]}`, nil, []string{"Content-Type", otherType}},
		{"JSON", "POST", "lights/lamp/upload/", `{}`, 400, `{"non_field_errors":["Send the file as multipart/form-data."]}`, nil, nil},
		{"cut off", "POST", "lights/lamp/upload/", good[:len(good)-20], 400, `Send the file as…`, nil, []string{"Content-Type", goodType}},
		{"too large", "POST", "lights/lamp/upload/", large, 413, `The body is larger than 33554432 bytes…`, nil, []string{"Content-Type", largeType}},
	})
}

func TestDescription(t *testing.T) {
	w := newDoor(t)
	b, err := w.api.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/lights/lamp/ get": "lights_lamp_list", "/lights/lamp/ post": "lights_lamp_create", "/lights/lamp/{light_uuid}/ put": "lights_lamp_update", "/lights/lamp/{light_uuid}/ patch": "lights_lamp_partial_update",
		"/lights/lamp/{light_uuid}/ delete": "lights_lamp_destroy", "/lights/lamp/{light_uuid}/used_by/ get": "lights_lamp_used_by_list", "/lights/all/types/ get": "lights_all_types_list",
		"/lights/lamp/{light_uuid}/say/ post": "lights_lamp_say_create", "/rooms/{slug}/ get": "rooms_retrieve", "/hello/ get": "hello_retrieve", "/memos/{memo_uuid}/ delete": "",
	} {
		p, method, _ := strings.Cut(path, " ")
		if got := doc.Paths[p][method].OperationID; got != want {
			t.Errorf("%s: %q", path, got)
		}
	}
	for _, n := range []string{"Lamp", "LampRequest", "PatchedLampRequest", "PaginatedLampList", "Light", "PaginatedLightList", "Pagination", "UsedBy", "TypeCreate", "ValidationError", "GenericError"} {
		if doc.Components.Schemas[n] == nil {
			t.Errorf("no component %s", n)
		}
	}
	if req := doc.Components.Schemas["LampRequest"]["required"]; fmt.Sprint(req) != "[name]" {
		t.Errorf("%v", req)
	}
	if _, there := doc.Components.Schemas["Lamp"]["properties"].(map[string]any)["word"]; there {
		t.Error("a write-only field is described in the answer")
	}
	w.actor = store.Actor{}
	for _, tt := range []struct{ query, accept, want string }{
		{"", "", "application/vnd.oai.openapi"}, {"", "*/*", "application/vnd.oai.openapi"}, {"", "text/html, application/json;q=0.9", "application/json"}, {"", "application/yaml", "application/yaml"},
		{"", "application/vnd.oai.openapi+json", "application/vnd.oai.openapi+json"}, {"?format=json", "application/yaml", "application/vnd.oai.openapi+json"}, {"?format=yaml", "application/json", "application/vnd.oai.openapi"},
	} {
		rec := w.do("GET", "schema/"+tt.query, "", "Accept", tt.accept)
		if rec.Code != 200 || rec.Header().Get("Content-Type") != tt.want || json.Valid(rec.Body.Bytes()) != strings.HasSuffix(tt.want, "json") {
			t.Errorf("%s %s: %d %s", tt.query, tt.accept, rec.Code, rec.Header().Get("Content-Type"))
		}
	}
}

// FuzzRequest: whatever is asked, the answer is JSON or nothing, and never an error of the house.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "lights/lamp/?page=1&page_size=2&ordering=-name&search=x", "", "")
	f.Add("POST", "lights/lamp/", `{"name":"a","attrs":{"x":[1]}}`, "application/json")
	f.Add("PATCH", "lights/lamp/6ba7b810-9dad-11d1-80b4-00c04fd430c8/", `{"name":null}`, "application/json; x=\"")
	f.Add("POST", "lights/lamp/upload/", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b")
	f.Add("GET", "rooms/%00%ff/used_by/", "", "")
	f.Add("GET", "lights/lamp/?watts=1e9&others=x&others=y&room=%00&since=1", "", "")
	w := buildDoor(f)
	f.Fuzz(func(t *testing.T, method, path, body, contentType string) {
		r, err := http.NewRequestWithContext(store.WithActor(t.Context(), root), method, "http://x/api/v3/"+path, strings.NewReader(body))
		if err != nil {
			return
		}
		if contentType != "" {
			r.Header.Set("Content-Type", contentType)
		}
		rec := httptest.NewRecorder()
		w.api.ServeHTTP(rec, r)
		if rec.Code >= 500 && !strings.Contains(path, "boom") {
			t.Errorf("%s %q %q: %d %s", method, path, body, rec.Code, rec.Body)
		}
		if rec.Header().Get("Content-Type") == "application/json" && rec.Body.Len() > 0 && !json.Valid(rec.Body.Bytes()) {
			t.Errorf("no JSON: %s", rec.Body)
		}
	})
}
