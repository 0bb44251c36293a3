package rest

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

type gadget struct {
	PK    string `json:"pk" is:"readonly" format:"uuid"`
	Name  string `json:"name" is:"required"`
	Owner int64  `json:"owner" is:"hidden"`
	Score int64  `json:"score" format:"int64"`
}

// What people own is reached by its owner only; admins have the same objects at another path, where there is no owner.
func TestTwin(t *testing.T) {
	w := newDoor(t)
	k := kind.Of[gadget](&kind.Family{Name: "gadgets", Param: "gadget_uuid"}, kind.Spec{
		Path: "gadgets", Model: "lab.gadget", Schema: "Gadget", Title: "Gadget", Owner: "owner", OwnerOnly: true, Verbs: kind.AllVerbs &^ kind.Create,
		Twin: &kind.Twin{Path: "gadgets/admin", Verbs: kind.AllVerbs &^ kind.UsedBy},
	}, nil)
	w.s.Use(append(w.s.Kinds(), k), w.rec, nil)
	w.api = New(Deps{Store: w.s, Perms: w.perms, CSRF: func(*http.Request) bool { return true }, Log: slog.New(slog.DiscardHandler), Version: "test"})
	own := &gadget{Name: "of 7", Owner: 7}
	if err := w.s.Write(t.Context(), store.House, func(tx *store.Tx) error { return tx.Create(own) }); err != nil {
		t.Fatal(err)
	}
	const gone, no = `{"detail":"No Gadget matches the given query."}`, `{"detail":"You do not have permission to perform this action."}`
	mine, admin := "gadgets/"+own.PK+"/", "gadgets/admin/"+own.PK+"/"
	w.run(t, []scenario{
		{"an admin does not own it", "GET", mine, "", 404, gone, nil, nil},
		{"nor may they change it there", "PATCH", mine, `{"name":"x"}`, 404, gone, nil, nil},
		{"nor delete", "DELETE", mine, "", 404, gone, nil, nil},
		{"nor ask who uses it", "GET", mine + "used_by/", "", 404, gone, nil, nil},
		{"nor is it in the list", "GET", "gadgets/", "", 200, `"count":0,…`, nil, nil},
		{"nothing is made there", "POST", "gadgets/", `{"name":"x"}`, 405, `Method \"POST\" not allowed…`, nil, nil},
		{"the twin's list", "GET", "gadgets/admin/", "", 200, `"count":1,…`, nil, nil},
		{"the twin's one", "GET", admin, "", 200, `"name":"of 7"…`, nil, nil},
		{"changed through the twin", "PATCH", admin, `{"name":"renamed","owner":1}`, 200, `"name":"renamed"…`, []string{"model_updated renamed"}, nil},
		{"the twin has no used_by", "GET", admin + "used_by/", "", 404, `{"detail":"Not found."}`, nil, nil},
		{"made through the twin", "POST", "gadgets/admin/", `{"name":"new"}`, 201, `"name":"new"…`, []string{"model_created new"}, nil},
	})
	w.actor = store.Actor{UserPK: 7, Token: "t"}
	w.run(t, []scenario{
		{"the owner's list", "GET", "gadgets/", "", 200, `"count":1,…`, nil, nil},
		{"the owner's one", "GET", mine, "", 200, `"name":"renamed"…`, nil, nil},
		{"the owner is no admin", "GET", "gadgets/admin/", "", 403, no, nil, nil},
		{"nor of their own", "GET", admin, "", 403, no, nil, nil},
		{"nor makes any", "POST", "gadgets/admin/", `{"name":"x"}`, 403, no, nil, nil},
	})
	w.perms.of[7] = []string{"lab.view_gadget"}
	w.run(t, []scenario{
		{"permission opens the twin", "GET", "gadgets/admin/", "", 200, `"count":2,…`, nil, nil},
		{"and not what others own", "GET", "gadgets/", "", 200, `"count":1,…`, nil, nil},
		{"the owner deletes", "DELETE", mine, "", 204, "", []string{"model_deleted renamed"}, nil},
	})
	b, err := w.api.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct {
			Schemas map[string]struct{ Properties map[string]map[string]any }
		}
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string]string{
		"/gadgets/ get": "gadgets_list", "/gadgets/ post": "", "/gadgets/{gadget_uuid}/used_by/ get": "gadgets_used_by_list",
		"/gadgets/admin/ post": "gadgets_admin_create", "/gadgets/admin/{gadget_uuid}/ patch": "gadgets_admin_partial_update", "/gadgets/admin/{gadget_uuid}/used_by/ get": "",
	} {
		path, method, _ := strings.Cut(at, " ")
		if got := doc.Paths[path][method].OperationID; got != want {
			t.Errorf("%s: %q", at, got)
		}
	}
	if p := doc.Components.Schemas["Gadget"].Properties; p["score"]["format"] != "int64" || p["owner"] != nil {
		t.Errorf("%v", p)
	}
}
