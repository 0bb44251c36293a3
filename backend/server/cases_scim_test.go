package server

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"gatehouse/backend/store"
)

func person(name string, more obj) obj {
	return with(obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name}, more)
}

func patch(ops ...obj) obj {
	return obj{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}
}

// TestSCIMStaysWithItsSource is case 39: a source's token opens what the source sent and nothing else.
func TestSCIMStaysWithItsSource(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada := h.addUser("ada", "lovelace-1815")
	uuid := func(pk any) string { return h.api("GET", fmt.Sprintf("core/users/%v/", pk), nil, 200)["uuid"].(string) }
	root := h.rows(t, bootToken, "core/users/?username=akadmin")[0]
	hr, other := h.scimSource("hr"), h.scimSource("other")
	bob := hr.ask("POST", "/Users", person("bob", nil), 201)["id"].(string)
	eve := other.ask("POST", "/Users", person("eve", nil), 201)["id"].(string)
	team := hr.ask("POST", "/Groups", obj{"displayName": "Team", "members": []obj{{"value": bob}}}, 201)["id"].(string)

	t.Run("39 tokens", func(t *testing.T) {
		for name, key := range map[string]string{
			"none": "", "other source": other.key, "API token of an admin": bootToken, "cut": hr.key[:len(hr.key)-1], "app password": h.tokenOf(ada, "ada-app", "app_password"),
		} {
			s := &sender{h, "hr", key}
			for _, path := range []string{"/Users", "/ServiceProviderConfig", "/Schemas", "/Users/" + bob, ""} {
				a := s.do("GET", path, nil)
				if a.status != 401 || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer") || strings.Contains(a.body, "bob") {
					t.Errorf("%s %s: %d %s", name, path, a.status, a.body)
				}
			}
		}
		unknown := (&sender{h, "nowhere", hr.key}).do("GET", "/Users", nil)
		if known := (&sender{h, "other", hr.key}).do("GET", "/Users", nil); known.status != unknown.status || known.body != unknown.body {
			t.Error("one can tell which sources there are")
		}
		if a := h.as(hr.key, "GET", "core/users/", ""); a.status != 403 {
			t.Errorf("the token opens the API: %d", a.status)
		}
		b := h.signedIn("ada", "lovelace-1815")
		if a := b.get("/source/scim/hr/v2/Users"); a.status != 401 {
			t.Errorf("a session opens the source: %d", a.status)
		}
	})
	t.Run("39 people of others", func(t *testing.T) {
		for _, id := range []string{uuid(ada), uuid(root["pk"]), eve, fmt.Sprint(ada), "1", "%27%20OR%201=1%20--"} {
			hr.refused("GET", "/Users/"+id, nil, 404, "", "")
			hr.refused("DELETE", "/Users/"+id, nil, 404, "", "")
			hr.refused("PUT", "/Users/"+id, person("mallory", nil), 404, "", "")
			hr.refused("PATCH", "/Users/"+id, patch(obj{"op": "replace", "path": "active", "value": false}), 404, "", "")
		}
		if n := hr.ask("GET", "/Users", nil, 200)["totalResults"]; n != 1.0 {
			t.Errorf("%v people", n)
		}
		for _, name := range []string{"ada", "akadmin", "AKADMIN", "eve"} {
			hr.refused("POST", "/Users", person(name, nil), 409, "uniqueness", "belongs to somebody")
			hr.refused("PUT", "/Users/"+bob, person(name, nil), 409, "uniqueness", "belongs to somebody")
		}
		hr.refused("POST", "/Groups", obj{"displayName": "authentik Admins"}, 409, "uniqueness", "already")
		if u := h.api("GET", fmt.Sprintf("core/users/%v/", root["pk"]), nil, 200); u["is_active"] != true || u["username"] != "akadmin" {
			t.Errorf("%v", u)
		}
	})
	t.Run("39 members of another source", func(t *testing.T) {
		for _, id := range []string{eve, uuid(ada), uuid(root["pk"]), "nobody"} {
			hr.refused("PATCH", "/Groups/"+team, patch(obj{"op": "add", "path": "members", "value": []obj{{"value": id}}}), 400, "invalidValue", "no user")
			hr.refused("PUT", "/Groups/"+team, obj{"displayName": "Team", "members": []obj{{"value": id}}}, 400, "invalidValue", "no user")
			hr.refused("POST", "/Groups", obj{"displayName": "New", "members": []obj{{"value": id}}}, 400, "invalidValue", "no user")
		}
		other.refused("PATCH", "/Groups/"+team, patch(obj{"op": "add", "path": "members", "value": []obj{{"value": eve}}}), 404, "", "")
		// Whom an admin put there stays and is not seen.
		evePK := h.rows(t, bootToken, "core/users/?username=eve")[0]["pk"]
		h.api("POST", "core/groups/"+team+"/add_user/", obj{"pk": ada}, 204)
		h.api("POST", "core/groups/"+team+"/add_user/", obj{"pk": evePK}, 204)
		if m := hr.ask("GET", "/Groups/"+team, nil, 200)["members"].([]any); len(m) != 1 {
			t.Errorf("%v", m)
		}
		if g := other.ask("GET", "/Users/"+eve, nil, 200)["groups"]; g != nil {
			t.Errorf("a group of another source: %v", g)
		}
		if m := hr.ask("PUT", "/Groups/"+team, obj{"displayName": "Team", "members": []obj{}}, 200)["members"].([]any); len(m) != 0 {
			t.Errorf("%v", m)
		}
		if users := h.api("GET", "core/groups/"+team+"/", nil, 200)["users"]; fmt.Sprint(users) != fmt.Sprintf("[%d %v]", ada, evePK) {
			t.Errorf("%v", users)
		}
	})
	t.Run("39 privileged paths", func(t *testing.T) {
		admins := h.rows(t, bootToken, "core/groups/?name=authentik+Admins")[0]["pk"].(string)
		for _, path := range []string{"is_superuser", "is_staff", "path", "attributes", "attributes.goauthentik.io/user/token-expires", "type", "roles[value eq \"x\"].nothing"} {
			hr.refused("PATCH", "/Users/"+bob, patch(obj{"op": "add", "path": path, "value": "true"}), 400, "invalidPath", "")
		}
		for _, path := range []string{"groups", "id", "meta", "groups[value eq \"" + admins + "\"]"} {
			hr.refused("PATCH", "/Users/"+bob, patch(obj{"op": "add", "path": path, "value": []obj{{"value": admins}}}), 400, "mutability", "")
		}
		hr.ask("PATCH", "/Users/"+bob, patch(obj{"op": "replace", "value": obj{"is_superuser": true, "groups": []obj{{"value": admins}}, "attributes": obj{"goauthentik.io/user/can-change-email": true}, "type": "internal_service_account"}}), 200)
		hr.ask("PUT", "/Users/"+bob, person("bob", obj{"groups": []obj{{"value": admins}}, "is_superuser": true, "roles": []obj{{"value": "admin"}}, "attributes": obj{"x": 1}, "urn:x:y:z:User": obj{"goauthentik.io/user/x": true}}), 200)
		u := h.rows(t, bootToken, "core/users/?username=bob")[0]
		if u["is_superuser"] != false || u["type"] != "internal" || fmt.Sprint(u["attributes"]) != "map[]" {
			t.Errorf("%v", u)
		}
		hr.refused("PATCH", "/Groups/"+team, patch(obj{"op": "add", "path": "is_superuser", "value": true}), 400, "invalidPath", "")
		// A group that an admin made one of superusers takes nobody in by SCIM, and a superuser keeps name and address.
		h.api("PATCH", "core/groups/"+team+"/", obj{"is_superuser": true}, 200)
		hr.refused("PATCH", "/Groups/"+team, patch(obj{"op": "add", "path": "members", "value": []obj{{"value": bob}}}), 403, "", "superuser")
		h.api("POST", "core/groups/"+team+"/add_user/", obj{"pk": u["pk"]}, 204)
		hr.refused("PATCH", "/Groups/"+team, patch(obj{"op": "remove", "path": "members"}), 403, "", "superuser")
		hr.refused("PATCH", "/Users/"+bob, patch(obj{"op": "replace", "path": "emails", "value": "mallory@evil.lan"}), 403, "", "only an admin")
		hr.refused("PATCH", "/Users/"+bob, patch(obj{"op": "replace", "path": "userName", "value": "mallory"}), 403, "", "only an admin")
		hr.ask("PATCH", "/Users/"+bob, patch(obj{"op": "replace", "path": "active", "value": false}), 200)
		h.api("PATCH", "core/groups/"+team+"/", obj{"is_superuser": false}, 200)
	})
	t.Run("39 filters", func(t *testing.T) {
		for _, f := range []string{
			`userName eq "x" or 1 eq 1`, `userName eq "x`, `password eq "x"`, `userName`, `userName eq`, `(userName pr`, `userName xx "y"`, `nothing eq "x"`, `emails[nothing eq "x"]`, `name.nothing pr`,
			strings.Repeat("(", 100) + "userName pr" + strings.Repeat(")", 100), strings.Repeat(`userName eq "x" or `, 300) + "userName pr", "active gt true", "meta.created gt \"yesterday\"", "userName eq \"a\x00b\"",
			strings.Repeat("a", 9_000),
		} {
			a := hr.do("POST", "/Users/.search", obj{"filter": f})
			if a.status != 400 && a.status != 403 || a.json(t)["scimType"] == nil {
				t.Errorf("%.60s: %d %s", f, a.status, a.body)
			}
		}
		for _, f := range []string{`userName eq "x' OR '1'='1"`, `userName eq "%"`, `externalId eq "') OR 1=1 --"`, `id eq "*"`, `emails.value co "'"`, `groups eq "' OR 1=1"`} {
			if n := hr.ask("POST", "/Users/.search", obj{"filter": f}, 200)["totalResults"]; n != 0.0 {
				t.Errorf("%s finds %v", f, n)
			}
		}
	})
	t.Run("39 limits", func(t *testing.T) {
		var ops []obj
		for n := range 10_000 {
			ops = append(ops, obj{"method": "DELETE", "path": fmt.Sprintf("/Users/%d", n)})
		}
		hr.refused("POST", "/Bulk", obj{"Operations": ops}, 413, "", "1000 operations")
		hr.refused("POST", "/Users", strings.Repeat(" ", 1<<20)+"{}", 413, "", "bytes")
		hr.refused("PATCH", "/Users/"+bob, patch(slices.Repeat([]obj{{"op": "add", "path": "title", "value": "x"}}, 1_001)...), 400, "tooMany", "1000")
		var mails []obj
		for n := range 201 {
			mails = append(mails, obj{"value": fmt.Sprintf("m%d@x.lan", n)})
		}
		hr.refused("POST", "/Users", person("many", obj{"emails": mails}), 400, "tooMany", "200")
		hr.refused("POST", "/Users", person("big", obj{"title": strings.Repeat("x", 70_000)}), 400, "tooMany", "65536 bytes")
		hr.refused("POST", "/Users", person(strings.Repeat("x", 151), nil), 400, "invalidValue", "150")
		hr.refused("POST", "/Users", person("nul", obj{"title": "a\x00b"}), 400, "invalidValue", "Null")
		hr.refused("POST", "/Users", person("mail", obj{"emails": "no address"}), 400, "invalidValue", "no e-mail address")
		hr.refused("POST", "/Users", obj{"userName": " "}, 400, "invalidValue", "userName")
		hr.refused("POST", "/Users", `{"userName":`, 400, "invalidSyntax", "JSON")
		hr.refused("POST", "/Users", `[]`, 400, "invalidSyntax", "JSON")
		hr.refused("POST", "/Users", obj{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "userName": "x"}, 400, "invalidSyntax", "schemas")
		hr.refused("DELETE", "/Users", nil, 405, "", "GET, POST")
		hr.refused("GET", "/Nothing", nil, 404, "", "Users, Groups")
		if a := h.browser().do("POST", "/source/scim/hr/v2/Users", "text/plain", "{}", "Authorization", "Bearer "+hr.key); a.status != 415 {
			t.Errorf("text: %d", a.status)
		}
	})
	t.Run("39 tags and races", func(t *testing.T) {
		carl := hr.do("POST", "/Users", person("carl", nil))
		id, tag := carl.json(t)["id"].(string), carl.header.Get("ETag")
		if tag == "" || carl.header.Get("Location") != hr.base()+"/Users/"+id {
			t.Fatalf("%v", carl.header)
		}
		if a := hr.do("GET", "/Users/"+id, nil, "If-None-Match", tag); a.status != 304 {
			t.Errorf("%d", a.status)
		}
		var wg sync.WaitGroup
		got := make([]int, 8)
		for n := range got {
			wg.Go(func() {
				got[n] = hr.do("PATCH", "/Users/"+id, patch(obj{"op": "replace", "path": "title", "value": fmt.Sprint("t", n)}), "If-Match", tag).status
			})
		}
		wg.Wait()
		slices.Sort(got)
		if !slices.Equal(got, []int{200, 412, 412, 412, 412, 412, 412, 412}) {
			t.Errorf("%v", got)
		}
		hr.refused("PUT", "/Users/"+id, person("carl", nil), 412, "", "meanwhile", "If-Match", tag)
		hr.refused("DELETE", "/Users/"+id, nil, 412, "", "meanwhile", "If-Match", tag)
		fresh := hr.do("GET", "/Users/"+id, nil).header.Get("ETag")
		// What an admin changes here makes the tag of before stale too.
		pk := h.rows(t, bootToken, "core/users/?username=carl")[0]["pk"]
		h.api("PATCH", fmt.Sprintf("core/users/%v/", pk), obj{"email": "carl@office.lan"}, 200)
		hr.refused("DELETE", "/Users/"+id, nil, 412, "", "meanwhile", "If-Match", fresh)
		if m := hr.ask("GET", "/Users/"+id, nil, 200)["emails"].([]any)[0].(obj); m["value"] != "carl@office.lan" {
			t.Errorf("%v", m)
		}
		// Ten at once make one of a name.
		made := make([]int, 10)
		for n := range made {
			wg.Go(func() { made[n] = hr.do("POST", "/Users", person("dora", nil)).status })
		}
		wg.Wait()
		slices.Sort(made)
		if made[0] != 201 || made[1] != 409 {
			t.Errorf("%v", made)
		}
	})
}

// TestSCIMLeavesAnAdmin: the last admin is neither switched off nor deleted, whoever sent them.
func TestSCIMLeavesAnAdmin(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	hr := h.scimSource("hr")
	id := hr.ask("POST", "/Users", person("bob", nil), 201)["id"].(string)
	bob, root := h.rows(t, bootToken, "core/users/?username=bob")[0]["pk"], h.rows(t, bootToken, "core/users/?username=akadmin")[0]["pk"]
	h.api("POST", "core/groups/"+h.rows(t, bootToken, "core/groups/?name=authentik+Admins")[0]["pk"].(string)+"/add_user/", obj{"pk": bob}, 204)
	h.api("PATCH", fmt.Sprintf("core/users/%v/", root), obj{"is_active": false}, 200)
	const words = "nobody who can administer"
	if out := hr.ask("PATCH", "/Users/"+id, patch(obj{"op": "replace", "path": "active", "value": false}), 409); out["scimType"] != nil || !strings.Contains(out["detail"].(string), words) {
		t.Errorf("%v", out)
	}
	hr.refused("PUT", "/Users/"+id, person("bob", obj{"active": false}), 409, "", words)
	hr.refused("DELETE", "/Users/"+id, nil, 409, "", words)
}

// TestSCIMSwitchesOff: who is switched off by SCIM keeps no session, no access token and no API token, from that moment on.
func TestSCIMSwitchesOff(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	hr := h.scimSource("hr")
	for n, off := range []func(id string){
		func(id string) { hr.ask("PUT", "/Users/"+id, person("u0", obj{"active": false}), 200) },
		func(id string) {
			hr.ask("PATCH", "/Users/"+id, patch(obj{"op": "Replace", "path": "active", "value": "False"}), 200)
		},
		func(id string) { hr.ask("DELETE", "/Users/"+id, nil, 204) },
	} {
		name := fmt.Sprintf("u%d", n)
		id := hr.ask("POST", "/Users", person(name, nil), 201)["id"].(string)
		pk := int(h.rows(t, bootToken, "core/users/?username="+name)[0]["pk"].(float64))
		h.api("POST", fmt.Sprintf("core/users/%d/set_password/", pk), obj{"password": "lovelace-1815"}, 204)
		b, key := h.signedIn(name, "lovelace-1815"), h.tokenOf(pk, "of-"+name, "api")
		if b.get("/api/v3/core/users/me/").status != 200 || h.as(key, "GET", "core/users/me/", "").status != 200 {
			t.Fatal("not signed in")
		}
		off(id)
		if a := b.get("/api/v3/core/users/me/"); a.status == 200 {
			t.Errorf("%d: the session lives: %s", n, a.body)
		}
		if a := h.as(key, "GET", "core/users/me/", ""); a.status != 403 {
			t.Errorf("%d: the token lives: %d", n, a.status)
		}
	}
}

// TestSCIMKeepsItsWord: what was sent is on the person, what an admin wrote stays, and the audit log tells who did it.
func TestSCIMKeepsItsWord(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	hr := h.scimSource("hr")
	const ext = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	boss := hr.ask("POST", "/Users", person("boss", obj{"externalId": "E1"}), 201)["id"]
	full := person("ada", obj{
		"externalId": "E2", "displayName": "Ada L", "title": "Countess", "emails": []obj{{"value": "a@x.lan"}, {"value": "ada@x.lan", "primary": "true"}}, "phoneNumbers": []obj{{"type": "work", "value": "1"}, {"type": "mobile", "value": "2"}},
		"name": obj{"givenName": "Ada", "familyName": "Lovelace"}, ext: obj{"employeeNumber": 7, "department": "Engines", "manager": "E1"},
	})
	id := hr.ask("POST", "/Users", full, 201)["id"].(string)
	get := func() obj { return h.rows(t, bootToken, "core/users/?username=ada")[0] }
	u := get()
	want := obj{"department": "Engines", "employeeNumber": "7", "manager": "boss", "title": "Countess", "givenName": "Ada", "sn": "Lovelace", "telephoneNumber": "1", "mobile": "2"}
	if fmt.Sprint(u["attributes"]) != fmt.Sprint(want) || u["name"] != "Ada L" || u["email"] != "ada@x.lan" || u["path"] != "goauthentik.io/sources/hr" || u["is_active"] != true {
		t.Errorf("%v", u)
	}
	link := h.rows(t, bootToken, "sources/scim_users/?source__slug=hr&user__username=ada")
	if len(link) != 1 || link[0]["id"] != "E2" || link[0]["attributes"].(obj)[ext].(obj)["department"] != "Engines" {
		t.Errorf("%v", link)
	}
	e := h.lastEvent("model_created")
	if e["user"].(obj)["username"] != h.api("GET", "sources/scim/hr/", nil, 200)["token_obj"].(obj)["identifier"] || e["context"].(obj)["model"].(obj)["model_name"] != "user" {
		t.Errorf("%v", e)
	}
	// The same again changes nothing and tells nothing.
	before, tag := h.events("model_updated"), hr.do("GET", "/Users/"+id, nil).header.Get("ETag")
	again := hr.do("PUT", "/Users/"+id, full)
	if again.status != 200 || h.events("model_updated") != before || again.header.Get("ETag") != tag {
		t.Errorf("%d %v %s", again.status, h.events("model_updated")-before, again.body)
	}
	// An admin's own attribute stays, a fact that is sent no more goes.
	h.api("PATCH", fmt.Sprintf("core/users/%v/", u["pk"]), obj{"attributes": with(want, obj{"locker": 12})}, 200)
	delete(full, "title")
	full[ext] = obj{"department": "Poetry"}
	full["externalId"] = "E3"
	hr.ask("PUT", "/Users/"+id, full, 200)
	if got := get()["attributes"]; fmt.Sprint(got) != fmt.Sprint(obj{"department": "Poetry", "givenName": "Ada", "sn": "Lovelace", "telephoneNumber": "1", "mobile": "2", "locker": 12.0}) {
		t.Errorf("%v", got)
	}
	if l := h.rows(t, bootToken, "sources/scim_users/?source__slug=hr&user__username=ada"); l[0]["id"] != "E3" {
		t.Errorf("%v", l)
	}
	hr.refused("PUT", "/Users/"+id, with(full, obj{"externalId": "E1"}), 409, "uniqueness", "E1")
	for _, ops := range [][]obj{{{"op": "remove", "path": "emails"}}, {{"op": "add", "path": "emails", "value": obj{"value": "a@b.lan", "type": "work"}}, {"op": "remove", "path": `emails[type eq "work"]`}}} {
		hr.ask("PATCH", "/Users/"+id, patch(obj{"op": "add", "path": "emails", "value": []obj{{"value": "ada@x.lan"}}}), 200)
		hr.ask("PATCH", "/Users/"+id, patch(obj{"op": "remove", "path": "emails"}), 200)
		if hr.ask("PATCH", "/Users/"+id, patch(ops...), 200); get()["email"] != "" {
			t.Errorf("%v leaves %v", ops, get()["email"])
		}
	}
	// Another source may call its own people the same.
	other := h.scimSource("other")
	other.ask("POST", "/Users", person("eve", obj{"externalId": "E3"}), 201)
	if n := other.ask("GET", "/Users?filter="+`externalId%20eq%20%22E3%22`, nil, 200)["totalResults"]; n != 1.0 {
		t.Errorf("%v", n)
	}
	if l := h.rows(t, bootToken, "sources/scim_users/?source__slug=other"); l[0]["id"] != "other:E3" {
		t.Errorf("%v", l)
	}
	hr.refused("DELETE", "/Users/"+fmt.Sprint(boss)+"x", nil, 404, "", "")
	team := hr.ask("POST", "/Groups", obj{"displayName": "T", "externalId": "G1", "members": []obj{{"value": id}}}, 201)["id"].(string)
	if l := h.rows(t, bootToken, "sources/scim_groups/?source__slug=hr"); len(l) != 1 || l[0]["id"] != "G1" || l[0]["group"] != team {
		t.Errorf("%v", l)
	}
	hr.ask("PATCH", "/Groups/"+team, patch(obj{"op": "remove", "path": `members[value eq "` + id + `"]`}), 204)
	if e := h.lastEvent("model_updated")["context"].(obj); e["model"].(obj)["name"] != "T" || !strings.Contains(fmt.Sprint(e["diff"]), "remove") {
		t.Errorf("%v", e)
	}
	hr.ask("DELETE", "/Users/"+id, nil, 204)
	if l := h.rows(t, bootToken, "sources/scim_users/?source__slug=hr&user__username=ada"); len(l) != 0 || len(h.rows(t, bootToken, "core/users/?username=ada")) != 0 {
		t.Errorf("%v", l)
	}
}

// TestSCIMBulkAndSearch: operations that name each other by bulkId in any order, failures beside successes, one search over both.
func TestSCIMBulkAndSearch(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	hr := h.scimSource("hr")
	out := hr.ask("POST", "/Bulk", obj{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"}, "Operations": []obj{
		{"method": "POST", "path": "/Groups", "bulkId": "g", "data": obj{"displayName": "Tour", "members": []obj{{"value": "bulkId:a"}, {"value": "bulkId:b"}}}},
		{"method": "POST", "path": "/Users", "bulkId": "a", "data": person("alice", nil)},
		{"method": "post", "path": "/Users", "bulkId": "b", "data": person("bob", nil)},
		{"method": "POST", "path": "/Users", "bulkId": "c", "data": person("alice", nil)},
		{"method": "POST", "path": "/Users", "data": person("nobulkid", nil)},
		{"method": "PATCH", "path": "/Users/bulkId:b", "data": patch(obj{"op": "add", "path": "title", "value": "Builder"})},
		{"method": "PUT", "path": "/Users/bulkId:c", "data": person("x", nil)},
		{"method": "GET", "path": "/Users"}, {"method": "DELETE", "path": "/Schemas/x"}, {"method": "POST", "path": "/Users/.search", "bulkId": "s", "data": obj{}},
	}}, 200)
	var got []string
	for _, o := range out["Operations"].([]any) {
		got = append(got, o.(obj)["status"].(string))
	}
	if !slices.Equal(got, []string{"201", "201", "201", "409", "400", "200", "404", "400", "400", "400"}) {
		t.Errorf("%v\n%v", got, out)
	}
	first := out["Operations"].([]any)[0].(obj)
	team := hr.ask("GET", strings.TrimPrefix(first["location"].(string), hr.base()), nil, 200)
	if len(team["members"].([]any)) != 2 || first["bulkId"] != "g" || first["version"] == nil {
		t.Errorf("%v %v", team, first)
	}
	stopped := hr.ask("POST", "/Bulk", obj{"failOnErrors": 1, "Operations": []obj{
		{"method": "POST", "path": "/Users", "bulkId": "1", "data": person("alice", nil)}, {"method": "POST", "path": "/Users", "bulkId": "2", "data": person("never", nil)},
	}}, 200)["Operations"].([]any)
	if len(stopped) != 1 || hr.ask("GET", `/Users?filter=userName%20eq%20%22never%22`, nil, 200)["totalResults"] != 0.0 {
		t.Errorf("%v", stopped)
	}
	circle := hr.ask("POST", "/Bulk", obj{"Operations": []obj{
		{"method": "POST", "path": "/Users", "bulkId": "1", "data": person("x", obj{"nickName": "bulkId:2"})}, {"method": "POST", "path": "/Users", "bulkId": "2", "data": person("y", obj{"nickName": "bulkId:1"})},
	}}, 200)["Operations"].([]any)
	if len(circle) != 2 || circle[0].(obj)["status"] != "409" {
		t.Errorf("%v", circle)
	}
	all := hr.ask("POST", "/.search", obj{"count": 2, "startIndex": 2}, 200)
	list := all["Resources"].([]any)
	if all["totalResults"] != 3.0 || len(list) != 2 || list[0].(obj)["userName"] != "bob" || list[1].(obj)["displayName"] != "Tour" || list[1].(obj)["meta"].(obj)["resourceType"] != "Group" {
		t.Errorf("%v", all)
	}
	if n := hr.ask("POST", "/.search", obj{"filter": `userName sw "a"`}, 200)["totalResults"]; n != 1.0 {
		t.Errorf("%v", n)
	}
	if me := hr.ask("GET", "/Me", nil, 200); !strings.HasPrefix(me["userName"].(string), "ak-source-scim-") {
		t.Errorf("%v", me)
	}
	hr.refused("DELETE", "/Me", nil, 405, "", "GET")
}

// TestSCIMPages walks through lists: every page once, sorted by what the database has and by what it has not.
func TestSCIMPages(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	hr := h.scimSource("hr")
	for n := range 12 {
		hr.ask("POST", "/Users", person(fmt.Sprintf("U%02d", n), obj{"title": fmt.Sprintf("t%02d", 11-n), "emails": []obj{{"value": "x@y.lan", "type": "home"}, {"value": fmt.Sprintf("m%02d@y.lan", n), "primary": true}}, "active": n%2 == 0}), 201)
	}
	names := func(query string) (string, obj) {
		out := hr.ask("GET", "/Users?"+query, nil, 200)
		var got []string
		for _, r := range out["Resources"].([]any) {
			got = append(got, strings.TrimPrefix(r.(obj)["userName"].(string), "U"))
		}
		return strings.Join(got, " "), out
	}
	for _, tt := range []struct {
		query, want string
		total       float64
	}{
		{"count=5", "00 01 02 03 04", 12}, {"count=5&startIndex=11", "10 11", 12}, {"startIndex=13", "", 12}, {"count=0", "", 12}, {"count=-3", "", 12}, {"startIndex=-5&count=1", "00", 12}, {"startIndex=99999999", "", 12},
		{"sortBy=userName&sortOrder=descending&count=2", "11 10", 12}, {"sortBy=title&count=3", "11 10 09", 12}, {"sortBy=title&sortOrder=descending&count=2&startIndex=2", "01 02", 12},
		{"sortBy=emails&count=2", "00 01", 12}, {"filter=active%20eq%20false&count=2", "01 03", 6}, {"filter=active%20eq%20%22True%22%20and%20title%20gt%20%22t05%22", "00 02 04", 3}, {"filter=not%20(active%20eq%20true)&count=1", "01", 6},
		{"filter=emails%5Btype%20eq%20%22home%22%5D&count=1&startIndex=3", "02", 12}, {"filter=emails%20co%20%22m07%22", "07", 1}, {"filter=userName%20eq%20u03", "03", 1}, {"filter=title%20pr%20and%20meta.created%20gt%20%222020-01-01T00:00:00Z%22&count=1", "00", 12},
		{"filter=meta.lastModified%20lt%20%222020-01-01T00:00:00Z%22", "", 0}, {"filter=meta.lastModified%20ge%20%222020-01-01T00:00:00Z%22&count=1", "00", 12},
	} {
		got, out := names(tt.query)
		if got != tt.want || out["totalResults"] != tt.total {
			t.Errorf("%s: %q of %v, want %q of %v", tt.query, got, out["totalResults"], tt.want, tt.total)
		}
	}
	for _, bad := range []string{"count=x", "startIndex=1.5", "sortOrder=up", "sortBy=nothing", "sortBy=password", "filter=%22"} {
		hr.refused("GET", "/Users?"+bad, nil, 400, "", "")
	}
	one := hr.ask("GET", "/Users?count=1&attributes=emails.value,NAME", nil, 200)["Resources"].([]any)[0].(obj)
	if one["userName"] != nil || one["meta"] != nil || one["id"] == nil || one["schemas"] == nil || holds("emails", one["emails"], []any{obj{"value": "x@y.lan", "type": nil}, obj{"value": "m00@y.lan"}}) != "" {
		t.Errorf("%v", one)
	}
	one = hr.ask("GET", "/Users?count=1&excludedAttributes=emails,id,meta.created", nil, 200)["Resources"].([]any)[0].(obj)
	if one["emails"] != nil || one["id"] == nil || one["meta"].(obj)["created"] != nil || one["meta"].(obj)["location"] == nil {
		t.Errorf("%v", one)
	}
	hr.refused("GET", "/Schemas?filter=id%20pr", nil, 403, "", "filter")
	if s := hr.ask("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User", nil, 200); s["meta"].(obj)["location"] != hr.base()+"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User" {
		t.Errorf("%v", s["meta"])
	}
	hr.refused("GET", "/ResourceTypes/Car", nil, 404, "", "Car")
}

// TestSCIMRotation: the key of before counts beside the new one for as long as was said.
func TestSCIMRotation(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	s := h.api("POST", "sources/scim/", obj{"name": "HR", "slug": "hr"}, 201)
	old := &sender{h, "hr", h.scimKey(s)}
	out := h.api("POST", "gatehouse/scim/hr/rotate/", obj{"overlap": "hours=2"}, 200)
	fresh := &sender{h, "hr", h.scimKey(s)}
	until, err := time.Parse(time.RFC3339, out["old_key_until"].(string))
	if err != nil || time.Until(until) < time.Hour || fresh.key == old.key {
		t.Fatalf("%v %v", out, err)
	}
	old.ask("POST", "/Users", person("ada", nil), 201)
	fresh.ask("POST", "/Users", person("bob", nil), 201)
	if a := h.as(old.key, "GET", "core/users/me/", ""); a.status != 403 {
		t.Errorf("the old key opens the API: %d", a.status)
	}
	h.write(`UPDATE object SET body = json_set(body, '$.old_until', ?) WHERE slug = 'hr'`, time.Now().Add(-time.Second).UnixMicro())
	h.api("PATCH", "core/brands/"+h.rows(t, bootToken, "core/brands/")[0]["brand_uuid"].(string)+"/", obj{"branding_title": "x"}, 200) // caches look again
	if a := old.do("GET", "/Users", nil); a.status != 401 {
		t.Errorf("after its time: %d", a.status)
	}
	h.api("POST", "gatehouse/scim/hr/rotate/", obj{"overlap": "seconds=0"}, 200)
	if a := fresh.do("GET", "/Users", nil); a.status != 401 {
		t.Errorf("without overlap: %d", a.status)
	}
	last := &sender{h, "hr", h.scimKey(s)}
	last.ask("GET", "/Users", nil, 200)
	last.refused("POST", "/Users", person("bob", nil), 409, "uniqueness", "already")
	for range 3 {
		(&sender{h, "hr", "wrong"}).do("GET", "/Users", nil)
	}
	if all := h.api("GET", "gatehouse/scim/hr/state/", nil, 200)["requests"].([]any); len(all) != 5 || all[0].(obj)["status"] != 401.0 || all[0].(obj)["says"] == "" {
		t.Errorf("%v", all)
	}
	last.ask("GET", "/Users?count=0", nil, 200)
	state := h.api("GET", "gatehouse/scim/hr/state/", nil, 200)
	lines := state["requests"].([]any)
	if state["old_key_until"] != nil || state["users"] != 2.0 || len(lines) != 6 || lines[2].(obj)["status"] != 409.0 || lines[2].(obj)["says"] == "" || lines[5].(obj)["about"] != "ada" || lines[5].(obj)["method"] != "POST" {
		t.Errorf("%v", state)
	}
	if more := h.api("GET", fmt.Sprintf("gatehouse/scim/hr/state/?after=%v", lines[1].(obj)["id"]), nil, 200)["requests"].([]any); len(more) != 1 {
		t.Errorf("%v", more)
	}
	if strings.Contains(fmt.Sprint(state), last.key) {
		t.Error("the key is in the state")
	}
	for _, bad := range []string{"days=31", "soon", "seconds=-1"} {
		if a := h.as(bootToken, "POST", "gatehouse/scim/hr/rotate/", jsonOf(obj{"overlap": bad})); a.status != 400 || !strings.Contains(a.body, "overlap") {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
	ada := h.addUser("viewer", "lovelace-1815")
	viewer := h.tokenOf(ada, "viewer", "api")
	for _, at := range [][2]string{{"GET", "gatehouse/scim/hr/state/"}, {"POST", "gatehouse/scim/hr/rotate/"}} {
		if a := h.as(viewer, at[0], at[1], "{}"); a.status != 403 {
			t.Errorf("%v: %d", at, a.status)
		}
	}
	h.grants(ada, "authentik_sources_scim.view_scimsource")
	if a := h.as(viewer, "GET", "gatehouse/scim/hr/state/", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.as(viewer, "POST", "gatehouse/scim/hr/rotate/", "{}"); a.status != 403 {
		t.Errorf("%d", a.status)
	}
	h.api("PATCH", "sources/scim/hr/", obj{"enabled": false}, 200)
	last.refused("GET", "/Users", nil, http.StatusForbidden, "", "switched off")
	h.api("PATCH", "sources/scim/hr/", obj{"enabled": true}, 200)
	account := h.api("GET", "sources/scim/hr/", nil, 200)["token_obj"].(obj)["user"]
	if err := h.s.rooms.store.Write(t.Context(), store.House, func(tx *store.Tx) error {
		tx.Touched("users")
		_, err := tx.Exec(`UPDATE users SET is_active = 0 WHERE pk = ?`, account)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if a := last.do("GET", "/Users", nil); a.status != 401 {
		t.Errorf("a switched off account: %d", a.status)
	}
	h.api("DELETE", "sources/scim/hr/", nil, 204)
	if a := last.do("GET", "/Users", nil); a.status != 401 {
		t.Errorf("a source that is gone: %d", a.status)
	}
}
