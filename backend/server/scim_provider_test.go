package server

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// stepper is a provider of a house that keeps a system in step.
type stepper struct {
	h  *house
	pk int64
}

// syncing is a house that may ask this machine and does not wait long before it tries again.
func syncing(t testing.TB) *house {
	t.Helper()
	return reaching(t, impatient)
}

// impatient prepares a house that does not wait long before it tries again.
func impatient(h *house) {
	h.s.rooms.scimOut.Pauses = []time.Duration{time.Millisecond, 20 * time.Millisecond}
	h.s.rooms.scimOut.Settle = 500 * time.Millisecond
}

// sends makes an application whose provider keeps the system at an address in step.
func (h *house) sends(name, url, token string, more obj) *stepper {
	h.t.Helper()
	o := h.outgoing(name, url, token, more)
	h.api("POST", "core/applications/", obj{"name": name, "slug": name, "backchannel_providers": []int64{o.pk}}, 201)
	return o
}

// outgoing makes a provider that works for no application.
func (h *house) outgoing(name, url, token string, more obj) *stepper {
	h.t.Helper()
	maps := h.mappingsOf("scim")
	in := obj{
		"name": name, "url": url, "token": token, "exclude_users_service_account": true,
		"property_mappings": []string{maps["goauthentik.io/providers/scim/user"]}, "property_mappings_group": []string{maps["goauthentik.io/providers/scim/group"]},
	}
	for k, v := range more {
		in[k] = v
	}
	return &stepper{h, int64(h.api("POST", "providers/scim/", in, 201)["pk"].(float64))}
}

func (o *stepper) at(rest string) string {
	return fmt.Sprintf("gatehouse/providers/scim/%d/%s", o.pk, rest)
}

func (o *stepper) set(in obj) {
	o.h.t.Helper()
	o.h.api("PATCH", fmt.Sprintf("providers/scim/%d/", o.pk), in, 200)
}

// settle waits until nothing is to be told that would not only be told later.
func (o *stepper) settle() {
	o.h.t.Helper()
	defer func() {
		if o.h.t.Failed() {
			o.h.t.Log(o.h.api("GET", o.at("state/"), nil, 200))
		}
	}()
	o.h.until(o.h.t, "the sync", func() bool {
		now := time.Now().UnixMicro()
		// In one look: between two a target may come, which wants everything.
		return o.h.number(`SELECT (SELECT count(*) FROM scim_targets WHERE wanted = 0 AND provider = ?) - (SELECT count(*) FROM scim_out WHERE provider = ? AND due <= ?)`, o.pk, o.pk, now) == 1 &&
			o.h.api("GET", o.at("state/"), nil, 200)["running"] == false
	})
}

// entry gives where somebody stands.
func (o *stepper) entry(name string) obj {
	o.h.t.Helper()
	for _, v := range o.h.api("GET", o.at("entries/?page_size=100&search="+name), nil, 200)["results"].([]any) {
		if e := v.(obj); e["name"] == name {
			return e
		}
	}
	return nil
}

func (h *house) user(name string, more obj) int {
	h.t.Helper()
	in := obj{"username": name, "name": strings.ToUpper(name[:1]) + name[1:] + " Test", "email": name + "@office.lan"}
	for k, v := range more {
		in[k] = v
	}
	return int(h.api("POST", "core/users/", in, 201)["pk"].(float64))
}

func (h *house) group(name string, users ...int) string {
	h.t.Helper()
	return h.api("POST", "core/groups/", obj{"name": name, "users": append([]int{}, users...)}, 201)["pk"].(string)
}

func TestSCIMProviderKeepsInStep(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		patch  bool
		method string
		change string // of a person
		member string // of a group
	}{
		{"put and patch", true, "auto", "PUT /Users/id", "PATCH /Groups/id"},
		{"no patch", false, "auto", "PUT /Users/id", "PUT /Groups/id"},
		{"put alone", true, "put", "PUT /Users/id", "PUT /Groups/id"},
		{"patch alone", true, "patch", "PATCH /Users/id", "PATCH /Groups/id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b, h := newBare(t, c.patch), syncing(t)
			ada, bob := h.user("ada", nil), h.user("bob", nil)
			team := h.group("team", ada)
			o := h.sends("wiki", b.URL+"/", bareToken, nil)
			o.h.api("PUT", o.at("beyond/"), obj{"when_leaving": "keep", "when_deleted": "delete", "method": c.method}, 200)
			o.settle()
			people := b.all(t, "/Users")
			if bad := holds("ada", people["ada"], obj{"userName": "ada", "displayName": "Ada Test", "active": true, "name": obj{"givenName": "Ada", "familyName": "Test", "formatted": "Ada Test"},
				"emails": []any{obj{"value": "ada@office.lan", "type": "other", "primary": true}}, "photos": nil, "locale": nil, "externalId": h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)["uid"]}); bad != "" {
				t.Error(bad)
			}
			if people["akadmin"] == nil || people["bob"] == nil || people["AnonymousUser"] != nil || len(people) != 3 {
				t.Errorf("people: %v", people)
			}
			if got := b.members(t, "team"); got != "ada" || b.all(t, "/Groups")["authentik Admins"] == nil {
				t.Errorf("members of the team: %s; %v", got, b.all(t, "/Groups"))
			}
			b.said()
			step := func(what string, said string, check func() bool) {
				t.Helper()
				o.settle()
				if got := b.said(); got != said {
					t.Errorf("%s: %s, want %s", what, got, said)
				}
				if !check() {
					t.Errorf("%s: %v %v", what, b.all(t, "/Users"), b.all(t, "/Groups"))
				}
			}
			h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), obj{"name": "Robert Test", "email": ""}, 200)
			step("another name", c.change, func() bool {
				p := b.all(t, "/Users")["bob"]
				return p["displayName"] == "Robert Test" && (p["emails"] == nil || fmt.Sprint(p["emails"]) == "[]")
			})
			h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), obj{"is_active": false}, 200)
			step("switched off", c.change, func() bool { return b.all(t, "/Users")["bob"]["active"] == false })
			h.api("POST", "core/groups/"+team+"/add_user/", obj{"pk": bob}, 204)
			step("a member more", c.member, func() bool { return b.members(t, "team") == "ada bob" })
			h.api("POST", "core/groups/"+team+"/remove_user/", obj{"pk": ada}, 204)
			step("a member less", c.member, func() bool { return b.members(t, "team") == "bob" })
			h.api("PATCH", "core/groups/"+team+"/", obj{"name": "crew"}, 200)
			step("another name of a group", map[bool]string{true: c.member, false: "PUT /Groups/id"}[c.method == "patch"], func() bool { return b.members(t, "crew") == "bob" })
			h.api("POST", "core/groups/"+team+"/remove_user/", obj{"pk": bob}, 204)
			step("nobody left", c.member, func() bool { return b.members(t, "crew") == "" && b.all(t, "/Groups")["crew"] != nil })
			h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), obj{"attributes": obj{"note": "nothing that is sent"}}, 200)
			step("nothing that is sent", "", func() bool { return true })
			carl := h.user("carl", obj{"groups": []string{team}})
			step("somebody new", map[bool]string{true: c.member + ", POST /Users", false: "POST /Users, " + c.member}[c.member == "PATCH /Groups/id"], func() bool { return b.members(t, "crew") == "carl" })
			h.api("DELETE", fmt.Sprintf("core/users/%d/", carl), nil, 204)
			o.settle()
			if got := b.said(); !strings.HasPrefix(got, "DELETE /Users/id") || b.all(t, "/Users")["carl"] != nil || b.members(t, "crew") != "" {
				t.Errorf("somebody is gone: %s %v", got, b.all(t, "/Groups"))
			}
			h.api("DELETE", "core/groups/"+team+"/", nil, 204)
			step("a group is gone", "DELETE /Groups/id", func() bool { return b.all(t, "/Groups")["crew"] == nil })
			h.api("POST", o.at("sync/"), obj{}, 204)
			step("everybody is in step", "", func() bool { return true })
			if !b.agents["Gatehouse/test"] {
				t.Errorf("agents: %v", b.agents)
			}
			// What somebody changed or removed there is made good by the next full sync.
			b.mu.Lock()
			for id, m := range b.of["/Users"] {
				if m["userName"] == "ada" {
					m["displayName"] = "Somebody"
				}
				if m["userName"] == "bob" {
					delete(b.of["/Users"], id)
				}
			}
			b.mu.Unlock()
			h.api("POST", o.at("sync/"), obj{}, 204)
			o.settle()
			if p := b.all(t, "/Users"); p["ada"]["displayName"] != "Ada Test" || p["bob"] == nil || len(p) != 3 {
				t.Errorf("made good: %v", p)
			}
		})
	}
}

// Who is in the filter, and what becomes of those who leave it.
func TestSCIMProviderScope(t *testing.T) {
	t.Parallel()
	for _, leaving := range []string{"keep", "deactivate", "delete"} {
		for _, patch := range []bool{true, false} {
			t.Run(fmt.Sprint(leaving, patch), func(t *testing.T) {
				t.Parallel()
				b, h := newBare(t, patch), syncing(t)
				ada, bob := h.user("ada", nil), h.user("bob", nil)
				h.user("robot", obj{"type": "service_account"})
				staff := h.group("staff", ada, bob)
				o := h.sends("wiki", b.URL, bareToken, obj{"filter_group": staff})
				h.api("PUT", o.at("beyond/"), obj{"when_leaving": leaving, "when_deleted": leaving, "method": "auto"}, 200)
				o.settle()
				if p := b.all(t, "/Users"); len(p) != 2 || p["ada"] == nil || p["bob"] == nil {
					t.Fatalf("at first: %v", p)
				}
				h.api("POST", "core/groups/"+staff+"/remove_user/", obj{"pk": ada}, 204)
				o.settle()
				after := func(who, state string) {
					t.Helper()
					p, e := b.all(t, "/Users")[who], o.entry(who)
					switch leaving {
					case "keep":
						if p["active"] != true || state != "" && e["state"] != "left" {
							t.Errorf("%s: %v, %v", who, p, e)
						}
					case "deactivate":
						if p["active"] != false || p["userName"] != who || state != "" && e["state"] != "off" {
							t.Errorf("%s: %v, %v", who, p, e)
						}
					default:
						if p != nil || e != nil {
							t.Errorf("%s: %v, %v", who, p, e)
						}
					}
				}
				after("ada", "left")
				h.api("POST", o.at("sync/"), obj{"anew": true}, 204)
				o.settle()
				after("ada", "left")
				h.api("DELETE", fmt.Sprintf("core/users/%d/", bob), nil, 204)
				o.settle()
				after("bob", "")
				if e := o.entry("bob"); e != nil {
					t.Errorf("of who is gone there is still: %v", e)
				}
				h.api("POST", "core/groups/"+staff+"/add_user/", obj{"pk": ada}, 204)
				o.settle()
				if p := b.all(t, "/Users")["ada"]; p["active"] != true || o.entry("ada")["state"] != "in_step" || b.members(t, "staff") != "ada" {
					t.Errorf("back again: %v %v %q", p, o.entry("ada"), b.members(t, "staff"))
				}
				// Without the filter everybody is sent, but for accounts of programs; with them those too.
				o.set(obj{"filter_group": nil})
				o.settle()
				if p := b.all(t, "/Users"); p["akadmin"] == nil || p["robot"] != nil {
					t.Errorf("without the filter: %v", p)
				}
				o.set(obj{"exclude_users_service_account": false})
				o.settle()
				if p := b.all(t, "/Users"); p["robot"] == nil || p["AnonymousUser"] != nil {
					t.Errorf("with accounts of programs: %v", p)
				}
			})
		}
	}
}

// An answer that is lost after the other system did what it was asked makes nobody twice, also in a system that checks no names.
func TestSCIMProviderLostAnswers(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	var people []int
	for n := range 30 {
		people = append(people, h.user(fmt.Sprintf("p%02d", n), nil))
	}
	h.group("all of them", people...)
	var posts atomic.Int64
	b.hook(nil, func(req *http.Request) bool { return req.Method != "GET" && posts.Add(1)%3 == 1 })
	o := h.sends("wiki", b.URL, bareToken, nil)
	o.settle()
	if p := b.all(t, "/Users"); len(p) != 31 {
		t.Errorf("%d people", len(p))
	}
	b.all(t, "/Groups")
	if got := strings.Fields(b.members(t, "all of them")); len(got) != 30 {
		t.Errorf("%d members", len(got))
	}
	if posts.Load() < 40 {
		t.Errorf("%d writes, so nothing was lost", posts.Load())
	}
}

// Nothing stays of a provider that is deleted while it sends somebody.
func TestSCIMProviderDeletedAtWork(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	h.user("ada", nil)
	at, goOn, over := make(chan bool, 100), make(chan bool), make(chan bool)
	var one atomic.Bool
	b.hook(func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == "POST" {
			at <- true
			<-goOn
		}
		return false
	}, func(req *http.Request) bool {
		if req.Method == "POST" && one.CompareAndSwap(false, true) {
			close(over)
		}
		return false
	})
	o := h.sends("wiki", b.URL, bareToken, nil)
	<-at
	h.api("DELETE", fmt.Sprintf("providers/scim/%d/", o.pk), nil, 204)
	close(goOn)
	<-over
	for range 40 {
		if n := h.number(`SELECT (SELECT count(*) FROM scim_out) + (SELECT count(*) FROM scim_targets)`); n != 0 {
			t.Fatalf("%d rows of a deleted provider", n)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Who is deleted here while the other system is still busy with the request that makes them does not stay there.
func TestSCIMProviderLateCreate(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), reaching(t, impatient, func(h *house) { h.s.rooms.scimOut.Settle = 3 * time.Second })
	o := h.sends("wiki", b.URL, bareToken, nil)
	o.settle()
	ada, late := make(chan int, 1), make(chan *http.Request, 1)
	var one atomic.Bool
	b.hook(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != "POST" || !one.CompareAndSwap(false, true) {
			return false
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		again := req.Clone(context.Background())
		again.Body = io.NopCloser(bytes.NewReader(body))
		h.api("DELETE", fmt.Sprintf("core/users/%d/", <-ada), nil, 204)
		late <- again
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return true
		}
		_ = c.Close()
		return true
	}, nil)
	ada <- h.user("ada", nil)
	req := <-late
	h.until(t, "the look that finds nobody", func() bool {
		return h.number(fmt.Sprintf(`SELECT count(*) FROM scim_out WHERE name = 'ada' AND (due IS NULL OR due <= %d)`, time.Now().UnixMicro())) == 0
	})
	b.lib.ServeHTTP(httptest.NewRecorder(), req)
	if b.all(t, "/Users")["ada"] == nil {
		t.Fatal("the late request made nobody")
	}
	h.until(t, "the end of who is not here", func() bool { return b.all(t, "/Users")["ada"] == nil })
	o.settle()
	if n := h.number(`SELECT count(*) FROM scim_out WHERE name = 'ada'`); n != 0 {
		t.Errorf("%d rows of somebody who is gone on both sides", n)
	}
}

// Who is there already by another hand is taken over where the other system says so, but nobody who belongs to somebody else here.
func TestSCIMProviderAdopts(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	b.unique = true
	b.of["/Users"]["900"] = obj{"userName": "ada", "displayName": "By hand"}
	b.of["/Groups"]["901"] = obj{"displayName": "team"}
	ada := h.user("ada", nil)
	h.group("team", ada)
	o := h.sends("wiki", b.URL, bareToken, nil)
	o.settle()
	if p := b.all(t, "/Users")["ada"]; p["id"] != "900" || p["displayName"] != "Ada Test" || o.entry("ada")["remote_id"] != "900" {
		t.Errorf("taken over: %v, %v", p, o.entry("ada"))
	}
	if g := b.all(t, "/Groups")["team"]; g["id"] != "901" || b.members(t, "team") != "ada" {
		t.Errorf("taken over: %v", g)
	}
	// bob is renamed here to nobody there; carl gets the name that bob still has there.
	bob := h.user("bob", nil)
	o.settle()
	b.hook(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == "PUT" {
			w.WriteHeader(400)
		}
		return req.Method == "PUT"
	}, nil)
	h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), obj{"username": "robert"}, 200)
	o.settle()
	h.user("bob", nil)
	o.settle()
	if e := o.entry("bob"); e["state"] != "failed" || !strings.Contains(fmt.Sprint(e["says"]), "has this name already, for robert") {
		t.Errorf("somebody else's account: %v", e)
	}
	b.hook(nil, nil)
	h.api("POST", o.at("sync/"), obj{}, 204)
	o.settle()
	if p := b.all(t, "/Users"); p["robert"] == nil || p["bob"] == nil || o.entry("bob")["state"] != "in_step" {
		t.Errorf("once both are told: %v", p)
	}
}

// The same names at another address are other people: nobody is written over by an id of the system before.
func TestSCIMProviderMoves(t *testing.T) {
	t.Parallel()
	one, two, h := newBare(t, true), newBare(t, true), syncing(t)
	h.user("ada", nil)
	o := h.sends("wiki", one.URL, bareToken, nil)
	o.settle()
	for n := range 9 {
		two.of["/Users"][fmt.Sprint(n)] = obj{"userName": fmt.Sprint("stranger", n)}
	}
	two.last = 9
	o.set(obj{"url": two.URL})
	o.settle()
	p := two.all(t, "/Users")
	if len(p) != 11 || p["ada"] == nil {
		t.Errorf("at the other address: %v", p)
	}
	for n := range 9 {
		if p[fmt.Sprint("stranger", n)]["displayName"] != nil {
			t.Errorf("written over: %v", p)
		}
	}
	if len(one.all(t, "/Users")) != 2 {
		t.Errorf("at the first: %v", one.all(t, "/Users"))
	}
}

// A system that asks for fewer requests, or fails, is left alone and then gets everything.
func TestSCIMProviderPatience(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	for n := range 20 {
		h.user(fmt.Sprintf("p%02d", n), nil)
	}
	var n atomic.Int64
	statuses := []int{429, 503, 502, 504, 408}
	b.hook(func(w http.ResponseWriter, req *http.Request) bool {
		i := n.Add(1)
		if i%7 != 3 {
			return false
		}
		switch i {
		case 3: // longer than the test takes, until it ends the pause itself
			w.Header().Set("Retry-After", "3600")
		case 10:
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(statuses[int(i/7)%len(statuses)])
		return true
	}, nil)
	o := h.sends("wiki", b.URL, bareToken, nil)
	h.until(t, "the pause that was asked for", func() bool {
		s := h.api("GET", o.at("state/"), nil, 200)
		return s["paused_until"] != nil && strings.Contains(fmt.Sprint(s["says"]), "wants fewer requests")
	})
	o.set(obj{"name": "wiki again"}) // an admin who writes the provider does not wait
	o.settle()
	if p := b.all(t, "/Users"); len(p) != 21 {
		t.Errorf("%d people", len(p))
	}
	if got := h.events("configuration_error"); got != 0 {
		t.Errorf("%d events of failures", got)
	}
}

// A token that is refused stops everything until an admin writes the right one.
func TestSCIMProviderToken(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), reaching(t, func(h *house) { h.s.rooms.scimOut.Pauses = []time.Duration{time.Hour} })
	h.user("ada", nil)
	o := h.sends("wiki", b.URL, "wrong", nil)
	h.until(t, "the refusal", func() bool {
		s := h.api("GET", o.at("state/"), nil, 200)
		return s["paused_until"] != nil && strings.Contains(fmt.Sprint(s["says"]), "refuses the token")
	})
	if len(b.all(t, "/Users")) != 0 {
		t.Error("somebody got through")
	}
	o.set(obj{"token": bareToken})
	o.settle()
	if b.all(t, "/Users")["ada"] == nil {
		t.Error("nobody after the right token")
	}
}

// What the other system refuses is told in its words, for whom it is, and can be tried again.
func TestSCIMProviderWords(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	var healed atomic.Bool
	b.hook(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method != "POST" || req.URL.Path != "/Users" || healed.Load() {
			return false
		}
		body := make([]byte, 4<<10)
		n, _ := req.Body.Read(body)
		if !strings.Contains(string(body[:n]), `"bob"`) {
			req.Body = http.NoBody
			return false
		}
		w.WriteHeader(400)
		_, _ = w.Write([]byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error"],"status":"400","detail":"Only three\nseats are left."}`))
		return true
	}, nil)
	h.user("bob", nil)
	o := h.sends("wiki", b.URL, bareToken, nil)
	o.settle()
	e := o.entry("bob")
	if e["state"] != "failed" || e["says"] != "The other system refuses this (400). It says: Only three seats are left." || e["next"] != nil {
		t.Errorf("bob: %v", e)
	}
	if got := h.lastEvent("configuration_error"); !strings.Contains(fmt.Sprint(got["context"]), "Failed to sync user bob: The other system refuses this") {
		t.Errorf("event: %v", got)
	}
	status := h.api("GET", fmt.Sprintf("providers/scim/%d/sync_status/", o.pk), nil, 200)
	tasks := status["tasks"].([]any)
	if status["is_running"] != false || len(tasks) != 1 {
		t.Fatalf("status: %v", status)
	}
	if task := tasks[0].(obj); task["name"] != "scim_sync" || task["full_name"] != "scim_sync:wiki" || task["status"] != "warning" || !strings.Contains(fmt.Sprint(task["messages"]), "bob: The other system refuses this") {
		t.Errorf("task: %v", task)
	}
	healed.Store(true)
	h.api("POST", o.at("retry/"), obj{"kind": "user", "object": e["object"]}, 204)
	o.settle()
	if e := o.entry("bob"); e["state"] != "in_step" || e["says"] != "" || b.all(t, "/Users")["bob"] == nil {
		t.Errorf("tried again: %v", e)
	}
	// The task can be run again from the list of tasks.
	b.said()
	h.api("POST", "events/system_tasks/"+tasks[0].(obj)["uuid"].(string)+"/run/", obj{}, 204)
	o.settle()
	if task := h.api("GET", fmt.Sprintf("providers/scim/%d/sync_status/", o.pk), nil, 200)["tasks"].([]any)[0].(obj); task["status"] != "successful" {
		t.Errorf("after the second run: %v", task)
	}
}

// Mappings are merged in the order of their names; what they say of schemas is sent; what is null is not.
func TestSCIMProviderMappings(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	m := func(name, text string) string {
		return h.api("POST", "propertymappings/scim/", obj{"name": name, "expression": text}, 201)["pk"].(string)
	}
	const ent = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	first := m("1 first", `return {"userName": request.user.username, "title": "first", "name": {"givenName": "G"}, "nickName": None, "externalId": "x-" + user.username}`)
	second := m("2 second", `return {"title": "second", "name": {"familyName": provider.name}, "`+ent+`": {"department": user.attributes.get("department"), "costCenter": "7"}}`)
	third := m("3 nothing", `return None`)
	group := m("4 group", `return {"displayName": "G " + group.name}`)
	ada := h.user("ada", obj{"attributes": obj{"department": "Sales"}})
	h.group("team", ada)
	o := h.sends("wiki", b.URL, bareToken, obj{"property_mappings": []string{second, third, first}, "property_mappings_group": []string{group}})
	o.settle()
	if bad := holds("ada", b.all(t, "/Users")["ada"], obj{"title": "second", "nickName": nil, "name": obj{"givenName": "G", "familyName": "wiki"}, "externalId": "x-ada", ent: obj{"department": "Sales", "costCenter": "7"}}); bad != "" {
		t.Error(bad)
	}
	if b.members(t, "G team") != "ada" {
		t.Errorf("groups: %v", b.all(t, "/Groups"))
	}
	plan := h.api("GET", o.at(fmt.Sprintf("preview/?user=%d", ada)), nil, 200)
	if bad := holds("preview", plan, obj{"does": "nothing", "name": "ada", "body": obj{"schemas": []any{"urn:ietf:params:scim:schemas:core:2.0:User", ent}, "userName": "ada", "title": "second"}}); bad != "" {
		t.Error(bad)
	}
	// A changed mapping changes everybody.
	h.api("PATCH", "propertymappings/scim/"+second+"/", obj{"expression": `return {"schemas": ["urn:office:User"], "title": "third"}`}, 200)
	o.settle()
	if got := b.all(t, "/Users")["ada"]["title"]; got != "third" {
		t.Errorf("after the change of a mapping: %v", got)
	}
	if got := h.api("GET", o.at(fmt.Sprintf("preview/?user=%d", ada)), nil, 200)["body"].(obj)["schemas"]; fmt.Sprint(got) != "[urn:office:User]" {
		t.Errorf("schemas of a mapping: %v", got)
	}
	// One that fails for one person is told of that person; the others go on.
	h.user("bob", nil)
	h.api("PATCH", "propertymappings/scim/"+first+"/", obj{"expression": `return {"userName": request.user.username, "title": user.attributes["department"]}`}, 200)
	o.settle()
	if e := o.entry("bob"); e["state"] != "failed" || !strings.Contains(fmt.Sprint(e["says"]), "The mapping 1 first failed") || !strings.Contains(fmt.Sprint(e["says"]), "department") {
		t.Errorf("bob: %v", e)
	}
	if e := o.entry("ada"); e["state"] != "in_step" {
		t.Errorf("ada: %v", e)
	}
	plan = h.api("GET", o.at(fmt.Sprintf("preview/?user=%.0f", h.api("GET", "core/users/?username=bob", nil, 200)["results"].([]any)[0].(obj)["pk"])), nil, 200)
	if plan["does"] != "fail" || !strings.Contains(fmt.Sprint(plan["says"]), "KeyError") && !strings.Contains(fmt.Sprint(plan["says"]), "department") {
		t.Errorf("preview of what fails: %v", plan)
	}
	// One that fails for everybody ends the sync.
	for n := range 12 {
		h.user(fmt.Sprintf("p%02d", n), nil)
	}
	h.api("PATCH", "propertymappings/scim/"+first+"/", obj{"expression": `return 5`}, 200)
	o.settle()
	if task := h.api("GET", fmt.Sprintf("providers/scim/%d/sync_status/", o.pk), nil, 200)["tasks"].([]any)[0].(obj); task["status"] != "error" || !strings.Contains(fmt.Sprint(task["messages"]), "The mappings fail for so many") {
		t.Errorf("task: %v", task)
	}
}

// A system that does not say under which id it keeps people would get everybody again and again.
func TestSCIMProviderWithoutIDs(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	var posts atomic.Int64
	b.hook(func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == "POST" {
			posts.Add(1)
			w.WriteHeader(201)
			_, _ = w.Write([]byte(`{"userName":"x"}`))
		}
		return req.Method == "POST"
	}, nil)
	for n := range 30 {
		h.user(fmt.Sprintf("p%02d", n), nil)
	}
	o := h.sends("wiki", b.URL, bareToken, nil)
	o.settle()
	if n := posts.Load(); n > 10 {
		t.Errorf("%d were made", n)
	}
	if task := h.api("GET", fmt.Sprintf("providers/scim/%d/sync_status/", o.pk), nil, 200)["tasks"].([]any)[0].(obj); task["status"] != "error" || !strings.Contains(fmt.Sprint(task["messages"]), "missing or invalid `id`") {
		t.Errorf("task: %v", task)
	}
	h.user("late", nil)
	o.settle()
	if n := posts.Load(); n > 16 {
		t.Errorf("%d were made after a change", n)
	}
}

// Nothing is sent for a provider that no application has in the background, and what changed while it had none is sent afterwards.
func TestSCIMProviderWithoutApplication(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	ada := h.user("ada", nil)
	o := h.outgoing("wiki", b.URL, bareToken, nil)
	if s := h.api("GET", o.at("state/"), nil, 200); s["works"] != false {
		t.Errorf("state: %v", s)
	}
	h.api("POST", o.at("sync/"), obj{}, 400)
	h.api("POST", o.at("retry/"), obj{}, 400)
	if got := h.number(`SELECT count(*) FROM scim_out`); got != 0 || b.said() != "" {
		t.Errorf("%d rows, %s", got, b.said())
	}
	h.api("POST", "core/applications/", obj{"name": "w", "slug": "w", "backchannel_providers": []int64{o.pk}}, 201)
	o.settle()
	if b.all(t, "/Users")["ada"] == nil {
		t.Error("nobody is there")
	}
	h.api("PATCH", "core/applications/w/", obj{"backchannel_providers": []int64{}}, 200)
	h.until(t, "the end of the work", func() bool { return h.number(`SELECT count(*) FROM scim_targets`) == 0 })
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), obj{"name": "Ada Else"}, 200)
	h.api("PATCH", "core/applications/w/", obj{"backchannel_providers": []int64{o.pk}}, 200)
	o.settle()
	if got := b.all(t, "/Users")["ada"]["displayName"]; got != "Ada Else" {
		t.Errorf("ada: %v", got)
	}
	h.api("DELETE", fmt.Sprintf("providers/scim/%d/", o.pk), nil, 204)
	if n := h.number(`SELECT (SELECT count(*) FROM scim_out) + (SELECT count(*) FROM scim_targets)`); n != 0 {
		t.Errorf("%d rows of a deleted provider", n)
	}
	if b.all(t, "/Users")["ada"] == nil {
		t.Error("deleting the provider deleted people there")
	}
}

// What happens here while the other system is away, or while the house itself is, is there afterwards.
func TestSCIMProviderAway(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	c := newCutter(t, b.URL)
	ada, bob := h.user("ada", nil), h.user("bob", nil)
	team := h.group("team", ada, bob)
	o := h.sends("wiki", c.base(), bareToken, nil)
	o.settle()
	c.off(true)
	h.api("PATCH", fmt.Sprintf("core/users/%d/", ada), obj{"name": "Ada Else"}, 200)
	h.api("DELETE", fmt.Sprintf("core/users/%d/", bob), nil, 204)
	h.user("carl", obj{"groups": []string{team}})
	h.until(t, "the pause", func() bool {
		s := h.api("GET", o.at("state/"), nil, 200)
		return s["running"] == true && s["paused_until"] != nil
	})
	h.stop()
	c.off(false)
	w := &lockedWriter{}
	opt := testOptions(h.data, true, w)
	opt.Config.Outgoing = "127.0.0.1"
	h = serveWith(t, opt, w)
	o.h = h
	o.settle()
	p := b.all(t, "/Users")
	if p["ada"]["displayName"] != "Ada Else" || p["bob"] != nil || p["carl"] == nil || b.members(t, "team") != "ada carl" {
		t.Errorf("%v, %s", p, b.members(t, "team"))
	}
}

// The page of a provider.
func TestSCIMProviderPages(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	b.of["/Users"]["900"] = obj{"userName": "ada"}
	ada := h.user("ada", nil)
	team := h.group("team", ada)
	o := h.sends("wiki", b.URL+"/nowhere", bareToken, nil)
	o.settle()
	for _, v := range h.api("GET", o.at("entries/"), nil, 200)["results"].([]any) {
		if e := v.(obj); e["state"] != "failed" || !strings.Contains(fmt.Sprint(e["says"]), "nothing at this address") {
			t.Errorf("a wrong address: %v", e)
		}
	}
	h.api("PATCH", "core/applications/wiki/", obj{"backchannel_providers": []int64{}}, 200)
	o.set(obj{"url": b.URL})
	run := h.api("POST", o.at("dry_run/"), obj{}, 200)
	if run["says"] != "" || len(b.all(t, "/Users")) != 1 {
		t.Errorf("dry run: %v", run)
	}
	does := map[string]string{}
	for _, v := range run["plans"].([]any) {
		p := v.(obj)
		does[p["name"].(string)] = fmt.Sprint(p["does"], " ", p["method"], " ", strings.TrimPrefix(p["url"].(string), b.URL))
	}
	if does["ada"] != "adopt POST /Users" || does["akadmin"] != "create POST /Users" || does["team"] != "create POST /Groups" || len(does) != 4 {
		t.Errorf("dry run: %v", does)
	}
	if !slices.ContainsFunc(run["counts"].([]any), func(v any) bool { return holds("", v, obj{"kind": "user", "does": "create", "count": 1}) == "" }) {
		t.Errorf("counts: %v", run["counts"])
	}
	if p := h.api("GET", o.at("preview/?group="+team), nil, 200); p["does"] != "create" || holds("", p["body"], obj{"displayName": "team", "externalId": team, "members": nil}) != "" {
		t.Errorf("preview of a group: %v", p)
	}
	for path, field := range map[string]string{"preview/": "non_field_errors", "preview/?user=x": "user", "preview/?user=99999": "user", "preview/?group=x": "group", "entries/?page=0": "page", "entries/?page_size=x": "page_size"} {
		if got := h.api("GET", o.at(path), nil, 400); got[field] == nil {
			t.Errorf("%s: %v", path, got)
		}
	}
	for _, key := range []string{"0", "99999", "x"} {
		for _, path := range []string{"beyond/", "state/", "entries/", "preview/?user=1"} {
			h.api("GET", "gatehouse/providers/scim/"+key+"/"+path, nil, 404)
		}
		h.api("POST", "gatehouse/providers/scim/"+key+"/dry_run/", obj{}, 404)
	}
	for _, bad := range []obj{{"when_leaving": "x", "when_deleted": "keep", "method": "auto"}, {"when_leaving": "keep", "when_deleted": "keep", "method": "post"}} {
		h.api("PUT", o.at("beyond/"), bad, 400)
	}
	h.api("POST", o.at("retry/"), obj{"kind": "user", "object": "424242"}, 404)
	for _, bad := range []string{"http://u:p@wiki.lan", "http://wiki.lan?x=1", "http://wiki.lan#x", "ftp://wiki.lan", "wiki"} {
		h.api("PATCH", fmt.Sprintf("providers/scim/%d/", o.pk), obj{"url": bad}, 400)
	}
	// Nobody without the permission sees or does anything.
	h.addUser("eve", "correct horse battery")
	eve := h.tokenOf(int(h.api("GET", "core/users/?username=eve", nil, 200)["results"].([]any)[0].(obj)["pk"].(float64)), "eve-token", "api")
	for _, ask := range []string{"GET beyond/", "GET state/", "GET entries/", "GET preview/?user=1", "POST sync/", "POST retry/", "POST dry_run/"} {
		method, path, _ := strings.Cut(ask, " ")
		if got := h.as(eve, method, o.at(path), "{}"); got.status != 403 && got.status != 404 {
			t.Errorf("%s: %d %s", ask, got.status, got.body)
		}
	}
}

// Requests of providers go through the guard of all that leaves the house.
func TestSCIMProviderGuard(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), open(t, true)
	o := h.sends("wiki", b.URL, bareToken, nil)
	h.until(t, "the refusal", func() bool {
		return strings.Contains(fmt.Sprint(h.api("GET", o.at("state/"), nil, 200)["says"]), "doesn't send requests to")
	})
	run := h.api("POST", o.at("dry_run/"), obj{}, 200)
	if !strings.Contains(fmt.Sprint(run["says"]), "doesn't send requests to") || b.said() != "" {
		t.Errorf("dry run: %v", run)
	}
}

// One form has an application take people.
func TestSCIMProviderSetup(t *testing.T) {
	t.Parallel()
	b, h := newBare(t, true), syncing(t)
	ada := h.user("ada", nil)
	staff := h.group("staff", ada)
	in := obj{"name": "HR tool", "url": b.URL, "token": bareToken, "filter_group": staff}
	made := h.api("POST", "gatehouse/providers/scim/", in, 200)
	o := &stepper{h, int64(made["provider"].(float64))}
	o.settle()
	if p := b.all(t, "/Users"); len(p) != 1 || p["ada"] == nil || made["application"] != "hr-tool" || h.api("GET", o.at("beyond/"), nil, 200)["when_leaving"] != "deactivate" {
		t.Errorf("%v %v", made, p)
	}
	if p := h.api("GET", fmt.Sprintf("providers/scim/%d/", o.pk), nil, 200); p["assigned_backchannel_application_slug"] != "hr-tool" || p["exclude_users_service_account"] != true {
		t.Errorf("provider: %v", p)
	}
	h.api("POST", "gatehouse/providers/scim/", in, 400) // the name is taken
	in["name"] = "HR-tool"
	if got := h.api("POST", "gatehouse/providers/scim/", in, 200)["application"]; got != "hr-tool-2" {
		t.Errorf("the second: %v", got)
	}
	in["name"], in["application"] = "Third", "hr-tool"
	h.api("POST", "gatehouse/providers/scim/", in, 200)
	if got := h.api("GET", "core/applications/hr-tool/", nil, 200)["backchannel_providers"].([]any); len(got) != 2 {
		t.Errorf("behind one application: %v", got)
	}
	for field, bad := range map[string]obj{
		"application": {"application": "nowhere"}, "url": {"url": "x"}, "name": {"name": ""}, "token": {"token": ""}, "filter_group": {"filter_group": "6c6f6e67-0000-4000-8000-000000000000"}, "when_leaving": {"when_leaving": "x"},
	} {
		body := obj{"name": "Fourth", "url": b.URL, "token": bareToken}
		for k, v := range bad {
			body[k] = v
		}
		if got := h.api("POST", "gatehouse/providers/scim/", body, 400); got[field] == nil {
			t.Errorf("%v: %v", bad, got)
		}
	}
	eve := h.addUser("eve", "correct horse battery")
	h.grants(eve, "authentik_providers_scim.add_scimprovider")
	key := h.tokenOf(eve, "eve-token", "api")
	body := jsonOf(obj{"name": "Fifth", "url": b.URL, "token": bareToken})
	if got := h.as(key, "POST", "gatehouse/providers/scim/", body); got.status != 403 {
		t.Errorf("who may not add applications: %d %s", got.status, got.body)
	}
	body = jsonOf(obj{"name": "Fifth", "url": b.URL, "token": bareToken, "application": "hr-tool"})
	if got := h.as(key, "POST", "gatehouse/providers/scim/", body); got.status != 400 {
		t.Errorf("who may not change the application: %d %s", got.status, got.body)
	}
}
