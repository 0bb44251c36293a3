package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

type notice struct {
	PK    string `json:"pk" is:"readonly" format:"uuid"`
	Name  string `json:"name" is:"required"`
	Owner int64  `json:"owner" is:"hidden"`
}

type need struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required"`
}

type sheet struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required,search"`
}

type verdict struct {
	Logs []string `json:"logs" is:"required"`
	Good bool     `json:"good" is:"required"`
}

type colours struct {
	Colour string `json:"colour" is:"required"`
}

// Choices implements kind.Chooser.
func (colours) Choices() map[string][]string { return map[string][]string{"colour": {"red", "green"}} }

// A kind may open verbs to everybody signed in, bound its pages, need a filter, show no type, be described without security, and have
// actions that refuse in a shape of their own.
func TestOpenKinds(t *testing.T) {
	w := newDoor(t)
	judge := kind.Collection("POST", "judge", "add", func(_ context.Context, _ *kind.Call, in *colours) (verdict, error) {
		if in.Colour == "red" {
			out := verdict{Logs: []string{"red"}}
			return out, kind.Refuse(out)
		}
		return verdict{Logs: []string{}, Good: true}, nil
	})
	judge.Refuses = judge.Out
	file := kind.Collection("GET", "file", "view", func(context.Context, *kind.Call, *kind.None) (kind.Download, error) {
		return kind.Download{Name: "x.txt", Type: "text/plain", Body: []byte("x")}, nil
	})
	sheets := kind.Of[sheet](&kind.Family{Name: "sheets", Param: "sheet_uuid", Typed: true}, kind.Spec{
		Path: "sheets", Model: "lab.sheet", Schema: "Sheet", Title: "Sheet", Open: kind.List | kind.Retrieve, PageMax: 2, Plain: true, Unlisted: true, By: []string{},
		Actions: []kind.Action{judge, file},
	}, nil)
	number := kind.Number("number", "1")
	number.Required = true
	needs := kind.Of[need](&kind.Family{Name: "needs", Param: "need_uuid"}, kind.Spec{
		Path: "needs", Model: "lab.need", Schema: "Need", Title: "Need", View: true, Verbs: kind.List, Open: kind.List, Filters: []kind.Filter{number},
	}, nil)
	notices := kind.Of[notice](&kind.Family{Name: "notices", Param: "notice_uuid"}, kind.Spec{
		Path: "notices", Model: "lab.notice", Schema: "Notice", Title: "Notice", Owner: "owner", OwnerOnly: true, ListAll: true,
	}, nil)
	w.s.Use(append(w.s.Kinds(), needs, sheets, notices), w.rec, nil)
	w.api = New(Deps{Store: w.s, Perms: w.perms, CSRF: func(*http.Request) bool { return true }, Log: slog.New(slog.DiscardHandler), Version: "test"})
	var first string
	if err := w.s.Write(t.Context(), store.House, func(tx *store.Tx) error {
		for i := range 5 {
			s := &sheet{Name: fmt.Sprint("sheet ", i)}
			if err := tx.Create(s); err != nil {
				return err
			}
			first = s.PK
		}
		return tx.Create(&notice{Name: "of 8", Owner: 8})
	}); err != nil {
		t.Fatal(err)
	}
	const no = `{"detail":"You do not have permission to perform this action."}`
	w.actor = store.Actor{UserPK: 7, Token: "t"}
	w.run(t, []scenario{
		{"open to anybody signed in", "GET", "sheets/?page_size=100", "", 200, `"count":5,"current":1,"total_pages":3,"start_index":1,"end_index":2…`, nil, nil},
		{"one of them", "GET", "sheets/" + first + "/", "", 200, `{"pk":"` + first + `","name":"sheet 4"}`, nil, nil},
		{"no key", "GET", "sheets/x/", "", 404, `{"detail":"No Sheet matches the given query."}`, nil, nil},
		{"not to change", "PATCH", "sheets/" + first + "/", `{"name":"x"}`, 403, no, nil, nil},
		{"nor to delete", "DELETE", "sheets/" + first + "/", "", 403, no, nil, nil},
		{"nor to make", "POST", "sheets/", `{"name":"x"}`, 403, no, nil, nil},
		{"a filter that is needed", "GET", "needs/", "", 400, `{"number":["This field is required."]}`, nil, nil},
		{"and has to be a number", "GET", "needs/?number=x", "", 400, `{"number":["Enter a number."]}`, nil, nil},
		{"with it", "GET", "needs/?number=1", "", 200, `"count":0,…`, nil, nil},
		{"what others own", "GET", "notices/", "", 200, `"count":0,…`, nil, nil},
	})
	w.perms.of[7] = []string{"lab.view_notice", "lab.add_sheet", "lab.view_sheet"}
	w.run(t, []scenario{
		{"who may view all lists all", "GET", "notices/", "", 200, `"count":1,…`, nil, nil},
		{"an action refuses in its own shape", "POST", "sheets/judge/", `{"colour":"red"}`, 400, `{"logs":["red"],"good":false}`, nil, nil},
		{"or does it", "POST", "sheets/judge/", `{"colour":"green"}`, 200, `{"logs":[],"good":true}`, nil, nil},
		{"choices of a type", "POST", "sheets/judge/", `{"colour":"blue"}`, 400, `{"colour":["\"blue\" is not a valid choice."]}`, nil, nil},
		{"a file", "GET", "sheets/file/", "", 200, "x", nil, nil},
	})
	b, err := w.api.Schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths      map[string]map[string]map[string]any
		Components struct{ Schemas map[string]map[string]any }
	}
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for path, listed := range map[string]bool{"/sheets/": false, "/sheets/{sheet_uuid}/": false, "/sheets/file/": false, "/needs/": true} {
		if _, there := doc.Paths[path]["get"]["security"]; there != listed {
			t.Errorf("%s: security %t", path, there)
		}
	}
	at := func(v any, path ...string) any {
		for _, p := range path {
			m, _ := v.(map[string]any)
			v = m[p]
		}
		return v
	}
	if got := at(doc.Paths["/sheets/judge/"]["post"], "responses", "400", "content", "application/json", "schema", "$ref"); got != "#/components/schemas/verdict" {
		t.Errorf("%v", got)
	}
	if got := at(doc.Paths["/sheets/file/"]["get"], "responses", "200", "content", "application/json", "schema", "format"); got != "binary" {
		t.Errorf("%v", got)
	}
	if got := at(doc.Components.Schemas["coloursRequest"], "properties", "colour", "enum"); fmt.Sprint(got) != "[red green]" {
		t.Errorf("%v", got)
	}
	if _, typed := at(doc.Components.Schemas["Sheet"], "properties").(map[string]any)["component"]; typed {
		t.Error("a plain kind is described with a type")
	}
	params, _ := doc.Paths["/needs/"]["get"]["parameters"].([]any)
	required := false
	for _, p := range params {
		required = required || at(p, "name") == "number" && at(p, "required") == true
	}
	if !required {
		t.Error("the needed filter is not described so")
	}
}
