package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	goauthentik "goauthentik.io/api/v3"
)

// heard keeps the last answer that came through it.
type heard struct {
	status int
	body   []byte
}

func (h *heard) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	h.status = res.StatusCode
	if h.body, err = io.ReadAll(res.Body); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(h.body))
	return res, nil
}

// generated is the Go client that the release generates from its description.
type generated struct {
	t      *testing.T
	client *goauthentik.APIClient
	heard  *heard
	calls  map[string]reflect.Value // by operation, without its underscores
}

func generatedClient(t *testing.T, h *house, token string) *generated {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	g := &generated{t: t, heard: &heard{}, calls: map[string]reflect.Value{}}
	cfg := goauthentik.NewConfiguration()
	cfg.Servers = goauthentik.ServerConfigurations{{URL: h.base + "/api/v3"}}
	cfg.HTTPClient = &http.Client{Transport: g.heard, Jar: jar}
	if token != "" {
		cfg.AddDefaultHeader("Authorization", "Bearer "+token)
	}
	g.client = goauthentik.NewAPIClient(cfg)
	services := reflect.ValueOf(g.client).Elem()
	for i := range services.NumField() {
		s := services.Field(i)
		if !strings.HasSuffix(services.Type().Field(i).Name, "Api") {
			continue
		}
		for j := range s.NumMethod() {
			g.calls[strings.ToLower(s.Type().Method(j).Name)] = s.Method(j)
		}
	}
	return g
}

// call asks one operation; key is for its path parameter, body what its request type is read from, without a member that it lacks.
// The answer is read as the client does, and then once more without a member that its type lacks.
func (g *generated) call(op, key string, body any) (obj, error) {
	m, ok := g.calls[strings.ReplaceAll(op, "_", "")]
	if !ok {
		return nil, fmt.Errorf("%s: the client does not know it", op)
	}
	args := []reflect.Value{reflect.ValueOf(g.t.Context())}
	if m.Type().NumIn() == 2 {
		arg := reflect.New(m.Type().In(1)).Elem()
		if arg.Kind() == reflect.String {
			arg.SetString(key)
		} else {
			n, err := strconv.ParseInt(key, 10, 64)
			if err != nil {
				return nil, err
			}
			arg.SetInt(n)
		}
		args = append(args, arg)
	}
	r := m.Call(args)[0]
	if body != nil {
		set := reflect.Value{}
		for i := range r.NumMethod() {
			f := r.Method(i)
			if f.Type().NumIn() == 1 && strings.HasSuffix(f.Type().In(0).Name(), "Request") {
				set = f
			}
		}
		if !set.IsValid() {
			return nil, fmt.Errorf("%s takes no body", op)
		}
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in := reflect.New(set.Type().In(0))
		if err := strictly(text, in.Interface()); err != nil {
			return nil, fmt.Errorf("%s: %s is no %s: %w", op, text, in.Elem().Type().Name(), err)
		}
		r = set.Call([]reflect.Value{in.Elem()})[0]
	}
	out := r.MethodByName("Execute").Call(nil)
	if err, _ := out[len(out)-1].Interface().(error); err != nil {
		return nil, fmt.Errorf("%s: %w: %d %.300s", op, err, g.heard.status, g.heard.body)
	}
	if len(out) == 2 || len(g.heard.body) == 0 {
		return nil, nil
	}
	if err := strictly(g.heard.body, reflect.New(out[0].Type()).Interface()); err != nil {
		return nil, fmt.Errorf("%s: %.300s is no %s: %w", op, g.heard.body, out[0].Type(), err)
	}
	var plain obj
	if g.heard.body[0] == '{' {
		if err := json.Unmarshal(g.heard.body, &plain); err != nil {
			return nil, err
		}
	}
	return plain, nil
}

func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// lifeless are collections in which this client makes nothing: there is nothing to make, or its request type lacks what a row needs.
var lifeless = map[string]string{
	"enterprise/license/": "Unable to verify license", "tenants/tenants/": "one tenant",
	"authenticators/admin/duo/": "in a flow", "authenticators/admin/sms/": "in a flow", "authenticators/admin/static/": "in a flow",
	"authenticators/admin/totp/": "in a flow", "authenticators/admin/webauthn/": "in a flow",
	"sources/user_connections/oauth/": `"source"`, "sources/user_connections/plex/": `"source"`, "sources/user_connections/saml/": `"source"`,
}

// queried are operations with a required query; the test below asks them.
var queried = []string{"flows/executor/", "flows/inspector/", "rbac/permissions/assigned_by_users/", "rbac/permissions/assigned_by_roles/"}

// life is what is asked about one kind: its operations by what they do, and an object.
type life struct {
	path  string
	ops   map[string]*operation // create, retrieve, update, patch, list, used_by, delete; those that there are
	token string
	key   string // of an object that is there; a made one has its own
	body  obj    // makes one; nil where nothing is made
	wrong string // what the refusal says where nothing can be made
}

// keyed are the members that name an object in addresses, the first that an answer has.
func keyed(path string) []string {
	if strings.Contains(path, "user_connections") {
		return []string{"pk"}
	}
	return []string{"identifier", "slug", "pk", "uuid", "brand_uuid", "id"}
}

// lives gives the life of every kind, with an object of each in the house.
func lives(t *testing.T, h *permissionHouse) []life {
	t.Helper()
	olga := int(h.api("GET", "core/users/?username=olga", nil, 200)["results"].([]any)[0].(obj)["pk"].(float64))
	owner := h.tokenOf(olga, "of-olga", "api")
	for class, pk := range h.devicesOf(h.addUser("dora", "devices-of-hers")) { // those of olga are hers to delete
		h.targets["authenticators/admin/"+class+"/"] = target{key: strconv.FormatInt(pk, 10)}
	}
	does := map[string]string{"POST *": "create", "GET *{}/": "retrieve", "PUT *{}/": "update", "PATCH *{}/": "patch", "GET *": "list", "GET *{}/used_by/": "used_by", "DELETE *{}/": "delete"}
	ops := map[string]map[string]*operation{}
	for key, op := range readContract(t).ops {
		method, path, _ := strings.Cut(key, " /")
		if i, j := strings.IndexByte(path, '{'), strings.IndexByte(path, '}'); i >= 0 {
			path = path[:i] + "{}" + path[j+1:]
		}
		for c := range h.targets {
			rest, below := strings.CutPrefix(path, c)
			if what := does[method+" *"+rest]; below && what != "" {
				if ops[c] == nil {
					ops[c] = map[string]*operation{}
				}
				ops[c][what] = op
			}
		}
	}
	// Devices last: the deletion of a static one writes an event with an action of its own (custom_…), which the client's type of actions
	// refuses, with the release as with us.
	paths := slices.Sorted(maps.Keys(h.targets))
	slices.SortStableFunc(paths, func(a, b string) int {
		return strings.Compare(strings.Split(b, "/")[0], strings.Split(a, "/")[0])
	})
	var out []life
	for _, path := range paths {
		if slices.Contains(queried, path) {
			continue
		}
		l := life{path: path, ops: ops[path], token: bootToken, key: h.targets[path].key, wrong: lifeless[path]}
		if strings.HasPrefix(path, "authenticators/") && !strings.HasPrefix(path, "authenticators/admin/") || path == "events/notifications/" {
			l.token = owner // what only its owner sees
		}
		if h.bodies[path] != nil {
			l.body = h.bodies[path]("client")
		}
		switch {
		case path == "flows/bindings/":
			l.body["order"] = 102
		case l.wrong != "":
			delete(l.body, "source")
			if path == "sources/user_connections/plex/" {
				delete(l.body, "user")
			}
		}
		if path == "enterprise/license/" || path == "tenants/tenants/" { // there is none, and the one there is stays
			for _, what := range []string{"retrieve", "update", "patch", "used_by", "delete"} {
				delete(l.ops, what)
			}
		}
		out = append(out, l)
	}
	return out
}

// TestGeneratedGoClient: the Go client of the release takes one object of every kind through its life.
func TestGeneratedGoClient(t *testing.T) {
	t.Parallel()
	h, _ := openPermissionHouse(t)
	clients := map[string]*generated{}
	made, asked := 0, 0
	for _, l := range lives(t, h) {
		g := clients[l.token]
		if g == nil {
			g = generatedClient(t, h.house, l.token)
			clients[l.token] = g
		}
		do := func(what string, body any) obj {
			t.Helper()
			op := l.ops[what]
			if op == nil {
				return nil
			}
			asked++
			out, err := g.call(op.id, l.key, body)
			if err != nil {
				t.Error(err)
			}
			return out
		}
		if l.wrong != "" {
			if _, err := g.call(l.ops["create"].id, "", l.body); err == nil || g.heard.status != 400 || !strings.Contains(string(g.heard.body), l.wrong) {
				t.Errorf("%s: %v: %d %s, want %s", l.path, err, g.heard.status, g.heard.body, l.wrong)
			}
		} else if l.body != nil {
			out := do("create", l.body)
			if out == nil {
				continue
			}
			made++
			for _, name := range keyed(l.path) {
				if v, ok := out[name]; ok {
					l.key = fmt.Sprint(v)
					if n, ok := v.(float64); ok {
						l.key = strconv.FormatFloat(n, 'f', 0, 64)
					}
					break
				}
			}
			do("update", l.body)
			do("patch", l.body)
		}
		for _, what := range []string{"list", "retrieve", "used_by", "delete"} {
			do(what, nil)
		}
	}
	t.Logf("%d operations, %d objects made", asked, made)
	if made != len(h.bodies)-len(lifeless) || asked < 550 {
		t.Errorf("only %d operations and %d objects", asked, made)
	}
}

// TestGeneratedTypeScriptClient: that client of the release does the same, under Node.
func TestGeneratedTypeScriptClient(t *testing.T) {
	t.Parallel()
	h, _ := openPermissionHouse(t)
	type step struct {
		Op    string   `json:"op"`
		Param string   `json:"param,omitempty"`
		Type  string   `json:"type,omitempty"`
		Body  obj      `json:"body,omitempty"`
		Keys  []string `json:"keys,omitempty"`
	}
	type kind struct {
		Token  string `json:"token"`
		Key    any    `json:"key"`
		Create *step  `json:"create"`
		Then   []step `json:"then"`
	}
	var kinds []kind
	want := 0
	for _, l := range lives(t, h) {
		k := kind{Token: l.token, Key: l.key, Then: []step{}}
		if l.wrong == "" && l.body != nil {
			op := l.ops["create"]
			k.Create = &step{op.id, "", strings.TrimLeft(op.body, "?+"), l.body, keyed(l.path)}
			want++
		}
		for _, what := range []string{"update", "patch", "list", "retrieve", "used_by", "delete"} {
			op := l.ops[what]
			if op == nil || (what == "update" || what == "patch") && k.Create == nil {
				continue
			}
			s := step{Op: op.id}
			for p := range op.params {
				if p[0] == '{' {
					s.Param = strings.Trim(p, "{}")
				}
			}
			if what == "update" || what == "patch" {
				s.Type, s.Body = strings.TrimLeft(op.body, "?+"), l.body
			}
			k.Then = append(k.Then, s)
			want++
		}
		kinds = append(kinds, k)
	}
	in, err := json.Marshal(obj{"base": h.base + "/api/v3", "kinds": kinds})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("..", "..", "build", "e2e", "generated-client.mjs"))
	cmd.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v (./build/test install brings Node and its packages)\n%s", err, said.String())
	}
	if got := strings.TrimSpace(string(out)); got != strconv.Itoa(want) || want < 550 {
		t.Errorf("%s operations asked, %d wanted", got, want)
	}
}

// TestGeneratedGoClientSignsIn: the Go client of the release signs somebody in through the flow executor, and asks what needs a query.
func TestGeneratedGoClientSignsIn(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "ada-password-1")
	g := generatedClient(t, h, "")
	const slug = "default-authentication-flow"
	flows, ctx := g.client.FlowsApi, t.Context()
	solve := func(r goauthentik.FlowChallengeResponseRequest) *goauthentik.ChallengeTypes {
		t.Helper()
		c, _, err := flows.FlowsExecutorSolve(ctx, slug).Query("next=%2Fif%2Fuser%2F").FlowChallengeResponseRequest(r).Execute()
		if err != nil {
			t.Fatalf("%v: %s", err, g.heard.body)
		}
		return c
	}
	c, _, err := flows.FlowsExecutorGet(ctx, slug).Query("next=%2Fif%2Fuser%2F").Execute()
	if err != nil || c.IdentificationChallenge == nil {
		t.Fatalf("%v: %s", err, g.heard.body)
	}
	if c = solve(goauthentik.IdentificationChallengeResponseRequestAsFlowChallengeResponseRequest(goauthentik.NewIdentificationChallengeResponseRequest("ada"))); c.PasswordChallenge == nil || c.PasswordChallenge.PendingUser != "ada" {
		t.Fatalf("%s", g.heard.body)
	}
	if c = solve(goauthentik.PasswordChallengeResponseRequestAsFlowChallengeResponseRequest(goauthentik.NewPasswordChallengeResponseRequest("wrong"))); c.PasswordChallenge == nil || len((*c.PasswordChallenge.ResponseErrors)["password"]) != 1 {
		t.Fatalf("%s", g.heard.body)
	}
	if c = solve(goauthentik.PasswordChallengeResponseRequestAsFlowChallengeResponseRequest(goauthentik.NewPasswordChallengeResponseRequest("ada-password-1"))); c.RedirectChallenge == nil || c.RedirectChallenge.To != "/if/user/" {
		t.Fatalf("%s", g.heard.body)
	}
	me, _, err := g.client.CoreApi.CoreUsersMeRetrieve(ctx).Execute()
	if err != nil || me.User.Username != "ada" || int(me.User.Pk) != ada {
		t.Errorf("%v: %s", err, g.heard.body)
	}

	admin := generatedClient(t, h, bootToken)
	if us, _, err := admin.client.RbacApi.RbacPermissionsAssignedByUsersList(ctx).Model("authentik_core.user").Execute(); err != nil || us.Results == nil {
		t.Errorf("%v: %s", err, admin.heard.body)
	}
	if rs, _, err := admin.client.RbacApi.RbacPermissionsAssignedByRolesList(ctx).Model("authentik_core.user").Execute(); err != nil || rs.Results == nil {
		t.Errorf("%v: %s", err, admin.heard.body)
	}
}
