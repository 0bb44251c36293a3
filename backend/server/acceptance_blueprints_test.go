package server

import (
	"fmt"
	"testing"
)

// Entries of a blueprint find their object by what its JSON holds, and a superuser's may set what the API does not take.
func TestBlueprintsFind(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	for name, attributes := range map[string]obj{"north": {"place": obj{"city": "Kiel", "floor": 2}, "rooms": []any{1, 2}}, "south": {"place": obj{"city": "Ulm"}}} {
		h.api("POST", "core/groups/", obj{"name": name, "attributes": attributes}, 201)
	}
	for i, tt := range []struct{ identifiers, want string }{
		{"{attributes: {place: {city: Kiel}}}", "north"}, {"{attributes: {rooms: [2]}}", "north"}, {"{attributes: {place: {city: Ulm}}}", "south"}, {"{attributes__place__city: Ulm}", "south"},
		{"{attributes: {place: {city: Kiel, floor: 3}}, name: made}", "made"}, {"{name__istartswith: NOR}", "north"},
	} {
		mark := fmt.Sprint("m", i)
		text := "entries:\n- {model: authentik_core.group, identifiers: " + tt.identifiers + ", attrs: {attributes: {mark: " + mark + "}}}\n"
		if a := h.print(mark, text, bootToken); a.status != 200 || a.json(t)["status"] != "successful" {
			t.Errorf("%s: %d %s %s", tt.identifiers, a.status, a.body, h.why(mark))
			continue
		}
		got := ""
		for _, g := range h.rows(t, bootToken, "core/groups/?page_size=50") {
			if g["attributes"].(obj)["mark"] == mark {
				got += g["name"].(string)
			}
		}
		if got != tt.want {
			t.Errorf("%s finds %q, want %q", tt.identifiers, got, tt.want)
		}
		// The next one begins as this one did.
		for name, attributes := range map[string]obj{"north": {"place": obj{"city": "Kiel", "floor": 2}, "rooms": []any{1, 2}}, "south": {"place": obj{"city": "Ulm"}}} {
			h.api("PATCH", "core/groups/"+h.rows(t, bootToken, "core/groups/?name="+name)[0]["pk"].(string)+"/", obj{"attributes": attributes}, 200)
		}
	}
	text := "context: {greeting: !Format [\"%s %s\", hello, !Context who], who: world}\nentries:\n- {model: authentik_core.user, id: robot, identifiers: {username: robot}, attrs: {name: !Context greeting, type: service_account}}\n" +
		"- {model: authentik_core.token, identifiers: {identifier: robot-key}, attrs: {user: !KeyOf robot, intent: api, key: a-key-of-the-blueprint-0123456789}}\n" +
		"- {model: authentik_sources_oauth.oauthsource, identifiers: {slug: code}, attrs: {name: Code, provider_type: github, consumer_key: k, consumer_secret: s, icon: https://code.office.lan/i.png}}\n"
	if a := h.print("secrets", text, bootToken); a.json(t)["status"] != "successful" {
		t.Fatalf("%s %s", a.body, h.why("secrets"))
	}
	if me := h.as("a-key-of-the-blueprint-0123456789", "GET", "core/users/me/", ""); me.status != 200 || me.json(t)["user"].(obj)["name"] != "hello world" {
		t.Errorf("%d %s", me.status, me.body)
	}
	if s := h.api("GET", "sources/oauth/code/", nil, 200); s["icon"] != "https://code.office.lan/i.png" {
		t.Errorf("%v", s["icon"])
	}
	// The API takes none of them.
	h.api("POST", "core/tokens/", obj{"identifier": "own", "intent": "api", "key": "a-key-of-mine-0123456789abcdef"}, 201)
	if me := h.as("a-key-of-mine-0123456789abcdef", "GET", "core/users/me/", ""); me.status != 403 {
		t.Errorf("%d %s", me.status, me.body)
	}
}
