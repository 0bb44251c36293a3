package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// Query asks for a page of objects.
type Query struct {
	Page     int // from 1; 0 = 1
	PageSize int // 0 = all
	Search   string
	Order    []string   // field names, "-" in front for descending; unknown ones are ignored
	Filters  url.Values // by filter name; unknown names are ignored
	Secrets  bool       // filters on secret fields are honoured (the caller may change such objects)
	Owner    int64      // rows whose Spec.Owner field is this user, beside those of PKs; 0 = no such rule
	PKs      []string   // these objects; nil = no such rule
	Where    string     // an extra condition on alias o, for rooms that know their table
	Args     []any
}

// What a list takes at most: SQL has limits of its own, whose errors no caller should see.
const (
	longestSearch = 1_000
	longestFilter = 20_000 // of the values of one filter together
	mostValues    = 500
)

func tooLong(field, value string, most int) error {
	if len(value) <= most {
		return nil
	}
	return fault.Field(field, fmt.Sprintf("Ensure this field has no more than %d characters.", most))
}

// mostTerms bounds the words of one search.
const mostTerms = 16

// terms are the words of a search, each of which has to be found: white space and commas part them. What is more than mostTerms stays
// together in the last one.
func terms(search string) []string {
	parting := func(r rune) bool { return unicode.IsSpace(r) || r == ',' }
	words := strings.FieldsFunc(strings.ReplaceAll(search, "\x00", ""), parting)
	if len(words) > mostTerms {
		words = append(words[:mostTerms-1], strings.Join(words[mostTerms-1:], " "))
	}
	return words
}

// Page is a page of objects, each a *T.
type Page struct {
	Rows  []any
	Count int // over all pages
}

// List gives a page. It returns NotFound "Invalid page." past the end and Invalid for a filter value of the wrong type.
func (s *Store) List(ctx context.Context, k *kind.Kind, in Query) (Page, error) {
	where, args, err := s.where(k, in)
	if err != nil {
		return Page{}, err
	}
	q := s.reader(ctx)
	if match, ok := s.searched(k, in); ok {
		return s.found(q, k, match, in)
	}
	var p Page
	offset := 0
	if in.PageSize > 0 && k.Table == "" && k.Seek == nil {
		return s.page(q, k, from(k)+where+s.order(k, in.Order, false), append(fromArgs(k), args...), in)
	}
	if in.PageSize > 0 && k.Seek == nil && k.Count == nil && in.Page <= nearPages {
		return s.near(q, k, where, args, in)
	}
	if in.PageSize > 0 {
		if p.Count, err = s.count(ctx, k, in, where, args); err != nil {
			return Page{}, err
		}
		if in.Page < 1 {
			in.Page = 1
		}
		if pastEnd(in, p.Count) {
			return Page{}, fault.New(fault.NotFound, "Invalid page.")
		}
		offset = (in.Page - 1) * in.PageSize
	}
	sought := false
	newest := len(in.Order) == 0 || k.Serial != "" && len(in.Order) == 1 && in.Order[0] == "-"+k.Serial
	if k.Seek != nil && offset > 0 && where == "" && newest {
		cond, more, rest, err := k.Seek(ctx, offset)
		if err != nil {
			return Page{}, err
		}
		if cond != "" {
			where, args, offset, sought = " AND "+cond, more, rest, true
		}
	}
	limit, back := in.PageSize, false
	if limit > 0 && !sought && offset > p.Count/2 && offset < p.Count { // nearer from the other end: SQL walks over what it leaves out
		back, limit = true, min(limit, p.Count-offset)
		offset = p.Count - offset - limit
	}
	stmt := where + s.order(k, in.Order, back)
	if limit > 0 {
		stmt += " LIMIT ? OFFSET ?"
		args = append(args, limit, offset)
	}
	if p.Rows, err = s.query(q, k, stmt, args...); back {
		slices.Reverse(p.Rows)
	}
	if in.PageSize <= 0 {
		p.Count = len(p.Rows)
	}
	return p, err
}

// nearPages is how far a page is found by walking over the rows before it, with the number of rows counted in the same statement. For
// those further down it pays to know the number first.
const nearPages = 10

// near gives one of the first pages of a table.
func (s *Store) near(q querier, k *kind.Kind, where string, args []any, in Query) (Page, error) {
	count := append(fromArgs(k), args...)
	all := append(slices.Clone(count), count...)
	before := max(in.Page-1, 0)
	if before > 0 && in.PageSize > math.MaxInt/before {
		return Page{}, fault.New(fault.NotFound, "Invalid page.")
	}
	rows, err := q.Query("SELECT "+columns(k)+", (SELECT count(*)"+from(k)+where+")"+from(k)+where+s.order(k, in.Order, false)+" LIMIT ? OFFSET ?", append(all, in.PageSize, before*in.PageSize)...)
	if err != nil {
		return Page{}, err
	}
	defer rows.Close()
	p := Page{Rows: []any{}}
	for rows.Next() {
		obj, err := s.scan(k, rows, &p.Count)
		if err != nil {
			return Page{}, err
		}
		p.Rows = append(p.Rows, obj)
	}
	if err := rows.Err(); err != nil {
		return Page{}, err
	}
	if in.Page > 1 && p.Count == 0 {
		return Page{}, fault.New(fault.NotFound, "Invalid page.")
	}
	return p, nil
}

// manyHits is from how many hits on a page is found by walking along the order and asking the hits, instead of reading all of them.
const manyHits = 1000

// searched gives what to search the search table for, when a page is asked for that nothing but the search narrows.
func (s *Store) searched(k *kind.Kind, in Query) (match string, ok bool) {
	if in.PageSize <= 0 || in.Search == "" || len(in.Search) > longestSearch || !k.Indexed || in.Owner != 0 || in.PKs != nil || in.Where != "" {
		return "", false
	}
	for name, v := range in.Filters {
		if len(v) > 0 && v[len(v)-1] != "" && (hasFilter(k, name) || k.Field(name) != nil) {
			return "", false
		}
	}
	return db.MatchAll(terms(in.Search))
}

// found gives a page of what the search table finds: it alone knows how many there are, and rows are read for the page only.
func (s *Store) found(q querier, k *kind.Kind, match string, in Query) (Page, error) {
	index := quote(k.Table + "_search")
	hits := "(SELECT rowid FROM " + index + " WHERE " + index + " MATCH ?)"
	key := "o." + quote(k.PKField().Name)
	stmt, args := "SELECT (SELECT count(*) FROM "+index+" WHERE "+index+" MATCH ?)", []any{match}
	if k.Outside != "" {
		stmt, args = stmt+" - (SELECT count(*) FROM "+quote(k.Table)+" o WHERE ("+k.Outside+") AND +"+key+" IN "+hits+")", append(args, match)
	}
	p := Page{Rows: []any{}}
	rows, err := q.Query(stmt, args...)
	if err != nil {
		return Page{}, err
	}
	for rows.Next() {
		if err := rows.Scan(&p.Count); err != nil {
			return Page{}, errors.Join(err, rows.Close())
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return Page{}, err
	}
	if pastEnd(in, p.Count) {
		return Page{}, fault.New(fault.NotFound, "Invalid page.")
	}
	if p.Count > manyHits && (len(in.Order) == 0 || slices.Equal(in.Order, k.Order)) {
		key = "+" + key // the rows come in the order of its index then, and each is looked for among the hits
	}
	p.Rows, err = s.query(q, k, " AND "+key+" IN "+hits+s.order(k, in.Order, false)+" LIMIT ? OFFSET ?", match, in.PageSize, max(in.Page-1, 0)*in.PageSize)
	return p, err
}

// page gives a page of the object table with the number of all its rows in one statement; rest is what stands behind the columns, k
// what the rows are read as (nil: each as its own kind).
func (s *Store) page(q querier, k *kind.Kind, rest string, args []any, in Query) (Page, error) {
	stmt := "SELECT o.kind, o.pk, o.body, count(*) OVER ()" + rest
	if in.PageSize > 0 {
		before := max(in.Page-1, 0)
		if before > math.MaxInt/in.PageSize {
			return Page{}, fault.New(fault.NotFound, "Invalid page.")
		}
		stmt += " LIMIT ? OFFSET ?"
		args = append(args, in.PageSize, before*in.PageSize)
	}
	rows, err := q.Query(stmt, args...)
	if err != nil {
		return Page{}, err
	}
	defer rows.Close()
	p := Page{Rows: []any{}}
	for rows.Next() {
		var model, pk, body string
		if err := rows.Scan(&model, &pk, &body, &p.Count); err != nil {
			return Page{}, err
		}
		is := k
		if is == nil {
			is = s.byModel[model]
		}
		if is == nil {
			continue // a row of a kind that this build does not have
		}
		obj := is.New()
		if err := s.fill(is, obj, pk, body); err != nil {
			return Page{}, err
		}
		p.Rows = append(p.Rows, obj)
	}
	if err := rows.Err(); err != nil {
		return Page{}, err
	}
	if in.PageSize > 0 && in.Page > 1 && p.Count == 0 {
		return Page{}, fault.New(fault.NotFound, "Invalid page.")
	}
	return p, nil
}

// pastEnd says whether a page lies behind the last one; the first page is there even when it is empty.
func pastEnd(in Query, count int) bool { return in.Page > 1 && in.Page-1 > (count-1)/in.PageSize }

func (s *Store) count(ctx context.Context, k *kind.Kind, in Query, where string, args []any) (n int, err error) {
	if k.Count != nil && in.Where == "" && in.Owner == 0 && in.PKs == nil {
		n, ok, err := k.Count(ctx, in.Filters, in.Search)
		if err != nil || ok {
			return n, err
		}
	}
	return n, s.db.QueryRow(ctx, "SELECT count(*)"+from(k)+where, append(fromArgs(k), args...)...).Scan(&n)
}

// All gives every T that matches, in order.
func All[T any](ctx context.Context, s *Store, q Query) ([]*T, error) {
	q.PageSize = 0
	p, err := s.List(ctx, KindOf[T](s), q)
	if err != nil {
		return nil, err
	}
	return typed[T](p.Rows), nil
}

// AllTx is All inside a transaction.
func AllTx[T any](tx *Tx, q Query) ([]*T, error) {
	k := KindOf[T](tx.s)
	where, args, err := tx.s.where(k, q)
	if err != nil {
		return nil, err
	}
	rows, err := tx.s.query(tx, k, where+tx.s.order(k, q.Order, false), args...)
	return typed[T](rows), err
}

func typed[T any](rows []any) []*T {
	out := make([]*T, len(rows))
	for i, r := range rows {
		out[i] = r.(*T)
	}
	return out
}

// query reads objects of k; cond continues the WHERE of from(k).
// rowsOf is the beginning of what asks for rows of a kind.
func (s *Store) rowsOf(k *kind.Kind) string {
	if text, ok := s.texts.Load(k); ok {
		return text.(string)
	}
	text, _ := s.texts.LoadOrStore(k, "SELECT "+columns(k)+from(k))
	return text.(string)
}

func (s *Store) query(q querier, k *kind.Kind, cond string, args ...any) ([]any, error) {
	rows, err := q.Query(s.rowsOf(k)+cond, append(fromArgs(k), args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []any{}
	for rows.Next() {
		obj, err := s.scan(k, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, obj)
	}
	return out, rows.Err()
}

func (s *Store) get(q querier, k *kind.Kind, field, value string) (any, error) {
	f := k.Field(field)
	var rows []any
	var err error
	if r, ok := q.(reader); ok && k.Table == "" && k.Where == "" && !k.View && field == k.PKField().Name {
		row, err := s.objectRow(r, k.Family.Name, value)
		if err != nil {
			return nil, err
		}
		if row.model != k.Model {
			return nil, fault.Newf(fault.NotFound, "No %s matches the given query.", k.Schema)
		}
		obj := k.New()
		return obj, s.fill(k, obj, value, row.body)
	}
	switch {
	case k.Table != "":
		rows, err = s.query(q, k, " AND o."+quote(field)+" = ? LIMIT 1", value)
	case field == k.PKField().Name:
		rows, err = s.query(q, k, " AND o.pk = ?", value)
	case f.Unique:
		rows, err = s.query(q, k, " AND o.pk = (SELECT pk FROM object_unique WHERE family = ? AND field = ? AND value = ?)", k.Family.Name, field, value)
	default:
		rows, err = s.query(q, k, " AND "+dialect{k}.Column(field)+" = ? LIMIT 1", value)
	}
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, fault.Newf(fault.NotFound, "No %s matches the given query.", k.Schema)
	}
	return rows[0], nil
}

func (s *Store) getIn(q querier, family, pk string) (*kind.Kind, any, error) {
	for _, fam := range s.expand(family) {
		kinds := s.families[fam]
		if len(kinds) > 0 && kinds[0].Table == "" {
			k, obj, err := s.anyOf(q, fam, pk)
			if err != nil || obj != nil {
				return k, obj, err
			}
			continue
		}
		for _, k := range kinds {
			obj, err := s.get(q, k, k.PKField().Name, pk)
			if err == nil {
				return k, obj, nil
			}
			if !fault.Is(err, fault.NotFound) {
				return nil, nil, err
			}
		}
	}
	return nil, nil, fault.New(fault.NotFound, "Not found.")
}

// object is a row of the object table as it is stored.
type object struct{ model, body string }

// objectRow gives the row of a key; the zero object when there is none. What is remembered is the text, so that each caller has an object of its own.
func (s *Store) objectRow(r reader, family, pk string) (object, error) {
	return s.objects.Get(s, family+"/"+pk, func() (object, error) {
		rows, err := r.Query(`SELECT kind, body FROM object WHERE pk = ? AND family = ?`, pk, family)
		if err != nil {
			return object{}, err
		}
		defer rows.Close()
		var o object
		if rows.Next() {
			if err := rows.Scan(&o.model, &o.body); err != nil {
				return object{}, err
			}
		}
		return o, rows.Err()
	})
}

// Warm reads objects of a family that is kept in the object table in one statement, for who will ask for each of them.
func (s *Store) Warm(ctx context.Context, family string, pks []string) error {
	names := make([]string, len(pks))
	for i, pk := range pks {
		names[i] = family + "/" + pk
	}
	missing, gen := s.objects.missing(s, names)
	if len(missing) < 2 {
		return nil
	}
	found := make(map[string]object, len(missing))
	for i, name := range missing {
		missing[i] = strings.TrimPrefix(name, family+"/")
		found[name] = object{}
	}
	cond, arg := db.In("pk", missing)
	rows, err := s.db.Query(ctx, `SELECT pk, kind, body FROM object WHERE family = ? AND `+cond, family, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var pk string
		var o object
		if err := rows.Scan(&pk, &o.model, &o.body); err != nil {
			return err
		}
		found[family+"/"+pk] = o
	}
	if err := rows.Err(); err != nil {
		return err
	}
	s.objects.keep(s, gen, found)
	return nil
}

// anyOf reads an object of whatever kind of a family in one query; nil when there is none.
func (s *Store) anyOf(q querier, family, pk string) (*kind.Kind, any, error) {
	if r, ok := q.(reader); ok {
		o, err := s.objectRow(r, family, pk)
		k := s.byModel[o.model]
		if k == nil || err != nil {
			return nil, nil, err
		}
		obj := k.New()
		return k, obj, s.fill(k, obj, pk, o.body)
	}
	rows, err := q.Query(`SELECT kind, body FROM object WHERE pk = ? AND family = ?`, pk, family)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var model, body string
		if err := rows.Scan(&model, &body); err != nil {
			return nil, nil, err
		}
		k := s.byModel[model]
		if k == nil {
			continue // a row of a kind that this build does not have
		}
		obj := k.New()
		return k, obj, s.fill(k, obj, pk, body)
	}
	return nil, nil, rows.Err()
}

// FindIn finds an object of any kind of a family by a field that is unique in it (the key, the slug), with its kind.
func (s *Store) FindIn(ctx context.Context, family, field, value string) (*kind.Kind, any, error) {
	if kinds := s.families[family]; len(kinds) > 0 && field == kinds[0].PKField().Name {
		return s.getIn(s.reader(ctx), family, value)
	}
	for _, k := range s.families[family] {
		if k.IsBase() || k.Field(field) == nil {
			continue
		}
		obj, err := s.get(s.reader(ctx), k, field, value)
		if err == nil {
			return k, obj, nil
		}
		if !fault.Is(err, fault.NotFound) {
			return nil, nil, err
		}
	}
	return nil, nil, fault.New(fault.NotFound, "Not found.")
}

// ListIn gives a page over all kinds of a family, ordered by name, each row a pointer to its kind's struct.
func (s *Store) ListIn(ctx context.Context, family string, in Query) (Page, error) {
	kinds := s.families[family]
	if len(kinds) == 0 {
		return Page{Rows: []any{}}, nil
	}
	where, args := " FROM object o WHERE o.family = ?", []any{family}
	if err := tooLong("search", in.Search, longestSearch); err != nil {
		return Page{}, err
	}
	for _, term := range terms(in.Search) {
		d := dialect{kinds[0]}
		where += " AND " + d.Contains("o.name")
		args = append(args, d.Pattern(term))
	}
	if in.PKs != nil {
		cond, arg := db.In("o.pk", in.PKs)
		where, args = where+" AND "+cond, append(args, arg)
	}
	for _, k := range kinds {
		if !k.IsBase() {
			continue
		}
		cond, more, err := s.where(k, Query{Filters: in.Filters})
		if err != nil {
			return Page{}, err
		}
		where, args = where+cond, append(args, more...)
	}
	if in.Where != "" {
		where += " AND (" + in.Where + ")"
		args = append(args, in.Args...)
	}
	dir := ""
	if len(in.Order) > 0 && in.Order[0] == "-name" {
		dir = " DESC"
	}
	return s.page(s.reader(ctx), nil, where+" ORDER BY o.name"+dir+", o.pk", args, in)
}

// KindFor gives the kind of an object.
func (s *Store) KindFor(obj any) *kind.Kind { return s.byType[derefType(obj)] }

func (s *Store) order(k *kind.Kind, want []string, back bool) string {
	if len(want) == 0 {
		want = k.Order
	}
	d := dialect{k}
	var parts []string
	seen := map[string]bool{} // a field twice orders nothing, and SQL allows only so many terms
	for _, w := range want {
		name, dir := strings.TrimPrefix(w, "-"), ""
		if strings.HasPrefix(w, "-") {
			dir = " DESC"
		}
		f := k.Field(name)
		if f == nil || !f.Stored() || f.Hidden || f.Secret || seen[name] {
			continue
		}
		seen[name] = true
		if name == k.Serial { // nothing can be equal in it
			return orderBy(append(parts, k.SerialColumn+dir), back)
		}
		parts = append(parts, d.Column(name)+dir)
	}
	tie := k.Tie
	switch {
	case tie != "":
	case k.Table != "":
		tie = "o." + quote(k.PKField().Name)
	default:
		tie = "o.pk"
	}
	return orderBy(append(parts, tie), back)
}

// orderBy joins the terms; back turns each of them round.
func orderBy(terms []string, back bool) string {
	if back {
		for i, t := range terms {
			if up, ok := strings.CutSuffix(t, " DESC"); ok {
				terms[i] = up
			} else {
				terms[i] = t + " DESC"
			}
		}
	}
	return " ORDER BY " + strings.Join(terms, ", ")
}

func (s *Store) where(k *kind.Kind, in Query) (string, []any, error) {
	var b strings.Builder
	var args []any
	var bad fault.Fields
	d := dialect{k}
	if err := tooLong("search", in.Search, longestSearch); err != nil {
		return "", nil, err
	}
	for _, term := range terms(in.Search) {
		if k.Indexed {
			if cond, arg, ok := db.Match(k.Table, d.Column(k.PKField().Name), term); ok {
				b.WriteString(" AND " + cond)
				args = append(args, arg)
				continue
			}
		}
		var ors []string
		for i := range k.Fields {
			if f := &k.Fields[i]; f.Search {
				ors = append(ors, d.Contains(d.Column(f.Name)))
				args = append(args, d.Pattern(term))
			}
		}
		if len(ors) > 0 {
			b.WriteString(" AND (" + strings.Join(ors, " OR ") + ")")
		}
	}
	for i := range k.Fields {
		f := &k.Fields[i]
		got, ok := in.Filters[f.Name]
		if !ok || !Filterable(k, f) || hasFilter(k, f.Name) || len(got) == 0 || got[len(got)-1] == "" {
			continue
		}
		value := got[len(got)-1]
		if f.Secret {
			if !in.Secrets {
				continue
			}
			b.WriteString(" AND " + d.Column(secretIndex(f.Name)) + " = ?")
			args = append(args, s.SecretIndex(k, f.Name, value))
			continue
		}
		if len(got) > mostValues {
			bad.Add(f.Name, fmt.Sprintf("No more than %d values.", mostValues))
			continue
		}
		cond, a, err := equals(k, f, got, d)
		if err != nil {
			bad.Add(f.Name, fault.As(err).Say)
			continue
		}
		b.WriteString(" AND " + cond)
		args = append(args, a...)
	}
	for _, fl := range k.Filters {
		got, ok := in.Filters[fl.Name]
		if !ok || len(got) == 0 || got[len(got)-1] == "" {
			if fl.Required {
				bad.Add(fl.Name, "This field is required.")
			}
			continue
		}
		value := strings.Join(got, ",")
		if err := bad.Merge(tooLong(fl.Name, value, longestFilter)); err != nil || len(bad[fl.Name]) > 0 {
			continue
		}
		cond, a, err := fl.Where(value, d)
		if err != nil {
			if merr := bad.Merge(err); merr != nil {
				bad.Add(fl.Name, merr.Error())
			}
			continue
		}
		if cond != "" {
			b.WriteString(" AND (" + cond + ")")
			args = append(args, a...)
		}
	}
	var mine []string
	if in.Owner != 0 && k.Owner != "" {
		mine, args = append(mine, d.Column(k.Owner)+" = ?"), append(args, in.Owner)
	}
	if in.PKs != nil {
		cond, arg := db.In(d.Column(k.PKField().Name), in.PKs)
		mine, args = append(mine, cond), append(args, arg)
	}
	if len(mine) > 0 {
		b.WriteString(" AND (" + strings.Join(mine, " OR ") + ")")
	}
	if in.Where != "" {
		b.WriteString(" AND (" + in.Where + ")")
		args = append(args, in.Args...)
	}
	return b.String(), args, bad.Err()
}

func hasFilter(k *kind.Kind, name string) bool {
	return slices.ContainsFunc(k.Filters, func(f kind.Filter) bool { return f.Name == name })
}

// Filterable says whether a list of k can be filtered by equality with the field.
func Filterable(k *kind.Kind, f *kind.Field) bool {
	if (k.IsBase() || k.By != nil) && !slices.Contains(k.By, f.Name) || f.NoFilter || !f.Stored() || f.Hidden || f.WriteOnly {
		return false
	}
	switch f.Type {
	case "string", "integer", "number", "boolean":
		return true
	case "array":
		return f.Ref != nil
	}
	return false
}

func equals(k *kind.Kind, f *kind.Field, got []string, d dialect) (string, []any, error) {
	col, value := d.Column(f.Name), got[len(got)-1]
	switch f.Type {
	case "boolean":
		b, err := strconv.ParseBool(strings.ToLower(value))
		if err != nil {
			return "", nil, fault.New(fault.Invalid, "Must be a valid boolean.")
		}
		if k.Table == "" {
			return "coalesce(" + col + ", 0) = ?", []any{b2i(b)}, nil
		}
		return col + " = ?", []any{b2i(b)}, nil
	case "integer":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return "", nil, fault.New(fault.Invalid, "Enter a number.")
		}
		return col + " = ?", []any{n}, nil
	case "number":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return "", nil, fault.New(fault.Invalid, "Enter a number.")
		}
		return col + " = ?", []any{n}, nil
	case "array":
		args := []any{f.Name}
		for _, v := range got {
			args = append(args, v)
		}
		return "EXISTS (SELECT 1 FROM ref r WHERE r.src = o.pk AND r.field = ? AND r.dst IN (" + db.Marks(len(got)) + "))", args, nil
	}
	if f.Format == "date-time" {
		t, err := time.Parse(time.RFC3339Nano, value)
		if err != nil {
			return "", nil, fault.New(fault.Invalid, "Enter a valid date/time.")
		}
		return col + " = ?", []any{t.UnixMicro()}, nil
	}
	return col + " = ?", []any{value}, nil
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
