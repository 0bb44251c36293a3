package server

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/kind"
)

// 26, 27 and the advisories about people who may do some things: none of these rights leads to another.
func TestRightsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	mona, ada, bob := h.addUser("mona", "manager-1999"), h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	monas := h.tokenOf(mona, "of-mona", "api")
	policy := h.api("POST", "policies/dummy/", obj{"name": "mine", "result": true, "wait_min": 0, "wait_max": 0}, 201)["pk"].(string)
	other := h.api("POST", "policies/dummy/", obj{"name": "other", "wait_min": 0, "wait_max": 0}, 201)["pk"].(string)
	mapping := h.mappingsOf("scope")["goauthentik.io/providers/oauth2/scope-profile"]
	test := func(path string, user int) answer {
		return h.as(monas, "POST", path+"/test/", fmt.Sprintf(`{"user":%d}`, user))
	}

	// CVE-2026-25227: to look at a policy or a mapping is not to run it; and who may run one runs no other, and only for people they may see.
	h.grants(mona, "authentik_policies_dummy.view_dummypolicy", "authentik_policies.view_policy", "authentik_core.view_propertymapping", "authentik_providers_oauth2.view_scopemapping")
	wantAnswer(t, test("policies/all/"+policy, mona), 403, notAllowed)
	wantAnswer(t, test("propertymappings/all/"+mapping, mona), 403, notAllowed)
	h.grants(mona, "authentik_policies.change_policy "+policy, "authentik_core.change_propertymapping "+mapping)
	wantAnswer(t, test("policies/all/"+policy, mona), 200, "")
	wantAnswer(t, test("policies/all/"+other, mona), 403, notAllowed)
	wantAnswer(t, test("propertymappings/all/"+mapping, mona), 200, "")
	for _, user := range []int{ada, 9999} {
		wantAnswer(t, test("policies/all/"+policy, user), 400, `{"user":["There is no such user, or you may not see them."]}`)
		wantAnswer(t, test("propertymappings/all/"+mapping, user), 403, notAllowed)
	}
	h.grants(mona, fmt.Sprint("authentik_core.view_user ", ada))
	wantAnswer(t, test("policies/all/"+policy, ada), 200, "")
	if got := test("propertymappings/all/"+mapping, ada); got.status != 200 || !strings.Contains(got.body, "ada") {
		t.Errorf("%d %s", got.status, got.body)
	}

	// GHSA-h6c5-mpvq-j4jc: who manages groups makes no superuser, also not through a parent, and gives no roles.
	admins := h.api("GET", "core/groups/?name=authentik%20Admins", nil, 200)["results"].([]any)[0].(obj)["pk"].(string)
	role := h.api("POST", "rbac/roles/", obj{"name": "powers"}, 201)["pk"].(string)
	team := h.api("POST", "core/groups/", obj{"name": "team"}, 201)["pk"].(string)
	below := h.api("POST", "core/groups/", obj{"name": "below", "parent": admins}, 201)["pk"].(string)
	h.grants(mona, "authentik_core.view_group", "authentik_core.add_group", "authentik_core.change_group", "authentik_core.add_user_to_group", "authentik_core.remove_user_from_group")
	for body, want := range map[string]string{
		`{"is_superuser":true}`:                          `{"is_superuser":["Only a superuser can make a group of superusers."]}`,
		fmt.Sprintf(`{"parent":%q}`, admins):             `{"parent":["Only a superuser can put a group below a group of superusers."]}`,
		fmt.Sprintf(`{"parent":%q}`, below):              `{"parent":["Only a superuser can put a group below a group of superusers."]}`,
		fmt.Sprintf(`{"roles":[%q]}`, role):              `{"roles":["Only a superuser can give roles to a group."]}`,
		fmt.Sprintf(`{"name":"x","roles":[%q]}`, role):   `{"roles":["Only a superuser can give roles to a group."]}`,
		fmt.Sprintf(`{"users":[%d],"parent":null}`, ada): "",
	} {
		status := 400
		if want == "" {
			status = 200
		}
		wantAnswer(t, h.as(monas, "PATCH", "core/groups/"+team+"/", body), status, want)
	}
	for _, group := range []string{admins, below} {
		wantAnswer(t, h.as(monas, "PATCH", "core/groups/"+group+"/", fmt.Sprintf(`{"users":[%d]}`, mona)), 400, `{"users":["Only a superuser can change who is in a group of superusers."]}`)
		for _, verb := range []string{"add_user", "remove_user"} {
			wantAnswer(t, h.as(monas, "POST", "core/groups/"+group+"/"+verb+"/", fmt.Sprintf(`{"pk":%d}`, ada)), 403, "")
		}
	}
	wantAnswer(t, h.as(monas, "POST", "core/groups/"+team+"/add_user/", fmt.Sprintf(`{"pk":%d}`, ada)), 204, "")
	for _, unseen := range []int{bob, 9999} { // somebody who may not be seen can't be told from nobody
		wantAnswer(t, h.as(monas, "POST", "core/groups/"+team+"/add_user/", fmt.Sprintf(`{"pk":%d}`, unseen)), 404, `{"detail":"No User matches the given query."}`)
	}
	for _, user := range []int{ada, mona, bob} {
		if h.api("GET", fmt.Sprintf("core/users/%d/", user), nil, 200)["is_superuser"] != false {
			t.Errorf("user %d is a superuser", user)
		}
	}
}

// GHSA-m9h4-7j9c-55x9: of no kind does somebody who only views an object see a secret, in the object itself or in the list.
func TestViewersSeeNoSecrets(t *testing.T) {
	t.Parallel()
	h, callers := openPermissionHouse(t)
	empty := func(v any) bool {
		return v == nil || v == "" || reflect.DeepEqual(v, obj{}) || reflect.DeepEqual(v, []any{}) || func() bool { // codes: each is hidden
			list, ok := v.([]any)
			return ok && !slices.ContainsFunc(list, func(x any) bool {
				one, ok := x.(obj)
				return !ok || slices.ContainsFunc(slices.Collect(maps.Values(one)), func(v any) bool { return v != "" })
			})
		}()
	}
	kinds := map[string]*kind.Kind{}
	for _, k := range h.s.rooms.store.Kinds() {
		kinds[k.Path+"/"] = k
	}
	shown := 0
	for path, at := range h.targets {
		k := kinds[path]
		if k == nil || k.OwnerOnly || at.pk == "" || at.pk == sourceRef || k.Verbs&kind.Retrieve == 0 {
			continue
		}
		for i := range k.Fields {
			f := &k.Fields[i]
			if !f.Secret || !f.OnWire() {
				continue
			}
			if v := h.api("GET", path+at.key+"/", nil, 200)[f.Name]; !empty(v) {
				shown++
			}
			h.grantOnly(at)
			if got := h.as(callers[viewerAsks], "GET", path+at.key+"/", ""); got.status != 200 || !empty(got.json(t)[f.Name]) {
				t.Errorf("%s%s: %d, %s is %v", path, at.key, got.status, f.Name, got.json(t)[f.Name])
			}
			rows := h.as(callers[viewerAsks], "GET", path+"?page_size=500", "").json(t)["results"].([]any)
			if k.Visible == nil && len(rows) == 0 {
				t.Errorf("%s: the viewer's list is empty", path)
			}
			for _, r := range rows {
				if !empty(r.(obj)[f.Name]) {
					t.Errorf("%s: the list shows %s", path, f.Name)
				}
			}
		}
	}
	if shown < 10 {
		t.Errorf("a superuser sees %d secrets only: the others prove nothing", shown)
	}
}
