package conform

import (
	"net/http"
	"strings"
	"testing"
)

const lamps = `{
"openapi":"3.0.3","info":{"title":"x","version":"1"},"servers":[{"url":"/api/v3/"}],
"paths":{
 "/lamps/":{
  "get":{"operationId":"lamps_list","parameters":[{"in":"query","name":"page","schema":{"type":"integer"}}],"responses":{"200":{"content":{"application/json":{"schema":{"type":"array","items":{"$ref":"#/components/schemas/Lamp"}}}}}}},
  "post":{"operationId":"lamps_create","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Lamp"}}}},"responses":{"201":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Lamp"}}}},"400":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/ValidationError"}}}}}}},
 "/lamps/{id}/":{
  "get":{"operationId":"lamps_retrieve","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Lamp"}}}}}},
  "delete":{"operationId":"lamps_destroy","responses":{"204":{"description":"gone"},"500":{"description":"It stuck."}}}},
 "/lamps/me/":{"get":{"operationId":"lamps_me","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Named"}}}}}}},
 "/lamps/export/":{"get":{"operationId":"lamps_export","responses":{"200":{"content":{"application/json":{"schema":{"type":"string","format":"binary"}}}}}}},
 "/lamps/meta/":{"get":{"operationId":"lamps_meta","parameters":[{"in":"query","name":"download","schema":{"type":"boolean"}}],"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Named"}}}}}}},
 "/lamps/import/":{"post":{"operationId":"lamps_import","requestBody":{"content":{"multipart/form-data":{"schema":{"$ref":"#/components/schemas/Named"}}}},"responses":{"204":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Result"}}}},"400":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Result"}}}}}}},
 "/lamps/set/":{"post":{"operationId":"lamps_set","responses":{"200":{"description":"done"}}}},
 "/flows/executor/{flow_slug}/":{
  "get":{"operationId":"ask","responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Ask"}}}}}},
  "post":{"operationId":"solve","requestBody":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Ask"}}}},"responses":{"200":{"content":{"application/json":{"schema":{"$ref":"#/components/schemas/Ask"}}}}}}}
},
"components":{"schemas":{
 "GenericError":{"type":"object","properties":{"detail":{"type":"string"},"code":{"type":"string"}},"required":["detail"]},
 "ValidationError":{"type":"object","properties":{"non_field_errors":{"type":"array","items":{"type":"string"}},"code":{"type":"string"}},"additionalProperties":{}},
 "Hue":{"type":"string","enum":["warm","cold","own_"]},
 "Result":{"type":"object","properties":{"success":{"type":"boolean"}},"required":["success"]},
 "Named":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]},
 "One":{"type":"object","properties":{"component":{"type":"string"},"a":{"type":"string"}},"required":["component"]},
 "Two":{"type":"object","properties":{"component":{"type":"string"},"next":{"$ref":"#/components/schemas/Ask"}},"required":["component"]},
 "Ask":{"oneOf":[{"$ref":"#/components/schemas/One"},{"$ref":"#/components/schemas/Two"}],"discriminator":{"propertyName":"component","mapping":{"one":"#/components/schemas/One","two":"#/components/schemas/Two"}}},
 "Lamp":{"type":"object","required":["pk","name","hue"],"properties":{
  "pk":{"type":"string","format":"uuid","readOnly":true},"name":{"type":"string","minLength":1,"maxLength":5},"hue":{"allOf":[{"$ref":"#/components/schemas/Hue"}],"nullable":true},
  "watts":{"type":"integer","minimum":1,"maximum":100},"share":{"type":"number","format":"double"},"lit":{"type":"boolean"},"since":{"type":"string","format":"date-time","nullable":true},
  "mail":{"type":"string","format":"email"},"link":{"type":"string","format":"uri"},"word":{"type":"string","writeOnly":true},"tags":{"type":"array","items":{"type":"string"}},
  "attrs":{"type":"object","additionalProperties":{}},"hall":{"type":"string","format":"uuid","nullable":true},"hall_obj":{"allOf":[{"$ref":"#/components/schemas/Named"}],"readOnly":true},"hidden_obj":{"allOf":[{"$ref":"#/components/schemas/Named"}],"readOnly":true},"authorization_flow":{"type":"string","format":"uuid"},"meta_model_name":{"type":"string"},"lone_obj":{"$ref":"#/components/schemas/Named"},"counts":{"type":"object","additionalProperties":{"type":"integer"}},"any":{},"room":{"$ref":"#/components/schemas/Named"},"code":{"type":"string","pattern":"^[a-z]+$"}
 }}
}}}`

func checker(t *testing.T) *Checker {
	t.Helper()
	c, err := New([]byte(lamps))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const good = `{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"desk","hue":"warm"}`

// with gives the good lamp with more members.
func with(more string) string { return strings.TrimSuffix(good, "}") + "," + more + "}" }

func TestBodies(t *testing.T) {
	c := checker(t)
	h := http.Header{"Content-Type": {"application/json"}}
	for _, row := range []struct{ body, wrong string }{
		{good, ""},
		{with(`"watts":40,"share":0.5,"lit":true,"since":"2026-11-24T10:00:00.5Z","mail":"a@b.c","link":"https://x","tags":["a"],"attrs":{"x":[1,null]},"counts":{"a":1},"any":null,"room":{"name":"hall"},"code":"ab"`), ""},
		{with(`"since":null,"mail":"","link":"","share":3`), ""},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"desk","hue":null}`, ""},
		{with(`"hall":null,"hall_obj":null,"hidden_obj":null,"link":"ldap://a, ldaps://b"`), ""},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"desk","hue":"own_red"}`, ""},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"desk","hue":"owned"}`, "/hue: \"owned\" is none"},
		{with(`"hall":"0190a6f2-0000-7000-8000-000000000001","hall_obj":null`), "/hall_obj: null"},
		{with(`"hall_obj":null`), "/hall_obj: null"},
		{with(`"lone_obj":null`), "/lone_obj: null"},
		{with(`"link":"ldap://a, b"`), "/link"},
		{with(`"authorization_flow":"","meta_model_name":"x"`), ""},
		{with(`"authorization_flow":""`), "/authorization_flow"},
		{with(`"authorization_flow":"x","meta_model_name":"x"`), "/authorization_flow"},
		{with(`"colour":"red"`), "/colour: not declared"},
		{with(`"room":{"name":"hall","size":3}`), "/room/size: not declared"},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","hue":"warm"}`, "/name: required and missing"},
		{with(`"room":{}`), "/room/name: required and missing"},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":null,"hue":"warm"}`, "/name: null"},
		{with(`"room":null`), "/room: null"},
		{with(`"tags":["a",null]`), "/tags/1: null"},
		{with(`"tags":"a"`), "/tags: a string"},
		{with(`"tags":[7]`), "/tags/0: a number"},
		{with(`"lit":"true"`), "/lit: a string"},
		{with(`"lit":1`), "/lit: a number"},
		{with(`"watts":"40"`), "/watts: a string"},
		{with(`"watts":4.5`), "/watts: 4.5, want an integer"},
		{with(`"watts":101`), "/watts: 101 is out of range"},
		{with(`"watts":0`), "/watts: 0 is out of range"},
		{with(`"share":true`), "/share: a boolean, want a number"},
		{with(`"attrs":[]`), "/attrs: an array, want an object"},
		{with(`"counts":{"a":"1"}`), "/counts/a: a string"},
		{with(`"word":""`), "/word: a writeOnly property"},
		{with(`"since":"yesterday"`), "/since"},
		{with(`"since":""`), "/since"},
		{with(`"mail":"nobody"`), "/mail"},
		{with(`"link":"x/y"`), "/link"},
		{with(`"code":"A1"`), "/code"},
		{`{"pk":"7","name":"desk","hue":"warm"}`, "/pk"},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"desk","hue":"hot"}`, "/hue: \"hot\" is none"},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"","hue":"warm"}`, "/name: a text of 0"},
		{`{"pk":"0190a6f2-0000-7000-8000-000000000001","name":"longer","hue":"warm"}`, "/name: a text of 6"},
		{with(`"name":"desk"`), `"name" stands twice`},
		{good + good, "something follows"},
		{good[:20], "no application/json"},
		{``, "no application/json"},
		{`[]`, "an array, want an object"},
		{`null`, "null where"},
	} {
		err := c.Check("GET", "/api/v3/lamps/7/", 200, h, []byte(row.body))
		told(t, row.body, err, row.wrong)
		if err != nil && !strings.Contains(err.Error(), "lamps_retrieve (GET /api/v3/lamps/7/) answers 200: ") {
			t.Errorf("does not say where: %v", err)
		}
	}
	for _, row := range []struct{ body, wrong string }{
		{`{"component":"one","a":"x"}`, ""}, {`{"component":"two","next":{"component":"one"}}`, ""},
		{`{"component":"three"}`, "discriminator"}, {`{"a":"x"}`, "discriminator"}, {`{"component":"two","a":"x"}`, "/a: not declared"},
		{`{"component":"two","next":{"component":"one","b":1}}`, "/next/b: not declared"}, {`[]`, "want an object"}, {`null`, "null"},
	} {
		told(t, row.body, c.Check("GET", "/api/v3/flows/executor/x/", 200, h, []byte(row.body)), row.wrong)
	}
	many := c.Check("GET", "/api/v3/lamps/", 200, h, []byte("["+strings.Repeat("{},", 9)+"{}]"))
	told(t, "many", many, "and 22 more")
}

func told(t *testing.T, what string, err error, wrong string) {
	t.Helper()
	switch {
	case wrong == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)):
		t.Errorf("%s: %v, want %q", what, err, wrong)
	}
}

func TestAnswers(t *testing.T) {
	c := checker(t)
	const detail = `{"detail":"No."}`
	for _, row := range []struct {
		method, path string
		status       int
		header, body string // header: Content-Type, or lines of them
		wrong        string
	}{
		{"GET", "lamps/7/", 200, "application/json", good, ""},
		{"GET", "lamps/a%2Fb/", 200, "application/json; charset=utf-8", good, ""},
		{"GET", "lamps/7/", 200, "text/html", good, "Content-Type"},
		{"GET", "lamps/7/", 200, "", good, "Content-Type"},
		{"GET", "lamps/7/", 200, "application/problem+json", good, "Content-Type"},
		{"HEAD", "lamps/7/", 200, "application/json", "", ""},
		{"HEAD", "lamps/7/", 200, "application/json", good, "HEAD"},
		{"HEAD", "lamps/7/", 404, "application/json", "", ""},
		{"HEAD", "lamps/7/", 404, "application/json", detail, "HEAD"},
		{"GET", "lamps/me/", 200, "application/json", `{"name":"x"}`, ""},
		{"GET", "lamps/me/", 200, "application/json", good, "not declared"},
		{"GET", "lamps/export/", 200, "application/json", "anything", ""},
		{"GET", "lamps/export/", 200, "text/yaml", "anything", "Content-Type"},
		{"GET", "lamps/export/", 200, "text/yaml\nContent-Disposition: attachment; filename=a.yaml", "anything", ""},
		{"GET", "lamps/export/", 200, "text/yaml\nContent-Disposition: inline; filename=a.yaml", "anything", "Content-Type"},
		{"GET", "lamps/7/", 200, "text/yaml\nContent-Disposition: attachment; filename=a.yaml", "anything", "Content-Type"},
		{"GET", "lamps/meta/?download", 200, "application/xml\nContent-Disposition: attachment; filename=a.xml", "<x/>", ""},
		{"GET", "lamps/meta/?download", 200, "application/xml", "<x/>", "Content-Type"},
		{"GET", "lamps/meta/", 200, "application/xml\nContent-Disposition: attachment; filename=a.xml", "<x/>", "Content-Type"},
		{"POST", "lamps/import/", 400, "application/json", `{"success":false}`, ""},
		{"POST", "lamps/import/", 400, "application/json", `{"file":["No."]}`, ""},
		{"POST", "lamps/import/", 400, "application/json", `{"file":"No."}`, "not declared"},
		{"POST", "lamps/import/", 204, "", "", ""},
		{"POST", "lamps/import/", 204, "application/json", `{"success":true}`, "a body"},
		{"POST", "lamps/set/", 200, "application/json", "", ""},
		{"POST", "lamps/set/", 200, "application/json", "{}", "a body where none"},
		{"DELETE", "lamps/7/", 204, "", "", ""},
		{"DELETE", "lamps/7/", 204, "", "x", "a body"},
		{"DELETE", "lamps/7/", 200, "application/json", good, "the status is not declared"},
		{"DELETE", "lamps/7/", 500, "application/json", detail, ""},
		{"DELETE", "lamps/7/", 500, "", "", ""},
		{"DELETE", "lamps/7/", 500, "text/plain", "Oh.", "Content-Type"},
		{"GET", "lamps/7/", 500, "application/json", detail, "the status is not declared"},
		{"GET", "lamps/7/", 302, "", "", "the status is not declared"},
		{"GET", "lamps/7/", 418, "application/json", detail, "the status is not declared"},
		{"POST", "lamps/", 400, "application/json", `{"name":["This field is required."]}`, ""},
		{"POST", "lamps/", 400, "application/json", `{"detail":"JSON parse error","code":"x"}`, ""},
		{"POST", "lamps/", 400, "application/json", `{"room":{"name":["No."]},"tags":[{},{"x":["No."]}]}`, ""},
		{"POST", "lamps/", 400, "application/json", `{}`, "says nothing"},
		{"POST", "lamps/", 400, "application/json", `{"name":"No."}`, "/name is no list"},
		{"POST", "lamps/", 400, "application/json", `{"name":[]}`, "/name is no list"},
		{"POST", "lamps/", 400, "application/json", `{"name":[7]}`, "/name is no list"},
		{"POST", "lamps/", 400, "application/json", `{"non_field_errors":[""]}`, "is no list"},
		{"GET", "lamps/", 400, "application/json", `{"name":["No."]}`, "the status is not declared"},
		{"GET", "lamps/7/", 404, "application/json", detail, ""},
		{"GET", "lamps/7/", 404, "application/json", `{"error":"No."}`, "not declared"},
		{"GET", "lamps/7/", 404, "text/html", "<p>", "Content-Type"},
		{"GET", "lamps/", 404, "application/json", detail, "nothing can be missing"},
		{"GET", "lamps/?page=9", 404, "application/json", detail, ""},
		{"GET", "candles/", 404, "application/json", detail, ""},
		{"GET", "lamps", 404, "application/json", detail, ""},
		{"GET", "lamps//", 404, "application/json", detail, ""},
		{"GET", "candles/", 200, "application/json", detail, "no operation"},
		{"GET", "candles/", 400, "application/json", detail, "no operation"},
		{"PUT", "lamps/7/", 405, "application/json\nAllow: DELETE, GET, HEAD", detail, ""},
		{"PUT", "lamps/7/", 405, "application/json", detail, "Allow"},
		{"PUT", "lamps/7/", 405, "application/json\nAllow: GET, HEAD", detail, "Allow"},
		{"PUT", "lamps/7/", 404, "application/json", detail, "nothing can be missing"},
		{"GET", "lamps/7/", 405, "application/json\nAllow: DELETE, GET, HEAD", detail, "other methods"},
		{"PUT", "candles/", 405, "application/json\nAllow: GET", detail, "other methods"},
		{"POST", "lamps/", 415, "application/json", detail, ""},
		{"POST", "lamps/", 413, "application/json", detail, ""},
		{"GET", "lamps/", 415, "application/json", detail, "no body is taken"},
		{"GET", "lamps/", 403, "application/json", detail, ""},
		{"GET", "lamps/", 421, "application/json", detail, ""},
		{"GET", "lamps/", 429, "application/json", detail, ""},
		{"GET", "candles/", 503, "application/json", detail, ""},
		{"GET", "lamps/", 503, "text/plain", "No.", "Content-Type"},
		{"GET", "lamps/", 401, "application/json", detail, "the status is not declared"},
		{"POST", "flows/executor/x/?query=a", 302, "\nLocation: /api/v3/flows/executor/x/?query=a", "", ""},
		{"POST", "flows/executor/x/", 302, "\nLocation: /api/v3/flows/executor/y/", "", "want itself"},
		{"GET", "flows/executor/x/", 302, "\nLocation: /api/v3/flows/executor/x/", "", "the status is not declared"},
		{"GET", "", 200, "text/html; charset=utf-8", "<p>", ""},
		{"GET", "", 200, "application/json", "{}", "Content-Type"},
	} {
		h := http.Header{}
		t0, more, _ := strings.Cut(row.header, "\n")
		if t0 != "" {
			h.Set("Content-Type", t0)
		}
		if name, v, ok := strings.Cut(more, ": "); ok {
			h.Set(name, v)
		}
		told(t, row.method+" "+row.path+" "+row.body, c.Check(row.method, "/api/v3/"+row.path, row.status, h, []byte(row.body)), row.wrong)
	}
	if err := c.Check("GET", "/if/admin/", 200, http.Header{}, nil); err == nil {
		t.Error("a page of somebody else is an answer of the API")
	}
}

// A description that can't be held to is refused.
func TestDescription(t *testing.T) {
	for _, row := range []struct{ from, to, wrong string }{
		{`"maximum":100`, `"multipleOf":3`, "multipleOf: not known"},
		{`"schema":{"$ref":"#/components/schemas/Named"}`, `"schema":{"$ref":"#/components/schemas/Nobody"}`, "leads nowhere"},
		{`"GenericError":`, `"Error":`, "GenericError"},
		{`"responses":{"200":{"description":"done"}}`, `"responses":{}`, "no answer is declared"},
		{`"responses":{"200":{"description":"done"}}`, `"responses":{"default":{"description":"done"}}`, "want a status"},
		{`"required":["name"]`, `"required":["nom"]`, "required and not declared"},
		{`"allOf":[{"$ref":"#/components/schemas/Hue"}]`, `"allOf":[{},{}]`, "allOf of several"},
		{`"one":"#/components/schemas/One"`, `"one":"#/components/schemas/Lamp"`, "none of the oneOf"},
		{`"servers":[{"url":"/api/v3/"}]`, `"servers":[]`, "0 servers"},
		{`{"type":"object","additionalProperties":{}}`, `{"$ref":"#/components/schemas/Named","nullable":true}`, "$ref with neighbours"},
	} {
		text := strings.Replace(lamps, row.from, row.to, 1)
		if text == lamps {
			t.Fatalf("%s is not in the description", row.from)
		}
		_, err := New([]byte(text))
		told(t, row.to, err, row.wrong)
	}
	if _, err := New([]byte("{")); err == nil {
		t.Error("half a document is a description")
	}
}

func TestOperation(t *testing.T) {
	c := checker(t)
	for path, want := range map[string]string{"lamps/": "lamps_list", "lamps/me/": "lamps_me", "lamps/you/": "lamps_retrieve", "lamps/you/?x=1": "lamps_retrieve", "candles/": "", "lamps//": ""} {
		if got := c.Operation("GET", "/api/v3/"+path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	ops := c.Operations()
	for _, op := range ops {
		if body := op.Body["application/json"]; op.ID == "lamps_create" && (body.Fits([]byte(good)) != nil || body.Fits([]byte("{}")) == nil || body.Fits([]byte("{")) == nil) {
			t.Errorf("a body: %v, %v, %v", body.Fits([]byte(good)), body.Fits([]byte("{}")), body.Fits([]byte("{")))
		}
	}
	if len(ops) != 11 || ops[0].ID != "ask" || ops[10].ID != "lamps_retrieve" {
		t.Errorf("%d operations: %+v", len(ops), ops[0])
	}
}
