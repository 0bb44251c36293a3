// Package search finds objects of every kind by what they are called: one question over everything that the caller may look at.
//
//	text ─▶ kinds with names ▸ what the caller may see of each ─▶ store.Search ─▶ best first, with the address of the admin page
package search

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Guard says what of a kind the caller may look at; ok is false for nothing.
type Guard interface {
	Reach(ctx context.Context, k *kind.Kind) (q store.Query, ok bool, err error)
}

// Room searches.
type Room struct {
	Store *store.Store
	Guard Guard
}

// Hit is one object that was found.
type Hit struct {
	Model    string `json:"model" is:"required,readonly" help:"App label and name of the kind, as permissions and events have it."`
	Kind     string `json:"kind" is:"required,readonly" help:"What people call the kind."`
	PK       string `json:"pk" is:"required,readonly"`
	Title    string `json:"title" is:"required,readonly"`
	Subtitle string `json:"subtitle" is:"required,readonly"`
	URL      string `json:"url" is:"required,readonly" help:"Where the admin pages show it; empty when they do not."`
}

// SchemaName implements kind.SchemaNamer.
func (Hit) SchemaName() string { return "GatehouseSearchHit" }

// Found is the answer to a search.
type Found struct {
	Results []Hit `json:"results" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Found) SchemaName() string { return "GatehouseSearch" }

// How many objects of a kind are given when nobody says, and at most.
const (
	usual   = 5
	highest = 25
)

// Endpoints are the operations of this room.
func (r *Room) Endpoints() []kind.Action {
	find := kind.Do("GET", "gatehouse/search", r.find)
	find.Access, find.Summary = kind.SignedIn, "Objects of every kind whose names hold a text, as far as the caller may look at them."
	find.Query = []kind.Param{{Name: "limit", Type: "integer", Help: "How many of each kind, 25 at most."}, {Name: "search", Type: "string", Required: true}}
	return []kind.Action{find}
}

func (r *Room) find(ctx context.Context, c *kind.Call, _ *kind.None) (Found, error) {
	out := Found{Results: []Hit{}}
	per := usual
	if v := c.Query.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return out, fault.Field("limit", "Enter a number from 1 to 25.")
		}
		per = min(n, highest)
	}
	text := strings.TrimSpace(c.Query.Get("search"))
	if text == "" {
		return out, fault.Field("search", "This field is required.")
	}
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return out, fault.Field("search", "Null characters are not allowed.")
	}
	var in []store.Within
	for _, k := range r.Store.Kinds() {
		if !named(k) {
			continue
		}
		q, ok, err := r.Guard.Reach(ctx, k)
		if err != nil {
			return out, err
		}
		if ok {
			in = append(in, store.Within{Kind: k, Query: q})
		}
	}
	rows, err := r.Store.Search(ctx, in, text, per)
	if err != nil {
		return out, err
	}
	for _, obj := range rows {
		k := r.Store.KindFor(obj)
		out.Results = append(out.Results, Hit{Model: k.Model, Kind: k.Title, PK: k.PK(obj), Title: k.Name(obj), Subtitle: subtitle(k, obj), URL: address(k, obj)})
	}
	slices.SortStableFunc(out.Results, func(a, b Hit) int { return cmp.Compare(distance(a, text), distance(b, text)) })
	return out, nil
}

// named says whether objects of a kind have names that people look for: those that are made, changed and deleted one by one.
func named(k *kind.Kind) bool {
	if k.View || k.IsBase() || k.Path == "" || k.Verbs != kind.AllVerbs {
		return false
	}
	return slices.ContainsFunc(k.Fields, func(f kind.Field) bool {
		return f.Search && slices.Contains([]string{"name", "identifier", "domain", "username"}, f.Name)
	})
}

// subtitle is the first other thing that an object is found by.
func subtitle(k *kind.Kind, obj any) string {
	title := k.Name(obj)
	for i := range k.Fields {
		f := &k.Fields[i]
		if !f.Search || f.Type != "string" || f.Secret || !f.OnWire() {
			continue
		}
		if v := k.Value(obj, f); v.Kind().String() == "string" && v.String() != "" && v.String() != title {
			return v.String()
		}
	}
	return ""
}

// distance orders hits: what is called so, what begins so, what holds it.
func distance(h Hit, text string) int {
	title, sub, text := strings.ToLower(h.Title), strings.ToLower(h.Subtitle), strings.ToLower(text)
	switch {
	case title == text || sub == text:
		return 0
	case strings.HasPrefix(title, text):
		return 1
	case strings.HasPrefix(sub, text):
		return 2
	}
	return 3
}
