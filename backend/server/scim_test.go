package server

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sender is a SCIM client with the token of a source.
type sender struct {
	h    *house
	slug string
	key  string
}

// scimSource makes a source and gives its client.
func (h *house) scimSource(slug string) *sender {
	h.t.Helper()
	s := h.api("POST", "sources/scim/", obj{"name": slug, "slug": slug}, 201)
	return &sender{h, slug, h.scimKey(s)}
}

// scimKey reads the key of a source as its page does.
func (h *house) scimKey(source obj) string {
	h.t.Helper()
	return h.api("GET", "core/tokens/"+source["token_obj"].(obj)["identifier"].(string)+"/view_key/", nil, 200)["key"].(string)
}

func (s *sender) base() string { return s.h.base + "/source/scim/" + s.slug + "/v2" }

func (s *sender) do(method, path string, body any, header ...string) answer {
	s.h.t.Helper()
	text, media := "", ""
	switch x := body.(type) {
	case nil:
	case string:
		text, media = x, "application/scim+json"
	default:
		text, media = jsonOf(body), "application/scim+json"
	}
	return s.h.browser().do(method, "/source/scim/"+s.slug+"/v2"+path, media, text, append([]string{"Authorization", "Bearer " + s.key}, header...)...)
}

// ask is do with the status that the answer must have.
func (s *sender) ask(method, path string, body any, want int, header ...string) obj {
	s.h.t.Helper()
	a := s.do(method, path, body, header...)
	if a.status != want {
		s.h.t.Fatalf("%s %s: status %d, want %d: %s", method, path, a.status, want, a.body)
	}
	if a.body == "" {
		return nil
	}
	return a.json(s.h.t)
}

// refused is ask for what has to be refused in these words.
func (s *sender) refused(method, path string, body any, status int, keyword, words string, header ...string) {
	s.h.t.Helper()
	out := s.ask(method, path, body, status, header...)
	if got := fmt.Sprint(out["scimType"]); keyword != "" && got != keyword || out["status"] != fmt.Sprint(status) || !strings.Contains(fmt.Sprint(out["detail"]), words) {
		s.h.t.Errorf("%s %s: %v, want %s %q", method, path, out, keyword, words)
	}
}

// holds says where got is not as want asks: members of an object that want names, every value of a list; "*" is anything, null nothing.
func holds(at string, got, want any) string {
	switch w := want.(type) {
	case nil:
		if got != nil {
			return fmt.Sprintf("%s is there: %v", at, got)
		}
		return ""
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v", at, got)
		}
		for _, k := range slices.Sorted(maps.Keys(w)) {
			if bad := holds(at+"."+k, g[k], w[k]); bad != "" {
				return bad
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Sprintf("%s is %v, want %v", at, got, w)
		}
		for n := range w {
			if bad := holds(fmt.Sprintf("%s[%d]", at, n), g[n], w[n]); bad != "" {
				return bad
			}
		}
		return ""
	}
	if want == "*" && got != nil && got != "" {
		return ""
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Sprintf("%s is %v, want %v", at, got, want)
	}
	return ""
}

// TestSCIMDialogues sends what Entra ID, Okta and a plain HR tool send, and looks at every answer.
func TestSCIMDialogues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../testdata/scim/*.json")
	if err != nil || len(files) < 3 {
		t.Fatal(files, err)
	}
	h := open(t, true)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		slug := strings.TrimSuffix(filepath.Base(file), ".json")
		s := h.scimSource(slug)
		known := map[string]string{"base": s.base()}
		fill := func(text string) string {
			for k, v := range known {
				text = strings.ReplaceAll(text, "{{"+k+"}}", v)
			}
			return text
		}
		var d struct {
			Steps []struct {
				Does, Send string
				Body, Want json.RawMessage
				Status     int
				Keep       map[string]string
			}
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, step := range d.Steps {
			method, path, _ := strings.Cut(fill(step.Send), " ")
			var body any
			if len(step.Body) > 0 {
				body = fill(string(step.Body))
			}
			a := s.do(method, path, body)
			if a.status != step.Status {
				t.Fatalf("%s: %s: status %d, want %d: %s", slug, step.Does, a.status, step.Status, a.body)
			}
			if a.status != 204 && !strings.HasPrefix(a.header.Get("Content-Type"), "application/scim+json") {
				t.Errorf("%s: %s: %s", slug, step.Does, a.header.Get("Content-Type"))
			}
			var got any
			if a.body != "" {
				if err := json.Unmarshal([]byte(a.body), &got); err != nil {
					t.Fatalf("%s: %s: %v: %s", slug, step.Does, err, a.body)
				}
			}
			for name, from := range step.Keep {
				known[name] = fmt.Sprint(got.(obj)[from])
			}
			if len(step.Want) == 0 {
				continue
			}
			var want any
			if err := json.Unmarshal([]byte(fill(string(step.Want))), &want); err != nil {
				t.Fatalf("%s: %s: %v", slug, step.Does, err)
			}
			if bad := holds("answer", got, want); bad != "" {
				t.Errorf("%s: %s: %s\n%s", slug, step.Does, bad, a.body)
			}
		}
	}
}

// A manager is named by the sign-in name here, also one who arrives after the people whom they lead, or is renamed; what an admin wrote
// stays.
func TestSCIMManagers(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	s, other := h.scimSource("hr"), h.scimSource("other")
	const ext = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	manager := func(name string) any {
		t.Helper()
		return h.api("GET", "core/users/?username="+name, nil, 200)["results"].([]any)[0].(obj)["attributes"].(obj)["manager"]
	}
	s.ask("POST", "/Users", obj{"userName": "ada", "externalId": "e1", ext: obj{"manager": obj{"value": "e9"}}}, 201)
	s.ask("POST", "/Users", obj{"userName": "bob", "externalId": "e2", ext: obj{"manager": "e9"}}, 201)
	bob := int(h.api("GET", "core/users/?username=bob", nil, 200)["results"].([]any)[0].(obj)["pk"].(float64))
	h.api("PATCH", fmt.Sprintf("core/users/%d/", bob), obj{"attributes": obj{"manager": "by hand"}}, 200)
	if got := manager("ada"); got != "e9" {
		t.Errorf("before: %v", got)
	}
	other.ask("POST", "/Users", obj{"userName": "stranger", "externalId": "e9"}, 201)
	if got := manager("ada"); got != "e9" {
		t.Errorf("somebody of another source: %v", got)
	}
	boss := s.ask("POST", "/Users", obj{"userName": "boss", "externalId": "e9"}, 201)["id"].(string)
	if got := manager("ada"); got != "boss" {
		t.Errorf("arrived later: %v", got)
	}
	if got := manager("bob"); got != "by hand" {
		t.Errorf("what an admin wrote: %v", got)
	}
	s.ask("PUT", "/Users/"+boss, obj{"userName": "chief", "externalId": "e9"}, 200)
	if got := manager("ada"); got != "chief" {
		t.Errorf("renamed: %v", got)
	}
	s.ask("POST", "/Users", obj{"userName": "carl", ext: obj{"manager": boss}}, 201)
	s.ask("PUT", "/Users/"+boss, obj{"userName": "leader"}, 200)
	if a, c := manager("ada"), manager("carl"); a != "leader" || c != "leader" {
		t.Errorf("renamed again: %v, %v", a, c)
	}
}
