package server

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Everybody signed in may read which permissions there are; their numbers stay, and what an action needs is among them.
func TestPermissionList(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	adas := h.tokenOf(ada, "of-ada", "api")
	h.grant(t, bob, "authentik_core.view_user", "")
	role := h.api("POST", "rbac/roles/", obj{"name": "helpers"}, 201)["pk"].(string)
	h.api("POST", "rbac/permissions/assigned_by_roles/"+role+"/assign/", obj{"permissions": []string{"authentik_core.view_group"}}, 204)
	find := func(token, q string) []any {
		t.Helper()
		a := h.as(token, "GET", "rbac/permissions/?page_size=1000&"+q, "")
		if a.status != 200 {
			t.Fatalf("%s: %d %s", q, a.status, a.body)
		}
		return a.json(t)["results"].([]any)
	}
	names := map[string]float64{}
	for _, x := range find(adas, "") {
		p := x.(obj)
		names[p["app_label"].(string)+"."+p["codename"].(string)] = p["id"].(float64)
		for _, member := range []string{"name", "model", "app_label_verbose", "model_verbose"} {
			if p[member] == "" {
				t.Errorf("%v: no %s", p, member)
			}
		}
	}
	for _, want := range []string{
		"authentik_core.add_user", "authentik_core.impersonate", "authentik_rbac.access_admin_interface", "authentik_events.run_task", "authentik_events.view_systemtask", "authentik_flows.export_flow", "authentik_core.view_provider",
		"authentik_flows.view_flowtoken", "authentik_providers_oauth2.delete_accesstoken", "authentik_stages_authenticator_totp.change_totpdevice", "authentik_outposts.view_outpostserviceconnection",
	} {
		if names[want] == 0 {
			t.Errorf("no %s", want)
		}
	}
	for _, not := range []string{"authentik_events.add_systemtask", "authentik_rbac.add_systempermission", "auth.add_permission", "guardian.add_userobjectpermission"} {
		if names[not] != 0 {
			t.Errorf("%s", not)
		}
	}
	for _, k := range h.s.rooms.store.Kinds() {
		for _, a := range k.Actions {
			for _, p := range append([]string{a.Perm}, a.Also...) {
				if p != "" && names[p] == 0 {
					t.Errorf("%s needs %s, which nobody can be given", k.Path+"/"+a.Path, p)
				}
			}
		}
	}
	for _, a := range h.s.rooms.endpoints(h.s.o) {
		for _, p := range append([]string{a.Perm}, a.Also...) {
			if p != "" && names[p] == 0 {
				t.Errorf("%s needs %s, which nobody can be given", a.Path, p)
			}
		}
	}
	for q, want := range map[string][]string{
		"codename=impersonate": {"impersonate"}, "content_type__app_label=authentik_brands": {"add_brand", "change_brand", "delete_brand", "view_brand"}, "content_type__model=systemtask&ordering=codename": {"run_task", "view_systemtask"},
		"search=export_fl": {"export_flow"}, "codename=x": {},
	} {
		got := []string{}
		for _, x := range find(adas, q) {
			got = append(got, x.(obj)["codename"].(string))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", q, got)
		}
	}
	one := h.as(adas, "GET", fmt.Sprintf("rbac/permissions/%v/", names["authentik_core.add_user"]), "").json(t)
	if why := subset(one, obj{"name": "Can add User", "codename": "add_user", "model": "user", "app_label": "authentik_core", "app_label_verbose": "Core", "model_verbose": "User"}); why != "" {
		t.Error(why)
	}
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/99999/", ""), 404, "")
	wantAnswer(t, h.as("", "GET", "rbac/permissions/", ""), 403, "")
	wantAnswer(t, h.as(bootToken, "POST", "rbac/permissions/", "{}"), 405, "")

	// Who holds what is told to who may look at the user or the role.
	if got := find(bootToken, fmt.Sprintf("user=%d", bob)); len(got) != 1 || got[0].(obj)["codename"] != "view_user" {
		t.Errorf("%v", got)
	}
	if got := find(bootToken, "role="+role); len(got) != 1 || got[0].(obj)["codename"] != "view_group" {
		t.Errorf("%v", got)
	}
	wantAnswer(t, h.as(adas, "GET", fmt.Sprintf("rbac/permissions/?user=%d", bob), ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/?role="+role, ""), 403, notAllowed)
	wantAnswer(t, h.as(bootToken, "GET", "rbac/permissions/?user=x", ""), 400, `{"user":["Enter a number."]}`)

	// A second start gives no new numbers; what the program does not know any more goes, with its grants.
	h.write(`INSERT INTO permissions (name, codename, app_label, model) VALUES ('Old', 'view_old', 'authentik_old', 'old')`)
	h.write(`INSERT INTO permission_grants ("user", permission) VALUES (?, 'authentik_old.view_old')`, bob)
	if err := h.s.rooms.roles.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := map[string]float64{}
	for _, x := range find(adas, "") {
		again[x.(obj)["app_label"].(string)+"."+x.(obj)["codename"].(string)] = x.(obj)["id"].(float64)
	}
	if !reflect.DeepEqual(again, names) {
		t.Error("the numbers changed")
	}
	var left int
	if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM permission_grants WHERE permission LIKE 'authentik_old%'`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d %v", left, err)
	}
}

// Permissions are given to users and roles, everywhere or on one object, and taken back; each change is told in an event.
func TestAssignPermissions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999")
	adas, bobs := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(bob, "of-bob", "api")
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	other := h.api("POST", "core/groups/", obj{"name": "others"}, 201)["pk"].(string)
	role := h.api("POST", "rbac/roles/", obj{"name": "helpers"}, 201)["pk"].(string)
	h.api("PATCH", "core/groups/"+other+"/", obj{"roles": []string{role}, "users": []int{bob}}, 200)
	user := func(pk int) string { return fmt.Sprintf("rbac/permissions/assigned_by_users/%d/", pk) }
	ofRole := "rbac/permissions/assigned_by_roles/" + role + "/"

	for body, want := range map[string]string{
		`{}`:                             `{"permissions":["This field is required."]}`,
		`{"permissions":["view_group"]}`: `{"permissions":["When assigning global permissions, codename must be given as app_label.codename"]}`,
		`{"permissions":["authentik_core.view_nothing"]}`:                                                         `{"permissions":["There is no permission authentik_core.view_nothing of that kind."]}`,
		`{"permissions":["view_group"],"model":"authentik_core.group"}`:                                           `{"object_pk":["Model and object are given together or not at all."]}`,
		`{"permissions":["view_group"],"object_pk":"` + group + `"}`:                                              `{"model":["Model and object are given together or not at all."]}`,
		`{"permissions":["view_user"],"model":"authentik_core.group","object_pk":"` + group + `"}`:                `{"permissions":["There is no permission view_user of that kind."]}`,
		`{"permissions":["view_group"],"model":"authentik_core.group","object_pk":"x"}`:                           `{"object_pk":["Invalid pk \"x\" - object does not exist."]}`,
		`{"permissions":["view_group"],"model":"authentik_core.provider","object_pk":"` + group + `"}`:            `{"model":["\"authentik_core.provider\" is not a valid choice."]}`,
		`{"permissions":"view_group"}`:                                                                            `{"permissions":["Expected a list of items but got type \"str\"."]}`,
		`{"permissions":["authentik_core.view_user"],"model":"authentik_core.group","object_pk":"` + group + `"}`: `{"permissions":["There is no permission authentik_core.view_user of that kind."]}`,
		`{"permissions":["authentik_core.view_group","x.y"]}`:                                                     `{"permissions":["There is no permission x.y of that kind."]}`,
	} {
		wantAnswer(t, h.as(bootToken, "POST", user(ada)+"assign/", body), 400, want)
		wantAnswer(t, h.as(bootToken, "POST", ofRole+"assign/", body), 400, want)
	}
	wantAnswer(t, h.as(adas, "GET", "core/groups/"+group+"/", ""), 403, notAllowed)
	before := h.events("model_updated")
	h.api("POST", user(ada)+"assign/", obj{"permissions": []string{"view_group", "authentik_core.change_group"}, "model": "authentik_core.group", "object_pk": strings.ToUpper(group)}, 204)
	h.api("POST", ofRole+"assign/", obj{"permissions": []string{"authentik_core.view_group"}}, 204)
	if n := h.events("model_updated"); n != before+2 {
		t.Errorf("%d events", n-before)
	}
	h.api("POST", ofRole+"assign/", obj{"permissions": []string{"authentik_core.view_group"}}, 204) // once more changes nothing
	if n := h.events("model_updated"); n != before+2 {
		t.Errorf("%d events", n-before)
	}
	last := h.api("GET", "events/events/?action=model_updated&page_size=1&context_model_name=user", nil, 200)["results"].([]any)[0].(obj)["context"].(obj)
	if d := last["diff"].(obj)["permissions"].(obj); fmt.Sprint(d["new_value"]) != "[authentik_core.change_group authentik_core.view_group]" || fmt.Sprint(d["previous_value"]) != "[]" {
		t.Errorf("%v", last)
	}
	wantAnswer(t, h.as(adas, "GET", "core/groups/"+group+"/", ""), 200, "")
	wantAnswer(t, h.as(adas, "GET", "core/groups/"+other+"/", ""), 403, notAllowed)
	wantAnswer(t, h.as(bobs, "GET", "core/groups/"+group+"/", ""), 200, "")
	wantAnswer(t, h.as(bobs, "PATCH", "core/groups/"+group+"/", `{"name":"x"}`), 403, notAllowed)

	// Who holds something on an object, with all superusers.
	q := "?model=authentik_core.group&object_pk=" + group
	rows := h.api("GET", "rbac/permissions/assigned_by_users/"+q, nil, 200)["results"].([]any)
	if len(rows) != 2 || rows[0].(obj)["username"] != "ada" || rows[1].(obj)["username"] != "akadmin" || rows[1].(obj)["is_superuser"] != true || rows[0].(obj)["is_superuser"] != false || len(rows[1].(obj)["permissions"].([]any)) != 0 {
		t.Fatalf("%v", rows)
	}
	if uid := h.api("GET", fmt.Sprintf("core/users/%d/", ada), nil, 200)["uid"]; rows[0].(obj)["uid"] != uid {
		t.Errorf("%v", rows[0])
	}
	perms := rows[0].(obj)["permissions"].([]any)
	if len(perms) != 2 {
		t.Fatalf("%v", perms)
	}
	if why := subset(perms[0].(obj), obj{"codename": "view_group", "model": "group", "app_label": "authentik_core", "object_pk": group, "name": "Can view Group"}); why != "" {
		t.Error(why)
	}
	if rows := h.api("GET", "rbac/permissions/assigned_by_users/?model=authentik_core.token", nil, 200)["results"].([]any); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
	h.api("POST", ofRole+"assign/", obj{"permissions": []string{"delete_group"}, "model": "authentik_core.group", "object_pk": other}, 204)
	roles := h.api("GET", "rbac/permissions/assigned_by_roles/?model=authentik_core.group", nil, 200)["results"].([]any)
	if len(roles) != 1 || roles[0].(obj)["role_pk"] != role || roles[0].(obj)["name"] != "helpers" || len(roles[0].(obj)["permissions"].([]any)) != 1 {
		t.Errorf("%v", roles)
	}
	if roles := h.api("GET", "rbac/permissions/assigned_by_roles/"+q, nil, 200)["results"].([]any); len(roles) != 0 {
		t.Errorf("%v", roles)
	}
	wantAnswer(t, h.as(bootToken, "GET", "rbac/permissions/assigned_by_users/", ""), 400, `{"model":["This field is required."]}`)
	wantAnswer(t, h.as(bootToken, "GET", "rbac/permissions/assigned_by_roles/?model=x.y", ""), 400, `{"model":["Select a valid choice. x.y is not one of the available choices."]}`)
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/assigned_by_users/"+q, ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/assigned_by_roles/"+q, ""), 403, notAllowed)

	// The lists of one user and one role, with what the objects are called for who may look at them.
	mine := h.api("GET", fmt.Sprintf("rbac/permissions/users/?page_size=100&user_id=%d", ada), nil, 200)["results"].([]any)
	if len(mine) != 2 {
		t.Fatalf("%v", mine)
	}
	if why := subset(mine[0].(obj), obj{"codename": "view_group", "object_pk": group, "object_description": "staff", "app_label_verbose": "Core", "model_verbose": "Group"}); why != "" {
		t.Error(why)
	}
	theirs := h.api("GET", "rbac/permissions/roles/?uuid="+role, nil, 200)["results"].([]any)
	if len(theirs) != 1 || theirs[0].(obj)["object_description"] != "others" {
		t.Errorf("%v", theirs)
	}
	h.grant(t, bob, "authentik_core.view_user", fmt.Sprint(ada))
	seen := h.as(bobs, "GET", fmt.Sprintf("rbac/permissions/users/?user_id=%d", ada), "").json(t)["results"].([]any)
	if len(seen) != 2 || seen[0].(obj)["object_description"] != "staff" {
		t.Errorf("%v", seen)
	}
	h.api("PATCH", ofRole+"unassign/", obj{"permissions": []string{"authentik_core.view_group"}}, 204)
	seen = h.as(bobs, "GET", fmt.Sprintf("rbac/permissions/users/?user_id=%d", ada), "").json(t)["results"].([]any)
	if len(seen) != 2 || seen[0].(obj)["object_description"] != nil {
		t.Errorf("%v", seen)
	}
	wantAnswer(t, h.as(bobs, "GET", "core/groups/"+group+"/", ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", fmt.Sprintf("rbac/permissions/users/?user_id=%d", bob), ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/roles/?uuid="+role, ""), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "rbac/permissions/users/", ""), 400, `{"user_id":["This field is required."]}`)
	for range 12 {
		g := h.api("POST", "core/groups/", obj{"name": fmt.Sprintf("many-%d", h.events("model_created"))}, 201)["pk"].(string)
		h.grant(t, bob, "authentik_core.view_group", g)
	}
	if rows := h.api("GET", fmt.Sprintf("rbac/permissions/users/?page_size=100&user_id=%d", bob), nil, 200)["results"].([]any); len(rows) != 10 {
		t.Errorf("%d on a page", len(rows))
	}

	// What is deleted leaves no grants behind, and nothing of another kind with the same number goes.
	h.grant(t, bob, "authentik_core.reset_user_password", fmt.Sprint(ada))
	h.grant(t, bob, "authentik_providers_oauth2.view_oauth2provider", fmt.Sprint(ada))
	h.api("DELETE", "core/groups/"+group+"/", nil, 204)
	h.api("DELETE", fmt.Sprintf("core/users/%d/", ada), nil, 204)
	for object, want := range map[string]int{group: 0, fmt.Sprint(ada): 1} {
		var n int
		if err := h.s.db.QueryRow(t.Context(), `SELECT count(*) FROM permission_grants WHERE object = ?`, object).Scan(&n); err != nil || n != want {
			t.Errorf("%s: %d %v", object, n, err)
		}
	}
}

// Who may give permissions and not do everything passes on only what they hold; nobody gives themselves more.
func TestAssignNoMoreThanHeld(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	mona, ada := h.addUser("mona", "manager-1999"), h.addUser("ada", "lovelace-1815")
	monas, adas := h.tokenOf(mona, "of-mona", "api"), h.tokenOf(ada, "of-ada", "api")
	group := h.api("POST", "core/groups/", obj{"name": "staff"}, 201)["pk"].(string)
	role := h.api("POST", "rbac/roles/", obj{"name": "helpers"}, 201)["pk"].(string)
	outpost := h.api("POST", "core/users/", obj{"username": "outpost", "name": "outpost"}, 201)
	h.write(`UPDATE users SET type = 'internal_service_account' WHERE pk = ?`, int(outpost["pk"].(float64)))
	at := func(pk int, verb string) string {
		return fmt.Sprintf("rbac/permissions/assigned_by_users/%d/%s/", pk, verb)
	}
	global, one := `{"permissions":["authentik_core.view_group"]}`, `{"permissions":["view_group"],"model":"authentik_core.group","object_pk":"`+group+`"}`
	for _, body := range []string{global, one} {
		wantAnswer(t, h.as(adas, "POST", at(ada, "assign"), body), 403, notAllowed)
		wantAnswer(t, h.as(adas, "PATCH", at(ada, "unassign"), body), 403, notAllowed)
		wantAnswer(t, h.as(adas, "POST", "rbac/permissions/assigned_by_roles/"+role+"/assign/", body), 403, notAllowed)
		wantAnswer(t, h.as(adas, "PATCH", "rbac/permissions/assigned_by_roles/"+role+"/unassign/", body), 403, notAllowed)
		wantAnswer(t, h.as("", "POST", at(ada, "assign"), body), 403, "")
	}
	h.grants(mona, "authentik_core.assign_user_permissions", "authentik_rbac.assign_role_permissions", "authentik_core.view_group "+group)
	const more = `{"detail":"You can only pass on permissions that you hold yourself."}`
	wantAnswer(t, h.as(monas, "POST", at(mona, "assign"), `{"permissions":["authentik_rbac.edit_system_settings"]}`), 403, more)
	wantAnswer(t, h.as(monas, "POST", at(ada, "assign"), global), 403, more)
	wantAnswer(t, h.as(monas, "POST", "rbac/permissions/assigned_by_roles/"+role+"/assign/", global), 403, more)
	wantAnswer(t, h.as(monas, "POST", at(ada, "assign"), strings.Replace(one, `"view_group"`, `"view_group","change_group"`, 1)), 403, more)
	wantAnswer(t, h.as(monas, "POST", at(ada, "assign"), one), 204, "")
	wantAnswer(t, h.as(adas, "GET", "core/groups/"+group+"/", ""), 200, "")
	wantAnswer(t, h.as(monas, "PATCH", at(ada, "unassign"), one), 403, notAllowed)
	h.grants(mona, "authentik_core.unassign_user_permissions "+fmt.Sprint(ada))
	wantAnswer(t, h.as(monas, "PATCH", at(ada, "unassign"), one), 204, "")
	wantAnswer(t, h.as(monas, "PATCH", at(mona, "unassign"), one), 403, notAllowed)
	wantAnswer(t, h.as(adas, "GET", "core/groups/"+group+"/", ""), 403, notAllowed)
	pk := int(outpost["pk"].(float64))
	wantAnswer(t, h.as(bootToken, "POST", at(pk, "assign"), global), 400, `{"non_field_errors":["Permissions cannot be assigned to an internal service account."]}`)
	wantAnswer(t, h.as(bootToken, "PATCH", at(pk, "unassign"), global), 400, `{"non_field_errors":["Permissions cannot be unassigned from an internal service account."]}`)
	wantAnswer(t, h.as(bootToken, "POST", at(99999, "assign"), global), 404, "")
	wantAnswer(t, h.as(bootToken, "POST", "rbac/permissions/assigned_by_roles/6ba7b810-9dad-11d1-80b4-00c04fd430c8/assign/", global), 404, "")
}

// What clients were given is seen and taken back by its owner, and never shows the secret.
func TestGivenToClients(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	ada, bob, rita := h.addUser("ada", "lovelace-1815"), h.addUser("bob", "builder-1999"), h.addUser("rita", "reader-1999")
	adas, bobs, ritas := h.tokenOf(ada, "of-ada", "api"), h.tokenOf(bob, "of-bob", "api"), h.tokenOf(rita, "of-rita", "api")
	wiki := h.addApp("wiki", nil)
	b := h.signedIn("ada", "lovelace-1815")
	authorize := strings.Replace(wiki.authorize(), "scope=", "scope=offline_access+", 1)
	tokens := h.exchange(wiki, b.code(authorize).Get("code"))
	open := b.code(authorize).Get("code")
	access, refresh := tokens["access_token"].(string), tokens["refresh_token"].(string)
	provider := int(h.api("GET", "providers/oauth2/?client_id="+wiki.id, nil, 200)["results"].([]any)[0].(obj)["pk"].(float64))
	h.grant(t, rita, "authentik_providers_oauth2.view_accesstoken", "")
	userinfo := func() int {
		return h.browser().get("/application/o/userinfo/", "Authorization", "Bearer "+access).status
	}
	for _, tt := range []struct {
		path   string
		secret string
		rows   int
	}{{"oauth2/access_tokens/", access, 1}, {"oauth2/refresh_tokens/", refresh, 1}, {"oauth2/authorization_codes/", open, 2}} {
		list := func(token, q string) []any {
			t.Helper()
			a := h.as(token, "GET", tt.path+"?"+q, "")
			if a.status != 200 {
				t.Fatalf("%s?%s: %d %s", tt.path, q, a.status, a.body)
			}
			for _, secret := range []string{access, refresh, open, wiki.secret} {
				if strings.Contains(a.body, secret) {
					t.Errorf("%s shows a secret", tt.path)
				}
			}
			return a.json(t)["results"].([]any)
		}
		rows := list(adas, "")
		if len(rows) != tt.rows || len(list(bobs, "")) != 0 || len(list(bootToken, "")) != tt.rows {
			t.Fatalf("%s: %v", tt.path, rows)
		}
		r := rows[0].(obj) // of the codes the one that was not used: it ends first
		if r["user"].(obj)["username"] != "ada" || r["provider"].(obj)["client_id"] != wiki.id || r["provider"].(obj)["client_secret"] != "" || r["provider"].(obj)["assigned_application_slug"] != "wiki" || r["is_expired"] != false || !slices.Contains(r["scope"].([]any), any("openid")) {
			t.Errorf("%s: %v", tt.path, r)
		}
		for q, want := range map[string]int{fmt.Sprintf("provider=%d", provider): tt.rows, "provider=9999": 0, fmt.Sprintf("user=%d", ada): tt.rows, fmt.Sprintf("user=%d", bob): 0} {
			if got := list(bootToken, q); len(got) != want {
				t.Errorf("%s?%s: %d", tt.path, q, len(got))
			}
		}
		at := fmt.Sprintf("%s%v/", tt.path, r["pk"])
		wantAnswer(t, h.as(adas, "GET", at, ""), 200, "")
		wantAnswer(t, h.as(adas, "GET", at+"used_by/", ""), 200, `[]`)
		for _, m := range []string{"GET", "DELETE"} {
			wantAnswer(t, h.as(bobs, m, at, ""), 404, "")
		}
		wantAnswer(t, h.as(bobs, "GET", at+"used_by/", ""), 404, "")
		wantAnswer(t, h.as(adas, "PATCH", at, `{"revoked":false}`), 405, "")
		if tt.path == "oauth2/access_tokens/" {
			claims := r["id_token"].(string)
			if !strings.Contains(claims, "\n    \"") || !strings.Contains(claims, `"sub"`) || r["revoked"] != false {
				t.Errorf("%v", r)
			}
			wantAnswer(t, h.as(ritas, "GET", at, ""), 200, "")
			wantAnswer(t, h.as(ritas, "DELETE", at, ""), 403, notAllowed)
			if s := userinfo(); s != 200 {
				t.Errorf("userinfo %d", s)
			}
		} else if a := h.as(ritas, "GET", at, ""); a.status != 404 {
			t.Errorf("%s: %d", at, a.status)
		}
		before := h.events("model_deleted")
		wantAnswer(t, h.as(adas, "DELETE", at, ""), 204, "")
		if h.events("model_deleted") != before+1 {
			t.Errorf("%s: no event", tt.path)
		}
		wantAnswer(t, h.as(adas, "GET", at, ""), 404, "")
	}
	if s := userinfo(); s != 401 {
		t.Errorf("userinfo with what was taken back: %d", s)
	}
	if a := h.token(wiki, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}); a.status != 400 {
		t.Errorf("refresh with what was taken back: %d", a.status)
	}
	if a := h.token(wiki, url.Values{"grant_type": {"authorization_code"}, "code": {open}, "redirect_uri": {wiki.redirect}, "code_verifier": {verifier}}); a.status != 400 {
		t.Errorf("a code that was taken back: %d", a.status)
	}
}
