package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/rest/conform"
)

// attempt is one request of the fuzzing.
type attempt struct {
	what  string
	field string // the property that is wrong by the description; "" when none is
	media string
	body  func() string // made when its turn comes: all of them at once would be gigabytes
}

func is(body string) func() string { return func() string { return body } }

// sample gives a value that fits a schema, as far as the description says what fits; all says whether it has what is not required too.
// What points at an object points at one that is there.
func (p *prober) sample(s *conform.Schema, name string, n int, all bool, depth int) any {
	switch {
	case depth > 6:
		return nil
	case len(s.Enum) > 0:
		return s.Enum[n%len(s.Enum)]
	case len(s.Mapping) > 0:
		kinds := slices.Sorted(maps.Keys(s.Mapping))
		v := kinds[n%len(kinds)]
		out, ok := p.sample(s.Mapping[v], name, n, all, depth+1).(map[string]any)
		if ok {
			out[s.By] = v
		}
		return out
	case len(s.One) > 0:
		return p.sample(s.One[0], name, n, all, depth+1)
	}
	switch s.Type {
	case "object":
		out := map[string]any{}
		for name, ps := range s.Properties {
			if all || slices.Contains(s.Required, name) {
				out[name] = p.sample(ps, name, n, all, depth+1)
			}
		}
		return out
	case "array":
		if !all || s.Items == nil || s.Items.Format == "uuid" {
			return []any{}
		}
		return []any{p.sample(s.Items, name, n, all, depth+1)}
	case "boolean":
		return n%2 == 0
	case "integer", "number":
		if s.Min != nil && s.Min.Sign() > 0 {
			f, _ := s.Min.Float64()
			return f
		}
		return 1
	case "string":
		if s.RefPath != "" {
			if keys := p.objects(s.RefPath, s.RefKey); len(keys) > 0 {
				return keys[n%len(keys)]
			}
		}
		switch s.Format {
		case "uuid":
			return fmt.Sprintf("0190a6f2-0000-7000-8000-%012d", n)
		case "date-time":
			return "2030-01-02T03:04:05Z"
		case "email":
			return fmt.Sprintf("fuzz-%d@office.lan", n)
		case "uri":
			return fmt.Sprintf("https://fuzz-%d.office.lan/x", n)
		}
		return fmt.Sprintf("fuzz-%d", n)
	}
	return map[string]any{}
}

// hostile are the values that take the place of each property.
var hostile = []struct{ what, json string }{
	{"null", "null"}, {"a number", "7"}, {"a text", `"x"`}, {"a boolean", "true"}, {"an array", "[]"}, {"an object", "{}"}, {"an array of arrays", "[[[{}]],null]"}, {"an empty text", `""`},
	{"a huge number", "123456789012345678901234567890"}, {"an exponent", "1e400"}, {"a negative", "-9223372036854775809"}, {"a fraction", "0.1"},
	{"a long text", `"` + strings.Repeat("long ", 20_000) + `"`}, {"unicode", `"\u202e\ud83d\ude00\u0301\ufffe"`}, {"half a surrogate", `"\ud83d"`}, {"NUL", `"a\u0000b"`}, {"a line", `"a\r\nX-Evil: 1"`},
	{"deep nesting", strings.Repeat("[", 300) + strings.Repeat("]", 300)}, {"a deep object", strings.Repeat(`{"a":`, 300) + "1" + strings.Repeat("}", 300)}, {"SQL", `"'; DROP TABLE object;--"`},
	{"a path", `"../../../../etc/passwd"`}, {"a script", `"<script>alert(1)</script>"`}, {"a template", `"%(user)s {{ 7*7 }}"`},
}

// jsonAttempts gives the bodies for an operation that takes JSON: a valid one, wholly wrong ones, and each property wrong in each way.
func (p *prober) jsonAttempts(s *conform.Schema, n int) []attempt {
	const media = "application/json"
	text := func(n int, all bool) string {
		b, _ := json.Marshal(p.sample(s, "", n, all, 0)) // plain values
		return string(b)
	}
	full := func() string { return text(n+1, true) }
	out := []attempt{
		{"least", "", media, func() string { return text(n, false) }}, {"everything", "", media, full}, {"no body", "", media, is("")}, {"an empty object", "", media, is("{}")}, {"null", "", media, is("null")},
		{"an array", "", media, is("[]")}, {"a text", "", media, is(`"x"`)}, {"a number", "", media, is("1e999")}, {"cut off", "", media, func() string { t := full(); return t[:len(t)-1] }},
		{"two values", "", media, func() string { return full() + "{}" }}, {"deep nesting", "", media, is(strings.Repeat("[", 50_000))},
		{"deep objects", "", media, is(strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000))}, {"bytes", "", media, is("{\"a\xff\":\"\xfe\"}")},
		{"a mark", "", media, is("\ufeff{}")}, {"NUL", "", media, is("{}\x00")}, {"odd names", "", media, is(`{"":1,"\u0000":2,"__proto__":{},"pk":"x","` + strings.Repeat("n", 5000) + `":[]}`)},
		{"another type", "", "text/plain", full}, {"a form", "", "application/x-www-form-urlencoded", is("a=b")}, {"no type", "", "", full}, {"a broken type", "", ";;", full},
		{"parts", "", "multipart/form-data; boundary=x", is("--x\r\n")}, {"XML", "", "application/xml", is("<a/>")},
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		for i, h := range hostile {
			a := attempt{name + ": " + h.what, "", media, func() string {
				base, _ := p.sample(s, "", n+2+i, i%2 == 0, 0).(map[string]any) // a schema with properties gives an object
				base[name] = json.RawMessage(h.json)
				b, _ := json.Marshal(base)
				return string(b)
			}}
			if wrong(s.Properties[name], h.json) {
				a.field = name
			}
			out = append(out, a)
		}
		key, _ := json.Marshal(name)
		out = append(out, attempt{name + ": twice", "", media, func() string {
			return "{" + string(key) + ":null," + string(key) + ":[]," + strings.TrimPrefix(full(), "{")
		}})
	}
	return out
}

// wrong says whether a value is one that a property can't take in any reading: the API reads "7" and 7 alike, as the release does.
func wrong(s *conform.Schema, value string) bool {
	if s.ReadOnly || s.Fits([]byte(value)) == nil {
		return false
	}
	container := value[0] == '[' || value[0] == '{'
	switch s.Type {
	case "object", "array":
		return value != "null" && (s.Type == "object") != (value[0] == '{')
	case "string", "integer", "number", "boolean":
		return container
	}
	return false
}

// partAttempts gives the bodies for an operation that takes a form of parts.
func (p *prober) partAttempts(s *conform.Schema) []attempt {
	files := []struct{ what, name, media, data string }{
		{"a picture", "a.png", "image/png", "\x89PNG\r\n\x1a\n"}, {"a drawing with a script", "a.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`}, {"a path", "../../../etc/passwd", "image/png", "x"},
		{"nothing", "a.png", "image/png", ""}, {"no name", "", "", "x"}, {"NUL", "a\x00.png", "image/png", "\x00"}, {"a page", "a.html", "text/html", "<script>"}, {"big", "a.bin", "application/octet-stream", strings.Repeat("x", 3<<20)},
		{"an alias bomb", "a.yaml", "application/yaml", "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d]\n"},
		{"half a document", "a.xml", "application/xml", "<EntityDescriptor"}, {"entities", "a.xml", "application/xml", `<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`},
	}
	var out []attempt
	fields := slices.Sorted(maps.Keys(s.Properties))
	for _, f := range files {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for _, name := range fields {
			if s.Properties[name].Format != "binary" {
				_ = w.WriteField(name, fmt.Sprint(p.sample(s.Properties[name], name, 1, true, 0))) // a buffer takes everything
				continue
			}
			h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, name, f.name)}, "Content-Type": {f.media}}
			if part, err := w.CreatePart(h); err == nil {
				_, _ = part.Write([]byte(f.data))
			}
		}
		_ = w.Close()
		whole := b.String()
		out = append(out, attempt{f.what, "", w.FormDataContentType(), is(whole)}, attempt{f.what + ", cut off", "", w.FormDataContentType(), is(whole[:len(whole)/2])})
	}
	for _, name := range fields {
		for _, text := range []string{"", "x", "a\x00b", strings.Repeat("long ", 10_000), "\xff", "[]"} {
			var b bytes.Buffer
			w := multipart.NewWriter(&b)
			_ = w.WriteField(name, text)
			_ = w.WriteField(name, text)
			_ = w.Close()
			out = append(out, attempt{name + " as a text", "", w.FormDataContentType(), is(b.String())})
		}
	}
	return append(out, attempt{"no body", "", "multipart/form-data; boundary=x", is("")}, attempt{"no boundary", "", "multipart/form-data", is("x")}, attempt{"JSON", "", "application/json", is("{}")}, attempt{"no type", "", "", is("x")})
}

// prober sends attempts to a house.
type prober struct {
	h     *house
	c     *http.Client
	mu    sync.Mutex
	keys  map[string][]string // objects by the path of their collection and what names them
	made  int                 // how many objects were made
	seen  map[string]int      // what it was when a collection was read
	count map[int]int
	named int // answers that had to name a property and did
}

func newProber(h *house) *prober {
	return &prober{h: h, c: &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, keys: map[string][]string{}, seen: map[string]int{}, count: map[int]int{}}
}

// ask asks as the admin. A request that could not be sent has the status 0: a fuzz target may not fail its house's test.
func (p *prober) ask(method, path, media, body string) answer {
	req, err := http.NewRequestWithContext(context.Background(), method, p.h.base+"/api/v3"+path, strings.NewReader(body))
	if err != nil {
		return answer{body: err.Error()}
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	req.Header.Set("Authorization", "Bearer "+bootToken)
	res, err := p.c.Do(req)
	if err != nil {
		return answer{body: err.Error()}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{body: err.Error()}
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

// objects gives the objects of a collection by what names them: one of their properties, or their key. The ones that the fuzzing lives by
// are left out. It is read again when many more were made.
func (p *prober) objects(path, name string) []string {
	at := path + " " + name
	p.mu.Lock()
	keys, seen := p.keys[at], p.seen[at]
	fresh := seen > 0 && (len(keys) > 0 && p.made < seen+200 || p.made < seen+20)
	p.seen[at] = p.made + 1
	if fresh {
		p.seen[at] = seen
	}
	p.mu.Unlock()
	if fresh {
		return keys
	}
	a := p.ask("GET", path+"?page_size=100", "", "")
	var list struct {
		Results []map[string]any `json:"results"`
	}
	keys = nil
	if a.status == 200 && json.Unmarshal([]byte(a.body), &list) == nil {
		for _, o := range list.Results {
			if o["username"] == "akadmin" || o["is_superuser"] == true || o["identifier"] == "authentik-bootstrap-token" {
				continue
			}
			for _, k := range []string{name, "pk", "id"} {
				if v, ok := o[k]; ok && v != nil {
					if f, number := v.(float64); number {
						v = int64(f)
					}
					keys = append(keys, fmt.Sprint(v))
					break
				}
			}
		}
	}
	p.mu.Lock()
	p.keys[at] = keys
	p.mu.Unlock()
	return keys
}

// path fills the parameter of an operation's path with an object that is there; the one the fuzzing lives by is let alone.
func (p *prober) path(op *conform.Operation, n int) string {
	before, rest, found := strings.Cut(op.Path, "{")
	if !found {
		return op.Path
	}
	name, after, _ := strings.Cut(rest, "}")
	keys := p.objects(before, name)
	key := "0190a6f2-0000-7000-8000-000000000009"
	if len(keys) > 0 {
		key = keys[n%len(keys)]
	}
	return before + url.PathEscape(key) + after
}

// probe sends one attempt and looks at its answer; whether it conforms the house's own watcher says.
func (p *prober) probe(t testing.TB, op *conform.Operation, n int, a attempt) {
	path := p.path(op, n)
	got := p.ask(op.Method, path, a.media, a.body())
	p.mu.Lock()
	p.count[got.status]++
	if got.status == 201 {
		p.made++
	}
	p.mu.Unlock()
	if got.status == 0 || got.status >= 500 {
		t.Errorf("%s %s with %s: %d %.300s", op.Method, path, a.what, got.status, got.body)
	}
	if got.status == 400 && a.field != "" {
		var said map[string]any
		if err := json.Unmarshal([]byte(got.body), &said); err != nil {
			t.Errorf("%s with %s: %v", op.ID, a.what, err)
		} else if said[a.field] == nil {
			t.Errorf("%s with %s: the 400 does not name %s: %.300s", op.ID, a.what, a.field, got.body)
		} else {
			p.mu.Lock()
			p.named++
			p.mu.Unlock()
		}
	}
	if a.field != "" && got.status < 300 {
		t.Errorf("%s takes %s: %d", op.ID, a.what, got.status)
	}
}

// leftAlone says why an operation is not fuzzed by the admin whose token the fuzzing uses.
var leftAlone = map[string]string{
	"core_users_impersonate_create": "the token's user would be somebody else",
	"gatehouse_backup_create":       "each takes a second of hashing; TestOfficeStatusAndBackup has its bodies",
}

// takers gives the operations of a house that take a body, with the attempts for each.
func takers(t testing.TB, h *house, p *prober) (ops []*conform.Operation, all [][]attempt) {
	t.Helper()
	c, err := checker(h.s)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range c.Operations() {
		if len(op.Body) == 0 || leftAlone[op.ID] != "" {
			continue
		}
		var as []attempt
		for media, s := range op.Body {
			if media == "multipart/form-data" {
				as = append(as, p.partAttempts(s)...)
				continue
			}
			as = append(as, p.jsonAttempts(s, len(ops)*1000)...)
		}
		ops, all = append(ops, op), append(all, as)
	}
	return ops, all
}

// fuzzTime is how long TestBodiesFromTheDescription goes on at most, GATEHOUSE_FUZZ_TIME when it is set.
func fuzzTime(t testing.TB) time.Duration {
	if v := os.Getenv("GATEHOUSE_FUZZ_TIME"); v != "" {
		d, err := time.ParseDuration(v)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	return 8 * time.Second
}

// turn gives which attempt of so many is the next: first the two valid ones, then all others in an order that differs by operation.
func turn(round, of, op int) int {
	if round < 2 {
		return round
	}
	step, rest := 37, of-2
	for rest%step == 0 {
		step += 2
	}
	for a, b := step, rest; ; a, b = b, a%b { // a step that shares no divisor with the number meets each once
		if b == 0 {
			if a == 1 {
				break
			}
			step++
			a, b = step, rest
		}
	}
	return 2 + (op*101+(round-2)*step)%rest
}

// Each attempt has one turn.
func TestTurns(t *testing.T) {
	for _, of := range []int{3, 22, 24, 39, 76, 113, 150, 500, 1331} {
		seen := map[int]bool{}
		for round := range of {
			seen[turn(round, of, of)] = true
		}
		if len(seen) != of {
			t.Errorf("%d of %d have a turn", len(seen), of)
		}
	}
}

// TestBodiesFromTheDescription sends every operation that takes a body what the description says, and then each property wrong in every
// way: never an error of the house, always an answer that conforms, and a wrong property is named. The operations take turns, each with
// other attempts than its neighbours, until the time is over; with GATEHOUSE_FUZZ_TIME=1h every attempt has its turn.
// It stands alone: beside the other houses it would take their time.
func TestBodiesFromTheDescription(t *testing.T) {
	h := open(t, true)
	h.addUser("fuzzed", "nobody-signs-in-1")
	p := newProber(h)
	ops, all := takers(t, h, p)
	type job struct {
		op   *conform.Operation
		n    int
		what attempt
	}
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for j := range jobs {
				p.probe(t, j.op, j.n, j.what)
			}
		})
	}
	end := time.Now().Add(fuzzTime(t))
	planned, sent, least := 0, 0, 1<<30
	for _, as := range all {
		planned += len(as)
	}
	tried := make([]int, len(ops))
	for round, more := 0, true; more && time.Now().Before(end); round++ {
		more = false
		for i, op := range ops {
			if round >= len(all[i]) {
				continue
			}
			n := turn(round, len(all[i]), i)
			more = true
			jobs <- job{op, n, all[i][n]}
			sent++
			tried[i]++
		}
	}
	close(jobs)
	workers.Wait()
	for i := range tried {
		least = min(least, tried[i])
	}
	t.Logf("%d operations, %d of %d requests (at least %d each), statuses %v, %d wrong properties named", len(ops), sent, planned, least, p.count, p.named)
	if len(ops) < 250 || least < 4 || p.named < sent/100 {
		t.Errorf("only %d operations, %d requests each, %d properties named", len(ops), least, p.named)
	}
	if good := p.count[200] + p.count[201] + p.count[204]; good < sent/20 || p.count[403] > sent/20 {
		t.Errorf("the fuzzing lost its way: statuses %v", p.count)
	}
	for line := range strings.SplitSeq(h.log.String(), "\n") {
		if strings.Contains(line, "panic in a handler") || strings.Contains(line, `"level":"ERROR"`) && strings.Contains(line, "request failed") {
			t.Errorf("the log has: %.2000s", line)
		}
	}
	h.api("GET", "core/users/", nil, 200)
}

// FuzzBody: whatever stands in a body, no operation that takes one errs, and its answer conforms.
func FuzzBody(f *testing.F) {
	h := open(f, true)
	p := newProber(h)
	ops, all := takers(f, h, p)
	for i := range ops {
		for _, n := range []int{0, 1, 7, len(all[i]) - 1} {
			if b := all[i][min(n, len(all[i])-1)]; i%20 == 0 && len(b.body()) < 10_000 {
				f.Add(uint16(i), b.media, b.body())
			}
		}
	}
	f.Fuzz(func(t *testing.T, i uint16, media, body string) {
		if strings.ContainsFunc(media, func(r rune) bool { return r < ' ' || r > '~' }) {
			return // no client can send it
		}
		p.probe(t, ops[int(i)%len(ops)], int(i), attempt{"a body", "", media, is(body)})
		for _, w := range h.taken() {
			t.Error(w)
		}
		if strings.Contains(h.log.String(), "panic in a handler") {
			t.Error("a panic; the log has it")
		}
	})
}

// What the fuzzing found stays mended.
func TestFoundByTheBodies(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for _, id := range []string{"one", "two"} {
		h.api("POST", "core/tokens/", map[string]any{"identifier": id, "intent": "app_password"}, 201)
	}
	h.api("POST", "core/tokens/one/set_key/", map[string]any{"key": "the same for both"}, 204)
	h.api("POST", "core/tokens/one/set_key/", map[string]any{"key": "the same for both"}, 204)
	if out := h.api("POST", "core/tokens/two/set_key/", map[string]any{"key": "the same for both"}, 400); out["key"] == nil {
		t.Errorf("two tokens with one key: %v", out)
	}
	for _, row := range []struct {
		length int
		group  bool
		status int
	}{{151, false, 400}, {150, false, 200}, {81, true, 400}, {80, true, 200}} {
		out := h.api("POST", "core/users/service_account/", map[string]any{"name": strings.Repeat("n", row.length), "create_group": row.group}, row.status)
		if row.status == 400 && out["name"] == nil {
			t.Errorf("a name of %d characters: %v", row.length, out)
		}
	}
	if out := h.api("POST", "core/users/", map[string]any{"username": "x", "name": "x", "last_login": map[string]any{}}, 400); out["last_login"] == nil {
		t.Errorf("a time that is an object: %v", out)
	}
	for path, want := range map[string]int{"core/users/me/": 405, "core/users/1/": 200} {
		h.api("PATCH", path, map[string]any{}, want)
	}
}
