package store

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"gatehouse/backend/db"
	"gatehouse/backend/kind"
)

// Within is a kind to search, narrowed to what the caller may see (PKs and Owner of Query).
type Within struct {
	Kind *kind.Kind
	Query
}

// most is how many rows of configuration a search looks at before the best of each kind are taken.
const most = 2_000

// Search finds objects whose search fields hold a text, at most per of each kind: those of the object table in one query, those with a
// table of their own in one or two each. Names that begin with the text come first. The rows of kinds stand together, in no further order.
func (s *Store) Search(ctx context.Context, in []Within, text string, per int) ([]any, error) {
	if err := tooLong("search", text, longestSearch); err != nil {
		return nil, err
	}
	var out []any
	var objects []Within
	for _, w := range in {
		if w.Kind.Table == "" {
			objects = append(objects, w)
			continue
		}
		rows, err := s.searchTable(ctx, w, text, per)
		if err != nil {
			return nil, err
		}
		out = append(out, rows...)
	}
	rows, err := s.searchObjects(ctx, objects, text, per)
	return append(out, rows...), err
}

// narrow is the condition of what the caller may see, "" when that is everything.
func narrow(k *kind.Kind, q Query) (cond string, args []any) {
	d := dialect{k}
	var ors []string
	if q.Owner != 0 && k.Owner != "" {
		ors, args = append(ors, d.Column(k.Owner)+" = ?"), append(args, q.Owner)
	}
	if q.PKs != nil {
		c, arg := db.In(d.Column(k.PKField().Name), q.PKs)
		ors, args = append(ors, c), append(args, arg)
	}
	if len(ors) == 0 {
		return "", nil
	}
	return " AND (" + strings.Join(ors, " OR ") + ")", args
}

// searchTable finds the rows whose first search field begins with the text by its index, then those that hold it anywhere. Neither sorts
// what it finds: a text that half of the rows hold must not cost more than one that few hold.
func (s *Store) searchTable(ctx context.Context, w Within, text string, per int) ([]any, error) {
	k, d, q := w.Kind, dialect{w.Kind}, s.reader(ctx)
	var fields []string
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Search && f.Stored() && !f.Secret && f.Type == "string" {
			fields = append(fields, d.Column(f.Name))
		}
	}
	may, margs := narrow(k, w.Query)
	var out []any
	if k.Indexed {
		low := "lower(" + fields[0] + ")"
		rows, err := s.query(q, k, " AND "+low+" >= lower(?) AND "+low+" < lower(?) || char(1114111)"+may+" ORDER BY "+low+" LIMIT ?", slices.Concat([]any{text, text}, margs, []any{per})...)
		if err != nil || len(rows) == per {
			return rows, err
		}
		out = rows
	}
	var cond string
	var args []any
	if k.Indexed && utf8.RuneCountInString(text) > 2 {
		if c, arg, ok := db.MatchSome(k.Table, d.Column(k.PKField().Name), text, per*20, may != ""); ok {
			cond, args = " AND "+c, []any{arg}
		}
	}
	if cond == "" {
		var ors []string
		for _, f := range fields {
			ors, args = append(ors, d.Contains(f)), append(args, d.Pattern(text))
		}
		cond = " AND (" + strings.Join(ors, " OR ") + ")"
	}
	rows, err := s.query(q, k, cond+may+" LIMIT ?", slices.Concat(args, margs, []any{per * 2})...)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if len(out) < per && !slices.ContainsFunc(out, func(o any) bool { return k.PK(o) == k.PK(row) }) {
			out = append(out, row)
		}
	}
	return out, nil
}

// searchObjects finds objects of the object table. By name and slug; by the other search fields of the kinds that have some.
func (s *Store) searchObjects(ctx context.Context, in []Within, text string, per int) ([]any, error) {
	if len(in) == 0 {
		return nil, nil
	}
	pattern := db.LikePattern(text)
	var open []string
	var ors []string
	var args []any
	for _, w := range in {
		k, d := w.Kind, dialect{w.Kind}
		may, margs := narrow(k, w.Query)
		var fields []string
		plain := may == ""
		for i := range k.Fields {
			if f := &k.Fields[i]; f.Search && f.Stored() && !f.Secret && f.Type == "string" {
				fields = append(fields, d.Column(f.Name))
				plain = plain && (f.Name == "name" || f.Name == "slug")
			}
		}
		if plain {
			open = append(open, k.Model)
			continue
		}
		var likes []string
		args = append(append(args, k.Model), margs...)
		for _, f := range fields {
			likes, args = append(likes, d.Contains(f)), append(args, pattern)
		}
		ors = append(ors, "(o.kind = ?"+may+" AND ("+strings.Join(likes, " OR ")+"))")
	}
	if len(open) > 0 {
		cond, arg := db.In("o.kind", open)
		ors = append(ors, "("+cond+" AND ("+db.Contains("o.name")+" OR "+db.Contains("o.slug")+"))")
		args = append(args, arg, pattern, pattern)
	}
	rows, err := s.db.Query(ctx, "SELECT o.kind, o.pk, o.body FROM object o WHERE "+strings.Join(ors, " OR ")+" ORDER BY lower(o.name) <> lower(?), substr(lower(o.name), 1, length(?)) <> lower(?), o.name, o.pk LIMIT ?",
		append(args, text, text, text, most)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []any
	had := map[string]int{}
	for rows.Next() {
		var model, pk, body string
		if err := rows.Scan(&model, &pk, &body); err != nil {
			return nil, err
		}
		if had[model]++; had[model] > per {
			continue
		}
		k := s.byModel[model]
		obj := k.New()
		if err := s.fill(k, obj, pk, body); err != nil {
			return nil, err
		}
		out = append(out, obj)
	}
	return out, rows.Err()
}
