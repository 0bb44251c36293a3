package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// TestPolicies asks the policies through the API as an admin does (flows.md 3).
func TestPolicies(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	plain := h.tokenOf(ada, "of-ada", "api")
	expression := func(name, text string) string {
		t.Helper()
		return h.api("POST", "policies/expression/", obj{"name": name, "expression": text}, 201)["pk"].(string)
	}
	try := func(policy string, body obj) obj {
		t.Helper()
		if body["user"] == nil {
			body["user"] = ada
		}
		return h.api("POST", "policies/all/"+policy+"/test/", body, 200)
	}

	t.Run("no answers are cached", func(t *testing.T) {
		if got := h.api("GET", "policies/all/cache_info/", nil, 200); got["count"] != 0.0 {
			t.Errorf("%v", got)
		}
		h.api("POST", "policies/all/cache_clear/", nil, 204)
		for path, method := range map[string]string{"policies/all/cache_info/": "GET", "policies/all/cache_clear/": "POST"} {
			if got := h.as(plain, method, path, ""); got.status != 403 {
				t.Errorf("%s by an ordinary user: %d", path, got.status)
			}
		}
		h.grants(ada, "authentik_policies.view_policy_cache", "authentik_policies.clear_policy_cache")
		wantAnswer(t, h.as(plain, "GET", "policies/all/cache_info/", ""), 200, `{"count":0}`)
		wantAnswer(t, h.as(plain, "POST", "policies/all/cache_clear/", ""), 204, "")
	})

	t.Run("a test run", func(t *testing.T) {
		p := expression("tried", "ak_message('hello ' + request.user.username)\nak_logger.warning('looked', where='here', n=2)\nak_create_event('done')\nreturn context == {'only': 'this'}")
		events := h.events("custom_done")
		got := try(p, obj{"context": obj{"only": "this"}})
		if got["passing"] != true || fmt.Sprint(got["messages"]) != "[hello ada]" {
			t.Errorf("%v", got)
		}
		var line obj
		for _, l := range got["log_messages"].([]any) {
			if l.(obj)["event"] == "looked" {
				line = l.(obj)
			}
		}
		if line["log_level"] != "warning" || line["logger"] != "tried" || line["timestamp"] == nil || fmt.Sprint(line["attributes"]) != "map[n:2 where:here]" {
			t.Errorf("%v", got["log_messages"])
		}
		if h.events("custom_done") != events {
			t.Error("a test run writes events")
		}
		if !strings.Contains(h.log.String(), `"looked"`) {
			t.Error("what a policy logs does not reach the server's log")
		}
		if got := try(p, obj{}); got["passing"] != false {
			t.Errorf("%v", got)
		}
		if got := try(expression("quiet", "return True"), obj{}); len(got["log_messages"].([]any)) != 0 || len(got["messages"].([]any)) != 0 {
			t.Errorf("%v", got)
		}
		if got := try(expression("broken", "ak_logger.info('before')\nreturn {}['gone']"), obj{}); got["passing"] != false || !strings.Contains(fmt.Sprint(got["messages"]), "KeyError") || !strings.Contains(fmt.Sprint(got["log_messages"]), "before") {
			t.Errorf("%v", got)
		}
		before := h.events("policy_exception")
		try(h.api("GET", "policies/expression/?name=broken", nil, 200)["results"].([]any)[0].(obj)["pk"].(string), obj{})
		if h.events("policy_exception") != before {
			t.Error("a test run tells of its errors")
		}
		for body, want := range map[string]string{`{}`: `{"user":["This field is required."]}`, `{"user":"x"}`: `{"user":["`, `{"user":4711}`: `{"user":["There is no such user`} {
			if got := h.as(bootToken, "POST", "policies/all/"+p+"/test/", body); got.status != 400 || !strings.Contains(got.body, want) {
				t.Errorf("%s: %d %s", body, got.status, got.body)
			}
		}
	})

	// Two runs at once never see each other's lines (#9075).
	t.Run("logs of one run", func(t *testing.T) {
		p := expression("many", "for i in range(50):\n    ak_logger.info('line', of=context['n'])\nreturn True")
		var wg sync.WaitGroup
		bad := make(chan string, 8)
		for n := range cap(bad) {
			wg.Go(func() {
				got := h.as(bootToken, "POST", "policies/all/"+p+"/test/", fmt.Sprintf(`{"user":%d,"context":{"n":%d}}`, ada, n))
				var out struct {
					Logs []struct{ Attributes map[string]any } `json:"log_messages"`
				}
				if err := json.Unmarshal([]byte(got.body), &out); err != nil || len(out.Logs) != 50 {
					bad <- got.body
					return
				}
				for _, l := range out.Logs {
					if l.Attributes["of"] != float64(n) {
						bad <- got.body
						return
					}
				}
			})
		}
		wg.Wait()
		close(bad)
		for b := range bad {
			t.Errorf("%.300s", b)
		}
	})

	t.Run("one policy asks another", func(t *testing.T) {
		expression("inner", "ak_message('inner said')\nreturn context['x'] > 2")
		outer := expression("outer", "r = ak_call_policy('inner', x=context['y'])\nak_message(str(r.messages))\nreturn r.passing")
		for y, want := range map[int]bool{1: false, 3: true} {
			if got := try(outer, obj{"context": obj{"y": y}}); got["passing"] != want || !strings.Contains(fmt.Sprint(got["messages"]), "inner said") {
				t.Errorf("%d: %v", y, got)
			}
		}
		if got := try(expression("lost", "return ak_call_policy('nobody')"), obj{}); got["passing"] != false || !strings.Contains(fmt.Sprint(got["messages"]), "Policy 'nobody' not found.") {
			t.Errorf("%v", got)
		}
	})

	t.Run("bindings", func(t *testing.T) {
		p := expression("bound", "return True")
		flow := h.flowOf("bound-flow", "authentication", nil)
		group := h.api("POST", "core/groups/", obj{"name": "bound group"}, 201)["pk"]
		const many, none = `{"non_field_errors":["Only one of 'policy', 'group' or 'user' can be set."]}`, `{"non_field_errors":["One of 'policy', 'group' or 'user' must be set."]}`
		for _, tt := range []struct {
			body obj
			want string
		}{
			{obj{"policy": p, "group": group}, many}, {obj{"policy": p, "user": ada}, many}, {obj{"group": group, "user": ada}, many}, {obj{}, none}, {obj{"policy": nil, "group": nil, "user": nil}, none},
			{obj{"policy": p}, ""}, {obj{"policy": p}, `unique set`}, {obj{"group": group}, ""}, {obj{"user": ada}, ""},
		} {
			tt.body["target"], tt.body["order"] = flow, 0
			b, err := json.Marshal(tt.body)
			if err != nil {
				t.Fatal(err)
			}
			got := h.as(bootToken, "POST", "policies/bindings/", string(b))
			if tt.want == "" && got.status != 201 || tt.want != "" && (got.status != 400 || !strings.Contains(got.body, tt.want)) {
				t.Errorf("%s: %d %s", b, got.status, got.body)
			}
		}
		for query, n := range map[string]int{"target=" + flow: 3, "target=" + flow + "&policy=" + p: 1, "target=" + flow + "&policy__isnull=true": 2, "target=" + flow + "&policy__isnull=false": 1, "target_in=" + flow: 3, "target=" + flow + "&enabled=false": 0, "target=" + flow + "&order=0&timeout=30": 3} {
			if rows := h.rows(t, bootToken, "policies/bindings/?"+query); len(rows) != n {
				t.Errorf("%s: %d", query, len(rows))
			}
		}
		for _, row := range h.rows(t, bootToken, "policies/bindings/?target="+flow) {
			set := 0
			for _, o := range []string{"policy_obj", "group_obj", "user_obj"} {
				if row[o] != nil {
					set++
				}
			}
			if set != 1 || row["target"] != flow {
				t.Errorf("%v", row)
			}
		}
		// Bindings and prompt stages count.
		prompt := h.api("POST", "stages/prompt/prompts/", obj{"name": "p", "field_key": "p", "label": "P", "type": "text"}, 201)["pk"]
		h.api("POST", "stages/prompt/stages/", obj{"name": "asks", "fields": []any{prompt}, "validation_policies": []any{p}}, 201)
		if got := h.api("GET", "policies/all/"+p+"/", nil, 200); got["bound_to"] != 2.0 {
			t.Errorf("%v", got["bound_to"])
		}
		for query, want := range map[string]bool{"bindings__isnull=true": false, "bindings__isnull=false": true, "promptstage__isnull=true": false, "promptstage__isnull=false": true} {
			found := false
			for _, row := range h.rows(t, bootToken, "policies/all/?page_size=100&"+query) {
				found = found || row["pk"] == p
			}
			if found != want {
				t.Errorf("%s: %t", query, found)
			}
		}
	})

	t.Run("an event matcher asks for something", func(t *testing.T) {
		const want = `{"non_field_errors":["At least one criteria must be set."]}`
		wantAnswer(t, h.as(bootToken, "POST", "policies/event_matcher/", `{"name":"nothing"}`), 400, want)
		wantAnswer(t, h.as(bootToken, "POST", "policies/event_matcher/", `{"name":"nothing","action":null,"client_ip":null,"app":null,"model":null}`), 400, want)
		pk := h.api("POST", "policies/event_matcher/", obj{"name": "one", "app": "authentik.core"}, 201)["pk"].(string)
		wantAnswer(t, h.as(bootToken, "PATCH", "policies/event_matcher/"+pk+"/", `{"app":null}`), 400, want)
	})

	// A new password has to be strong: what is wrong and what would help is read on the page, and the house's and the person's names count.
	t.Run("a new password", func(t *testing.T) {
		p := h.api("POST", "policies/password/", obj{"name": "strong", "check_static_rules": true, "length_min": 10, "error_message": "Ten characters, please.", "check_zxcvbn": true}, 201)["pk"]
		prompt := h.api("POST", "stages/prompt/prompts/", obj{"name": "new word", "field_key": "password", "label": "Password", "type": "password"}, 201)["pk"]
		h.flowOf("word", "enrollment", nil, [2]any{"prompt/stages", obj{"name": "word", "fields": []any{prompt}, "validation_policies": []any{p}}}, [2]any{"dummy", obj{"name": "word after"}})
		for word, want := range map[string]string{
			"short-one":                    `["Ten characters, please."]`,
			"password12":                   `["Password is too weak.","Add another word or two. Uncommon words are better."]`,
			"Gatehouse1":                   `["Password is too weak.","Add another word or two. Uncommon words are better.","Capitalization doesn't help very much."]`,
			"correct horse battery staple": "",
		} {
			out := h.browser().flow("/api/v3/flows/executor/word/?query=", map[string]any{"password": word})
			if want == "" {
				if out["component"] != "ak-stage-dummy" {
					t.Errorf("%q: %v", word, out)
				}
				continue
			}
			var said []string
			errs, _ := out["response_errors"].(obj)
			list, _ := errs["non_field_errors"].([]any)
			for _, e := range list {
				said = append(said, e.(obj)["string"].(string))
			}
			if b, _ := json.Marshal(said); string(b) != want {
				t.Errorf("%q: %s", word, b)
			}
		}
		b := h.browser()
		page := b.get("/if/flow/word/")
		page = b.form("/if/flow/word/", url.Values{"csrf": {hidden(t, page.body, "csrf")}, "password": {"password12"}})
		if page.status != 200 || !strings.Contains(page.body, "Password is too weak.") || !strings.Contains(page.body, "Uncommon words are better.") {
			t.Errorf("%d %.3000s", page.status, page.body)
		}
	})

	// A name that nobody has lowers its score and that of the address, though no event tells of it (flows.md 9.2).
	t.Run("unknown names", func(t *testing.T) {
		b := h.browser()
		const path = "/api/v3/flows/executor/default-authentication-flow/?query="
		score := func() float64 {
			if err := h.s.rooms.sessions.Flush(t.Context()); err != nil { // it is counted when the session is stored
				t.Fatal(err)
			}
			rows := h.rows(t, bootToken, "policies/reputation/scores/?identifier=nobody-at-all")
			if len(rows) != 1 {
				t.Fatalf("%v", rows)
			}
			return rows[0]["score"].(float64)
		}
		fails := h.events("login_failed")
		b.flow(path, nil)
		if out := b.flow(path, map[string]any{"uid_field": "nobody-at-all"}); out["component"] != "ak-stage-password" || score() != -1 || h.events("login_failed") != fails {
			t.Errorf("%v", out)
		}
		b.flow(path, map[string]any{"password": "whatever it is"})
		if score() != -2 || h.events("login_failed") != fails+1 {
			t.Errorf("score %v", score())
		}
	})
}

// TestInvitedPeople goes through an enrolment with an invitation for one use: it is gone with the account, not before.
func TestInvitedPeople(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	prompt := h.api("POST", "stages/prompt/prompts/", obj{"name": "name", "field_key": "username", "label": "Name", "type": "username"}, 201)["pk"]
	h.flowOf("join", "enrollment", nil, [2]any{"invitation/stages", obj{"name": "invited"}}, [2]any{"prompt/stages", obj{"name": "who", "fields": []any{prompt}}}, [2]any{"user_write", obj{"name": "write"}})
	pk := h.api("POST", "stages/invitation/invitations/", obj{"name": "one", "single_use": true, "fixed_data": obj{"attributes": obj{"office": "1"}}}, 201)["pk"].(string)
	path := "/api/v3/flows/executor/join/?query=" + url.QueryEscape("itoken="+pk)
	left := func() int { return len(h.rows(t, bootToken, "stages/invitation/invitations/")) }
	people := func(name string) int { return len(h.rows(t, bootToken, "core/users/?username="+name)) }

	gaveUp, ada, bob := h.browser(), h.browser(), h.browser()
	for _, b := range []*browser{gaveUp, ada, bob} {
		if out := b.flow(path, nil); out["component"] != "ak-stage-prompt" {
			t.Fatalf("%v", out)
		}
	}
	if left() != 1 || h.events("invitation_used") != 0 {
		t.Error("the invitation is used up before there is an account")
	}
	if out := ada.flow(path, map[string]any{"username": "ada"}); out["component"] != "xak-flow-redirect" || people("ada") != 1 || left() != 0 || h.events("invitation_used") != 1 {
		t.Errorf("%v", out)
	}
	if got := h.rows(t, bootToken, "core/users/?username=ada")[0]["attributes"]; fmt.Sprint(got) != "map[office:1]" {
		t.Errorf("%v", got)
	}
	const refused = "Invalid invite/invite not found"
	if out := bob.flow(path, map[string]any{"username": "bob"}); out["error_message"] != refused || people("bob") != 0 {
		t.Errorf("the second one: %v", out)
	}
	if out := h.browser().flow(path, nil); out["error_message"] != refused {
		t.Errorf("afterwards: %v", out)
	}
	if n := h.events("invitation_used"); n != 1 {
		t.Errorf("%d events", n)
	}
}
