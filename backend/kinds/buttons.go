package kinds

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/source"
	"gatehouse/backend/stage/identification"
)

// buttons gives the sources among some that people can be sent to.
func buttons(r Rooms) func(ctx context.Context, pks []string, next string) ([]identification.Button, error) {
	return func(ctx context.Context, pks []string, next string) ([]identification.Button, error) {
		var rows []any
		for _, pk := range pks {
			_, obj, err := r.Store.GetIn(ctx, source.Family.Name, pk)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if s, ok := obj.(source.Enterable); ok && s.Source().Enabled {
				rows = append(rows, obj)
			}
		}
		if err := source.Present(ctx, rows, nil); err != nil {
			return nil, err
		}
		var out []identification.Button
		for _, row := range rows {
			s := row.(source.Enterable)
			to := s.LoginPath()
			if next != "" {
				to += "?next=" + url.QueryEscape(next)
			}
			out = append(out, identification.Button{Name: s.Source().Name, IconURL: s.Source().Icon, Challenge: flow.Redirection(to)})
		}
		slices.SortFunc(out, func(a, b identification.Button) int { return strings.Compare(a.Name, b.Name) })
		return out, nil
	}
}
