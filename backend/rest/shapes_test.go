package rest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// A vault has a secret that is no text and an owner who may look at it and not change it; peek shows vaults again and reveals to user 7.
type vault struct {
	ID    string                       `json:"id" is:"required"`
	Owner int64                        `json:"owner" is:"readonly"`
	Gold  map[string]any               `json:"gold" is:"secret"`
	Deep  map[string]map[string]string `json:"deep" is:"computed,required,nullable"`
	From  any                          `json:"from" is:"readonly,quiet"`
}

func (v *vault) Saving(tx *store.Tx, old any) error {
	if old == nil {
		v.Owner = 3
	}
	return nil
}

type peek struct {
	ID   string         `json:"id" is:"required"`
	Gold map[string]any `json:"gold" is:"secret"`
}

type fixed struct {
	PK string `json:"pk" is:"readonly" format:"uuid"`
}

type form struct {
	Name string `json:"name" is:"required"`
	File string `json:"file" is:"required" format:"binary"`
}

func newVaults(t *testing.T) *door {
	t.Helper()
	w := newDoor(t)
	read := kind.Collection("POST", "read", "add", func(_ context.Context, c *kind.Call, in *form) (echo, error) {
		b, err := io.ReadAll(c.Files["file"].Body)
		return echo{in.Name + " " + in.File + " " + string(b)}, err
	})
	read.Multipart = true
	w.s.Use([]*kind.Kind{
		kind.Of[vault](&kind.Family{Name: "vaults", Key: kind.Text, Param: "id"}, kind.Spec{
			Path: "vaults", Model: "lab.vault", Schema: "Vault", Title: "Vault", Owner: "owner", OwnerMay: kind.List | kind.Retrieve, Actions: []kind.Action{read},
			Variants: []kind.Variant{{Title: "Small", About: "A small one.", ModelName: "small"}, {Title: "Big", ModelName: "big"}},
		}, nil),
		kind.Of[peek](&kind.Family{Name: "peeks", Key: kind.Text, Param: "id"}, kind.Spec{
			Path: "peeks", Model: "lab.vault", Schema: "Peek", View: true, Verbs: kind.List | kind.Retrieve,
			Reveal: func(ctx context.Context, _ any) (bool, error) { return store.ActorOf(ctx).UserPK == 7, nil },
		}, nil),
		kind.Of[fixed](&kind.Family{Name: "fixed", Param: "u"}, kind.Spec{Path: "fixed", Model: "lab.fixed", Schema: "Fixed", Verbs: kind.Retrieve | kind.Update}, nil),
	}, w.rec, nil)
	w.api = New(Deps{Store: w.s, Perms: w.perms, CSRF: func(*http.Request) bool { return true }, Log: slog.New(slog.DiscardHandler), Version: "test"})
	return w
}

func TestKeysOwnersAndReveal(t *testing.T) {
	w := newVaults(t)
	if got := w.json("POST", "vaults/", `{"id":"a/b","gold":{"n":1},"from":"me"}`, 201); got["id"] != "a/b" || got["gold"].(map[string]any)["n"] != 1.0 || got["deep"] != nil {
		t.Errorf("%v", got)
	}
	// A body that carries another key leaves the object where it is.
	if got := w.json("PUT", "vaults/a%2Fb/", `{"id":"c","gold":{"n":2}}`, 200); got["id"] != "a/b" || got["gold"].(map[string]any)["n"] != 2.0 {
		t.Errorf("%v", got)
	}
	as := func(pk int64, perms ...string) {
		w.actor = store.Actor{UserPK: pk, Token: "t"}
		w.perms.of[pk] = perms
	}
	as(3)
	if got := w.json("GET", "vaults/a%2Fb/", "", 200); len(got["gold"].(map[string]any)) != 0 {
		t.Errorf("an owner who may not change it sees %v", got)
	}
	w.json("PATCH", "vaults/a%2Fb/", `{"gold":{}}`, 403)
	w.json("POST", "vaults/", `{"id":"x"}`, 403)
	w.json("DELETE", "vaults/a%2Fb/", "", 403)
	as(5, "lab.view_vault")
	if got := w.json("GET", "peeks/a%2Fb/", "", 200); len(got["gold"].(map[string]any)) != 0 {
		t.Errorf("a reader sees %v", got)
	}
	as(7, "lab.view_vault")
	if got := w.json("GET", "peeks/", "", 200)["results"].([]any)[0].(map[string]any); got["gold"].(map[string]any)["n"] != 2.0 {
		t.Errorf("nothing is revealed: %v", got)
	}
}

func TestFormsWithFields(t *testing.T) {
	w := newVaults(t)
	send := func(body string) (int, string) {
		rec := w.do("POST", "vaults/read/", body, "Content-Type", "multipart/form-data; boundary=x")
		return rec.Code, strings.TrimSpace(rec.Body.String())
	}
	part := func(name, more, value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n"
	}
	if code, body := send(part("name", "", "n") + part("file", "; filename=\"f.xml\"", "<a/>") + "--x--\r\n"); code != 200 || body != `{"text":"n f.xml \u003ca/\u003e"}` && body != `{"text":"n f.xml <a/>"}` {
		t.Errorf("%d %s", code, body)
	}
	if code, body := send(part("name", "", "") + "--x--\r\n"); code != 400 || body != `{"file":["This field is required."],"name":["This field may not be blank."]}` {
		t.Errorf("%d %s", code, body)
	}
}

func TestDescriptionOfShapes(t *testing.T) {
	w := newVaults(t)
	b, err := w.api.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]map[string]any `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(doc.Paths["/vaults/read/"]["post"]["requestBody"])
	if string(body) != `{"content":{"multipart/form-data":{"schema":{"$ref":"#/components/schemas/formRequest"}}},"required":true}` {
		t.Errorf("%s", body)
	}
	if doc.Paths["/fixed/{u}/"]["put"]["requestBody"] != nil || doc.Paths["/vaults/{id}/"]["put"]["requestBody"] == nil {
		t.Error("a body is described where there is none, or not where there is one")
	}
	s := doc.Components.Schemas
	if s["VaultRequest"].Properties["from"] != nil || s["Vault"].Properties["from"] == nil || s["FixedRequest"].Properties != nil {
		t.Errorf("%v", s["VaultRequest"])
	}
	deep, _ := json.Marshal(s["Vault"].Properties["deep"])
	if string(deep) != `{"additionalProperties":{"additionalProperties":{"type":"string"},"type":"object"},"nullable":true,"readOnly":true,"type":"object"}` {
		t.Errorf("%s", deep)
	}
}
