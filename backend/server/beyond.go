package server

import (
	"context"
	"net/http"

	"gatehouse/backend/bulk"
	"gatehouse/backend/kind"
	"gatehouse/backend/rest"
	"gatehouse/backend/search"
	"gatehouse/backend/sheet"
	"gatehouse/backend/store"
	"gatehouse/backend/undo"
)

// guard asks the door of the API what the caller may do. The rooms that ask are wired before the door is there.
type guard struct{ r *rooms }

// Allowed says nil when the caller may do that with an object.
func (g guard) Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error {
	return g.r.api.Allowed(ctx, k, obj, verb)
}

// Reach narrows a query to what the caller may look at.
func (g guard) Reach(ctx context.Context, k *kind.Kind) (store.Query, bool, error) {
	return g.r.api.Reach(ctx, k)
}

// Uses gives who points at an object, as far as the caller may see them.
func (g guard) Uses(ctx context.Context, k *kind.Kind, pk string) ([]store.Use, error) {
	return g.r.api.Uses(ctx, k, pk)
}

// beyond are the operations that the published API does not have, for objects of every kind.
func (r *rooms) beyond() []kind.Action {
	g := guard{r}
	var out []kind.Action
	for _, list := range [][]kind.Action{
		(&search.Room{Store: r.store, Guard: g}).Endpoints(), (&bulk.Room{Store: r.store, Guard: g}).Endpoints(),
		(&undo.Room{Store: r.store, Events: r.events, Guard: g}).Endpoints(), r.sheets().Endpoints(), r.host.Endpoints(r.roles.May),
	} {
		out = append(out, list...)
	}
	return out
}

func (r *rooms) sheets() *sheet.Room { return &sheet.Room{Store: r.store, Guard: guard{r}} }

// exports describes the streams that takeOut hangs.
func exports() []rest.Stream {
	var out []rest.Stream
	for _, s := range sheet.Sheets {
		out = append(out, rest.Stream{Method: http.MethodGet, Path: "gatehouse/csv/" + s.Name, ID: "gatehouse_csv_" + s.Name + "_retrieve",
			Summary: "All " + s.Name + " that the caller may look at, as a CSV file.", Media: "text/csv"})
	}
	return out
}

// takeOut hangs the exports.
func (r *rooms) takeOut(api *rest.API) {
	for _, s := range sheet.Sheets {
		api.Raw(http.MethodGet, "gatehouse/csv/"+s.Name, "", func(w http.ResponseWriter, req *http.Request) {
			begun := false
			err := r.sheets().Export(req.Context(), s, w, func() {
				begun = true
				h := w.Header()
				h.Set("Content-Type", "text/csv; charset=utf-8")
				h.Set("Content-Disposition", `attachment; filename="`+s.Name+`.csv"`)
				h.Set("Cache-Control", "no-store")
			})
			switch {
			case err == nil:
			case !begun:
				api.Fail(w, req, err)
			default:
				r.log.ErrorContext(req.Context(), "an export broke off", "sheet", s.Name, "error", err)
				panic(http.ErrAbortHandler) // the file must not look whole
			}
		})
	}
}
