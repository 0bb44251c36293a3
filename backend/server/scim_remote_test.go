package server

import (
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	escim "github.com/elimity-com/scim"
	scimerrors "github.com/elimity-com/scim/errors"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
)

// bare is another system with nothing but elimity-com/scim in front of a map: it checks no names, so that whoever is made twice is there twice.
type bare struct {
	*httptest.Server
	lib   http.Handler
	patch bool

	mu     sync.Mutex
	last   int
	of     map[string]map[string]obj // by endpoint and id
	asked  []string                  // "POST /Users"
	before func(w http.ResponseWriter, req *http.Request) bool
	after  func(req *http.Request) bool // true: the answer is lost
	unique bool
	agents map[string]bool
}

const bareToken = "bare-token-0123456789"

// newBare starts the system; patch says whether it can PATCH.
func newBare(t testing.TB, patch bool) *bare {
	t.Helper()
	b := &bare{patch: patch, of: map[string]map[string]obj{"/Users": {}, "/Groups": {}}, agents: map[string]bool{}}
	var err error
	b.lib, err = escim.NewServer(&escim.ServerArgs{
		ServiceProviderConfig: &escim.ServiceProviderConfig{MaxResults: 100, SupportFiltering: true, SupportPatch: patch},
		ResourceTypes: []escim.ResourceType{
			{Name: "User", ID: optional.NewString("User"), Endpoint: "/Users", Schema: schema.CoreUserSchema(), SchemaExtensions: []escim.SchemaExtension{{Schema: schema.ExtensionEnterpriseUser()}}, Handler: bareShelf{b, "/Users"}},
			{Name: "Group", ID: optional.NewString("Group"), Endpoint: "/Groups", Schema: schema.CoreGroupSchema(), Handler: bareShelf{b, "/Groups"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *bare) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Header.Get("Authorization") != "Bearer "+bareToken {
		w.WriteHeader(401)
		return
	}
	b.mu.Lock()
	b.agents[req.UserAgent()] = true
	first, rest, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/"), "/")
	line := req.Method + " /" + first
	if rest != "" {
		line += "/id"
	}
	if req.URL.Query().Has("filter") {
		line += "?filter"
	}
	b.asked = append(b.asked, line)
	before, after := b.before, b.after
	b.mu.Unlock()
	if before != nil && before(w, req) {
		return
	}
	if req.Method == "PATCH" && !b.patch {
		w.WriteHeader(501)
		return
	}
	rec := httptest.NewRecorder()
	b.lib.ServeHTTP(rec, req)
	if after != nil && after(req) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
		return
	}
	maps.Copy(w.Header(), rec.Header())
	w.WriteHeader(rec.Code)
	_, _ = io.Copy(w, rec.Body)
}

// all gives what the system has of people or groups, by name.
func (b *bare) all(t testing.TB, endpoint string) map[string]obj {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	out := map[string]obj{}
	for id, m := range b.of[endpoint] {
		name := fmt.Sprint(m["userName"])
		if endpoint == "/Groups" {
			name = fmt.Sprint(m["displayName"])
		}
		if out[name] != nil {
			t.Errorf("%s is there twice", name)
		}
		one := maps.Clone(m)
		one["id"] = id
		out[name] = one
	}
	return out
}

// members gives the names of a group's members there.
func (b *bare) members(t testing.TB, group string) string {
	t.Helper()
	people := map[string]string{}
	for name, m := range b.all(t, "/Users") {
		people[fmt.Sprint(m["id"])] = name
	}
	var out []string
	list, _ := b.all(t, "/Groups")[group]["members"].([]any)
	for _, v := range list {
		name, ok := people[fmt.Sprint(v.(map[string]any)["value"])]
		if !ok {
			name = "?"
		}
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// said gives the requests since the last call, all but what only reads.
func (b *bare) said() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.DeleteFunc(b.asked, func(s string) bool { return strings.HasPrefix(s, "GET ") && !strings.Contains(s, "filter") })
	b.asked = nil
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// hook sets what happens around requests.
func (b *bare) hook(before func(w http.ResponseWriter, req *http.Request) bool, after func(req *http.Request) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before, b.after = before, after
}

type bareShelf struct {
	b        *bare
	endpoint string
}

func (s bareShelf) show(id string) escim.Resource {
	m := escim.ResourceAttributes{}
	maps.Copy(m, s.b.of[s.endpoint][id])
	out := escim.Resource{ID: id, Attributes: m}
	if x, ok := m["externalId"].(string); ok {
		out.ExternalID = optional.NewString(x)
	}
	return out
}

func (s bareShelf) Create(_ *http.Request, in escim.ResourceAttributes) (escim.Resource, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	for _, m := range s.b.of[s.endpoint] {
		if s.b.unique && (in["userName"] != nil && m["userName"] == in["userName"] || s.endpoint == "/Groups" && m["displayName"] == in["displayName"]) {
			return escim.Resource{}, scimerrors.ScimErrorUniqueness
		}
	}
	s.b.last++
	id := strconv.Itoa(s.b.last)
	s.b.of[s.endpoint][id] = obj(in)
	return s.show(id), nil
}

func (s bareShelf) there(id string) error {
	if s.b.of[s.endpoint][id] == nil {
		return scimerrors.ScimErrorResourceNotFound(id)
	}
	return nil
}

func (s bareShelf) Get(_ *http.Request, id string) (escim.Resource, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	return s.show(id), s.there(id)
}

func (s bareShelf) GetAll(_ *http.Request, p escim.ListRequestParams) (escim.Page, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	ids := slices.SortedFunc(maps.Keys(s.b.of[s.endpoint]), func(x, y string) int {
		a, _ := strconv.Atoi(x)
		b, _ := strconv.Atoi(y)
		return a - b
	})
	var hits []escim.Resource
	for _, id := range ids {
		r := s.show(id)
		if p.FilterValidator == nil || p.FilterValidator.PassesFilter(r.Attributes) == nil {
			hits = append(hits, r)
		}
	}
	from := min(max(p.StartIndex-1, 0), len(hits))
	return escim.Page{TotalResults: len(hits), Resources: append([]escim.Resource{}, hits[from:min(from+p.Count, len(hits))]...)}, nil
}

func (s bareShelf) Replace(_ *http.Request, id string, in escim.ResourceAttributes) (escim.Resource, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if err := s.there(id); err != nil {
		return escim.Resource{}, err
	}
	s.b.of[s.endpoint][id] = obj(in)
	return s.show(id), nil
}

func (s bareShelf) Delete(_ *http.Request, id string) error {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if err := s.there(id); err != nil {
		return err
	}
	delete(s.b.of[s.endpoint], id)
	return nil
}

// Patch keeps to the letter: a removal without a filter takes out everybody.
func (s bareShelf) Patch(_ *http.Request, id string, ops []escim.PatchOperation) (escim.Resource, error) {
	s.b.mu.Lock()
	defer s.b.mu.Unlock()
	if err := s.there(id); err != nil {
		return escim.Resource{}, err
	}
	m := s.b.of[s.endpoint][id]
	for _, op := range ops {
		if op.Path == nil {
			for k, v := range op.Value.(map[string]any) {
				m[k] = v
			}
			continue
		}
		name := op.Path.AttributePath.AttributeName
		list, _ := m[name].([]any)
		switch {
		case op.Op == "remove" && op.Path.ValueExpression != nil:
			who := strings.Trim(strings.TrimPrefix(fmt.Sprint(op.Path.ValueExpression), "value eq "), `"`)
			m[name] = slices.DeleteFunc(slices.Clone(list), func(v any) bool { return fmt.Sprint(v.(map[string]any)["value"]) == who })
		case op.Op == "remove":
			delete(m, name)
		case op.Op == "add" && name == "members":
			m[name] = append(slices.Clone(list), op.Value.([]any)...)
		default:
			m[name] = op.Value
		}
	}
	return s.show(id), nil
}

// cutter lets connections through to an address and cuts them when it is told.
type cutter struct {
	net.Listener
	mu    sync.Mutex
	open  map[net.Conn]bool
	dead  bool
	to    string
	every func(n int64) bool // asked for each piece that goes through: true cuts
	n     int64
}

func newCutter(t testing.TB, to string) *cutter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{Listener: l, open: map[net.Conn]bool{}, to: strings.TrimPrefix(to, "http://")}
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", c.to)
			if err != nil || !c.keep(in, out) {
				_ = in.Close()
				continue
			}
			go c.pipe(in, out)
			go c.pipe(out, in)
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		c.cut()
	})
	return c
}

func (c *cutter) base() string { return "http://" + c.Addr().String() }

func (c *cutter) keep(in, out net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead {
		_ = out.Close()
		return false
	}
	c.open[in], c.open[out] = true, true
	return true
}

func (c *cutter) pipe(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		c.mu.Lock()
		c.n++
		now := c.every != nil && c.every(c.n)
		c.mu.Unlock()
		if n > 0 && !now {
			_, _ = to.Write(buf[:n])
		}
		if err != nil || now {
			_, _ = to.Close(), from.Close()
			c.mu.Lock()
			delete(c.open, to)
			delete(c.open, from)
			c.mu.Unlock()
			return
		}
	}
}

// cut ends every connection.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
	clear(c.open)
}

// off makes the address unreachable, or reachable again.
func (c *cutter) off(dead bool) {
	c.mu.Lock()
	c.dead = dead
	c.mu.Unlock()
	if dead {
		c.cut()
	}
}
