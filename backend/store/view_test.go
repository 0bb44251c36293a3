package store

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/kind"
)

// safe holds a secret that is no text; peep shows safes in another shape; box is the same in a table of its own.
type safe struct {
	PK     string         `json:"pk" is:"readonly" format:"uuid"`
	Name   string         `json:"name" is:"required"`
	Inside map[string]any `json:"inside" is:"secret"`
	Word   string         `json:"word" is:"secret"`
}

type peep struct {
	PK   string `json:"pk" is:"readonly" format:"uuid"`
	Name string `json:"name" is:"required"`
	Word string `json:"word" is:"secret"`
}

type box struct {
	PK     int64          `json:"pk" is:"readonly"`
	Inside map[string]any `json:"inside" is:"secret"`
}

func TestSecretsThatAreNoTexts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, err := db.Open(t.Context(), filepath.Join(dir, "gatehouse.db"), db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	key, err := crypt.LoadOrCreateKey(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE boxes (pk INTEGER PRIMARY KEY AUTOINCREMENT, inside TEXT NOT NULL)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s := New(d, key, time.Now)
	safes := kind.Of[safe](&kind.Family{Name: "safes", Param: "u"}, kind.Spec{Model: "bank.safe", Schema: "Safe"}, nil)
	peeps := kind.Of[peep](&kind.Family{Name: "peeps", Param: "u"}, kind.Spec{Model: "bank.safe", Schema: "Peep", View: true, Where: "o.name <> 'dark'"}, nil)
	boxes := kind.Of[box](&kind.Family{Name: "boxes", Key: kind.Int, Param: "id"}, kind.Spec{Model: "bank.box", Schema: "Box", Table: "boxes"}, nil)
	s.Use([]*kind.Kind{safes, peeps, boxes}, nil, nil)
	ctx := WithActor(t.Context(), House)
	want := map[string]any{"gold": "much", "deep": map[string]any{"er": []any{"x"}}}
	a, dark, b := &safe{Name: "a", Inside: want, Word: "sesame"}, &safe{Name: "dark"}, &box{Inside: want}
	for _, o := range []any{a, dark, b} {
		if err := s.Create(ctx, o); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Get[safe](ctx, s, a.PK)
	if err != nil || !reflect.DeepEqual(got.Inside, want) || got.Word != "sesame" {
		t.Errorf("%+v %v", got, err)
	}
	inBox, err := Get[box](ctx, s, "1")
	if err != nil || !reflect.DeepEqual(inBox.Inside, want) {
		t.Errorf("%+v %v", inBox, err)
	}
	for _, q := range []string{`SELECT body FROM object WHERE pk = ?`, `SELECT inside FROM boxes WHERE pk <> ?`} {
		var text string
		if err := d.QueryRow(ctx, q, a.PK).Scan(&text); err != nil || strings.Contains(text, "gold") || strings.Contains(text, "sesame") {
			t.Errorf("a secret lies open: %s %v", text, err)
		}
	}
	// A view reads rows of the other kind and is not found by its model.
	if k := s.Kind("bank.safe"); k != safes || len(s.Family("peeps")) != 0 {
		t.Errorf("%v", k)
	}
	page, err := s.List(ctx, peeps, Query{PageSize: 10})
	if err != nil || page.Count != 1 || page.Rows[0].(*peep).Word != "sesame" || s.KindFor(page.Rows[0]) != peeps {
		t.Errorf("%+v %v", page, err)
	}
}
