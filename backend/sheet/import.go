package sheet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"gatehouse/backend/config"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// What happens to a line.
const (
	create    = "create"
	update    = "update"
	unchanged = "unchanged"
	failed    = "error"
)

// Cell is a cell that changes.
type Cell struct {
	Column string `json:"column" is:"required,readonly"`
	Was    string `json:"was" is:"required,readonly"`
	Now    string `json:"now" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Cell) SchemaName() string { return "GatehouseSheetCell" }

// Line is what happens to one line of a file, or would.
type Line struct {
	Line    int                 `json:"line" is:"required,readonly" help:"From 1; the header is a line too."`
	Action  string              `json:"action" is:"required,readonly" enum:"create,update,unchanged,error"`
	Name    string              `json:"name" is:"required,readonly"`
	Changes []Cell              `json:"changes" is:"required,readonly" help:"Of an update what changes, of a creation what is set."`
	Errors  map[string][]string `json:"errors" is:"required,readonly" help:"What is wrong, by column."`
}

// SchemaName implements kind.SchemaNamer.
func (Line) SchemaName() string { return "GatehouseSheetLine" }

// Outcome is what happens with a file.
type Outcome struct {
	Done      bool     `json:"done" is:"required,readonly" help:"Whether anything was stored."`
	Delimiter string   `json:"delimiter" is:"required,readonly"`
	Columns   []string `json:"columns" is:"required,readonly"`
	Create    int      `json:"create" is:"required,readonly"`
	Update    int      `json:"update" is:"required,readonly"`
	Unchanged int      `json:"unchanged" is:"required,readonly"`
	Failed    int      `json:"failed" is:"required,readonly"`
	Lines     []Line   `json:"lines" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Outcome) SchemaName() string { return "GatehouseSheet" }

// Endpoints are the operations of this room besides the export, which is a stream.
func (r *Room) Endpoints() []kind.Action {
	var out []kind.Action
	for _, s := range Sheets {
		for _, dry := range []bool{true, false} {
			path, summary := "gatehouse/csv/"+s.Name, "Takes "+s.Name+" in from a CSV file: all lines or none."
			if dry {
				path, summary = path+"/preview", "What a CSV file of "+s.Name+" would do, line by line. Nothing is stored."
			}
			a := kind.Do("POST", path, func(ctx context.Context, c *kind.Call, _ *kind.None) (Outcome, error) {
				f, ok := c.Files["file"]
				if !ok {
					return Outcome{}, fault.Field("file", "No file was submitted.")
				}
				b, err := io.ReadAll(f.Body)
				if err != nil {
					return Outcome{}, err
				}
				return r.Import(ctx, s, b, dry)
			})
			a.Access, a.Multipart, a.Summary = kind.SignedIn, true, summary
			out = append(out, a)
		}
	}
	return out
}

// work is an import under way.
type work struct {
	r     *Room
	s     Sheet
	k     *kind.Kind
	names map[string]map[string][]string // by family: name to keys, of what the caller may look at
	now   map[string][]any               // by name: objects that are there
	shown map[string]map[string]string   // by family: key to name
}

// todo is a line on its way, with the object that it is about.
type todo struct {
	row
	obj any // nil: to create
	out Line
}

var errDry, errSome = errors.New("preview"), errors.New("some lines are refused")

// Import takes a file in, or only tells what would happen.
func (r *Room) Import(ctx context.Context, s Sheet, file []byte, dry bool) (Outcome, error) {
	t, err := parse(file, s.Columns)
	if err != nil {
		return Outcome{}, err
	}
	if !slices.Contains(t.columns, s.Key) {
		return Outcome{}, fault.Field("file", fmt.Sprintf("The column %q is missing: it says which one is meant.", s.Key))
	}
	w := &work{r: r, s: s, k: r.Store.Kind(s.Model), shown: map[string]map[string]string{}}
	if err := w.look(ctx, t); err != nil {
		return Outcome{}, err
	}
	lines := w.plan(t)
	for i := range lines {
		if err := w.prepare(ctx, &lines[i]); err != nil {
			return Outcome{}, err
		}
	}
	out := Outcome{Delimiter: string(t.delimiter), Columns: t.columns, Lines: []Line{}}
	part := len(lines)
	if dry && s.Tree == "" { // other writers come in between
		part = 500
	}
	for chunk := range slices.Chunk(lines, part) {
		done, err := w.run(ctx, chunk, dry)
		if err != nil {
			return Outcome{}, err
		}
		out.Lines = append(out.Lines, done...)
	}
	slices.SortFunc(out.Lines, func(a, b Line) int { return a.Line - b.Line })
	for _, l := range out.Lines {
		switch l.Action {
		case create:
			out.Create++
		case update:
			out.Update++
		case unchanged:
			out.Unchanged++
		default:
			out.Failed++
		}
	}
	if !dry && out.Failed > 0 {
		return out, refused(out)
	}
	out.Done = !dry && out.Create+out.Update > 0
	return out, nil
}

// refused tells that nothing was stored and why, with the first lines that are wrong.
func refused(out Outcome) error {
	var bad fault.Fields
	bad.Add("file", fmt.Sprintf("Nothing was imported: %d of %d lines are refused.", out.Failed, len(out.Lines)))
	for _, l := range out.Lines {
		for _, column := range slices.Sorted(maps.Keys(l.Errors)) {
			if len(bad["file"]) > 50 {
				return bad.Err()
			}
			what := strings.Join(l.Errors[column], " ")
			if column != fault.NonField {
				what = column + ": " + what
			}
			bad.Add("file", fmt.Sprintf("Line %d: %s", l.Line, what))
		}
	}
	return bad.Err()
}

// look reads what the file is about: the objects that its names may mean, and what its references may name.
func (w *work) look(ctx context.Context, t *table) error {
	var keys []string
	for _, row := range t.rows {
		keys = append(keys, strings.TrimSpace(row.cells[w.s.Key]))
	}
	w.now = map[string][]any{}
	objs, err := w.r.Store.Among(ctx, w.k, w.s.Key, keys)
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(objs, 500) {
		if w.k.Present == nil {
			break
		}
		if err := w.k.Present(ctx, chunk, w.s.Lean); err != nil {
			return err
		}
	}
	for _, obj := range objs {
		name := w.k.Value(obj, w.k.Field(w.s.Key)).String()
		w.now[name] = append(w.now[name], obj)
	}
	w.names = map[string]map[string][]string{}
	for _, c := range t.columns {
		f := w.k.Field(c)
		if f.Ref == nil || w.names[f.Ref.Family] != nil {
			continue
		}
		names := map[string][]string{}
		for _, k := range w.r.Store.Family(f.Ref.Family) {
			q, ok, err := w.r.Guard.Reach(ctx, k)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			p, err := w.r.Store.List(ctx, k, q)
			if err != nil {
				return err
			}
			for _, obj := range p.Rows {
				names[k.Name(obj)] = append(names[k.Name(obj)], k.PK(obj))
			}
		}
		w.names[f.Ref.Family] = names
	}
	return nil
}

// plan puts the lines into the order of the work: who is pointed at comes before who points.
func (w *work) plan(t *table) []todo {
	lines := make([]todo, len(t.rows))
	seen := map[string]int{}
	for i, row := range t.rows {
		name := strings.TrimSpace(row.cells[w.s.Key])
		lines[i] = todo{row: row, out: Line{Line: row.line, Name: name, Changes: []Cell{}, Errors: map[string][]string{}}}
		id := name
		if w.s.Tree != "" {
			id += "\x1f" + strings.TrimSpace(row.cells[w.s.Tree])
		}
		if first, twice := seen[id]; twice && name != "" {
			lines[i].bad = fmt.Sprintf("%s is on line %d already.", name, first)
		} else {
			seen[id] = row.line
		}
	}
	if w.s.Tree == "" {
		return lines
	}
	var out []todo
	done := map[string]bool{}
	waits := map[string]bool{}
	for _, l := range lines {
		waits[l.out.Name] = true
	}
	for left := lines; len(left) > 0; {
		var later []todo
		for _, l := range left {
			if p := strings.TrimSpace(l.cells[w.s.Tree]); waits[p] && !done[p] && p != l.out.Name {
				later = append(later, l)
				continue
			}
			done[l.out.Name] = true
			out = append(out, l)
		}
		if len(later) == len(left) { // they point at each other in a circle; saving them says so
			return append(out, later...)
		}
		left = later
	}
	return out
}

// prepare finds the object of a line and asks whether the caller may do what the line says.
func (w *work) prepare(ctx context.Context, l *todo) error {
	if l.out.Name == "" && l.bad == "" {
		l.out.Errors[w.s.Key] = []string{"This field may not be blank."}
	}
	if l.bad != "" {
		l.out.Errors[fault.NonField] = []string{l.bad}
	}
	if len(l.out.Errors) > 0 {
		return nil
	}
	found := w.now[l.out.Name]
	if parent, ok := l.cells[w.s.Tree]; ok && w.s.Tree != "" && len(found) > 1 {
		var at []any
		for _, obj := range found {
			is, err := w.r.cell(ctx, w.k, w.k.Field(w.s.Tree), obj, w.shown)
			if err != nil {
				return err
			}
			if is == strings.TrimSpace(parent) {
				at = append(at, obj)
			}
		}
		found = at
	} else if len(found) > 1 {
		l.out.Errors[w.s.Key] = []string{fmt.Sprintf("There are several of this name. The column %q has to say which one is meant.", w.s.Tree)}
		return nil
	}
	var err error
	if len(found) > 0 {
		l.obj = found[0]
		err = w.r.Guard.Allowed(ctx, w.k, l.obj, kind.Update)
	} else {
		err = w.r.Guard.Allowed(ctx, w.k, nil, kind.Create)
	}
	if err != nil {
		return l.refuse(err)
	}
	for _, c := range w.s.Columns { // what is there, as a cell, for comparing
		if _, ok := l.cells[c]; !ok || l.obj == nil {
			continue
		}
		was, err := w.r.cell(ctx, w.k, w.k.Field(c), l.obj, w.shown)
		if err != nil {
			return err
		}
		l.out.Changes = append(l.out.Changes, Cell{Column: c, Was: was})
	}
	return nil
}

// refuse notes what is wrong with a line; a failure of ours is given back.
func (l *todo) refuse(err error) error {
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return err
	}
	for name, ms := range f.Fields {
		name, _, _ = strings.Cut(name, fault.Inside)
		l.out.Errors[name] = append(l.out.Errors[name], ms...)
	}
	if len(f.Fields) == 0 {
		l.out.Errors[fault.NonField] = []string{f.Say}
	}
	return nil
}

// run does the lines in one transaction, which is undone for a preview and when one of them is refused.
func (w *work) run(ctx context.Context, lines []todo, dry bool) ([]Line, error) {
	var out []Line
	err := w.r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		out = nil
		names := map[string]map[string][]string{}
		for family, m := range w.names {
			names[family] = maps.Clone(m)
		}
		bad := false
		for _, l := range lines {
			l.out.Changes, l.out.Errors = slices.Clone(l.out.Changes), maps.Clone(l.out.Errors)
			if len(l.out.Errors) == 0 {
				err := tx.Try(func() error { return w.line(tx, &l, names) })
				if err != nil {
					if err := l.refuse(err); err != nil {
						return err
					}
				}
			}
			if len(l.out.Errors) > 0 {
				l.out.Action, l.out.Changes, bad = failed, []Cell{}, true
			}
			out = append(out, l.out)
		}
		switch {
		case dry:
			return errDry
		case bad:
			return errSome
		}
		return nil
	})
	if errors.Is(err, errDry) || errors.Is(err, errSome) {
		err = nil
	}
	return out, err
}

// line does one line.
func (w *work) line(tx *store.Tx, l *todo, names map[string]map[string][]string) error {
	body, err := w.body(l, names)
	if err != nil {
		return err
	}
	if l.obj == nil {
		l.out.Action = create
		obj := w.k.New()
		for i := range w.k.Fields {
			if f := &w.k.Fields[i]; f.Required && f.Blank && f.InBody() && body[f.Name] == nil {
				body[f.Name] = json.RawMessage(`""`)
			}
		}
		if _, err := kind.Decode(w.k.Fields, body, reflect.ValueOf(obj).Elem(), true); err != nil {
			return err
		}
		if err := tx.Create(obj); err != nil {
			return err
		}
		if m := names[w.k.Family.Name]; m != nil {
			m[l.out.Name] = append(slices.Clone(m[l.out.Name]), w.k.PK(obj))
		}
		for _, c := range w.s.Columns {
			if now := strings.TrimSpace(l.cells[c]); now != "" {
				l.out.Changes = append(l.out.Changes, Cell{Column: c, Now: now})
			}
		}
		return nil
	}
	pk := w.k.PK(l.obj)
	obj, err := tx.Get(w.k, pk)
	if err != nil {
		return err
	}
	if err := tx.Load(obj); err != nil {
		return err
	}
	before, err := values(w.k, obj, body)
	if err != nil {
		return err
	}
	for i := range w.k.Fields { // what the file does not say stays as it is
		if f := &w.k.Fields[i]; f.Virtual {
			w.k.Value(obj, f).SetZero()
		}
	}
	if _, err := kind.Decode(w.k.Fields, body, reflect.ValueOf(obj).Elem(), false); err != nil {
		return err
	}
	after, err := values(w.k, obj, body)
	if err != nil {
		return err
	}
	l.out.Changes = slices.DeleteFunc(l.out.Changes, func(c Cell) bool { return before[c.Column] == after[c.Column] })
	for i := range l.out.Changes {
		l.out.Changes[i].Now = strings.TrimSpace(l.cells[l.out.Changes[i].Column])
	}
	if l.out.Action = update; len(l.out.Changes) == 0 {
		l.out.Action = unchanged
		return nil
	}
	if f := w.k.Field("is_active"); f != nil && w.k.Family.Name == "users" && pk == strconv.FormatInt(tx.Actor.UserPK, 10) && !w.k.Value(obj, f).Bool() {
		return fault.Field("is_active", "This is your own account. You can't switch it off by a file.")
	}
	return tx.Update(obj)
}

// values gives the fields of obj that a body names, as texts that can be compared; lists without their order.
func values(k *kind.Kind, obj any, body map[string]json.RawMessage) (map[string]string, error) {
	out := map[string]string{}
	for name := range body {
		f := k.Field(name)
		v := k.Value(obj, f)
		if f.Ref != nil && v.Kind() == reflect.Slice {
			var all []string
			for i := range v.Len() {
				all = append(all, fmt.Sprint(v.Index(i).Interface()))
			}
			slices.Sort(all)
			out[name] = strings.Join(all, " ")
			continue
		}
		b, err := json.Marshal(v.Interface())
		if err != nil {
			return nil, err
		}
		out[name] = string(b)
	}
	return out, nil
}

// truth are the words for yes and no, those of spreadsheets in other languages included.
var truth = map[string]string{
	"true": "true", "yes": "true", "y": "true", "1": "true", "on": "true", "wahr": "true", "ja": "true", "vrai": "true", "oui": "true", "verdadero": "true", "vero": "true", "waar": "true",
	"false": "false", "no": "false", "n": "false", "0": "false", "off": "false", "falsch": "false", "nein": "false", "faux": "false", "non": "false", "falso": "false", "onwaar": "false",
}

// body makes of the cells of a line what a client would send. An empty cell leaves what is no text or list as it is.
func (w *work) body(l *todo, names map[string]map[string][]string) (map[string]json.RawMessage, error) {
	var bad fault.Fields
	out := map[string]json.RawMessage{}
	for _, c := range w.s.Columns {
		cell, ok := l.cells[c]
		if !ok {
			continue
		}
		f := w.k.Field(c)
		text := strings.TrimSpace(cell)
		switch {
		case f.Ref != nil:
			raw, err := w.keys(f, text, names[f.Ref.Family])
			if err != nil {
				bad.Add(c, err.Error())
				continue
			}
			out[c] = raw
		case text == "" && (f.Type != "string" || !f.Blank && f.HasDef):
		case f.Type == "boolean":
			v := truth[strings.ToLower(text)]
			if v == "" {
				bad.Add(c, "Write true or false.")
				continue
			}
			out[c] = json.RawMessage(v)
		case f.Type == "string":
			b, err := json.Marshal(cell)
			if err != nil {
				return nil, err
			}
			out[c] = b
		default:
			if !json.Valid([]byte(text)) {
				bad.Add(c, `Write it as JSON: {"department": "sales"}.`)
				continue
			}
			out[c] = json.RawMessage(text)
		}
	}
	return out, bad.Err()
}

// keys finds what the names of a cell mean.
func (w *work) keys(f *kind.Field, text string, names map[string][]string) (json.RawMessage, error) {
	one := func(name string) (string, error) {
		switch pks := names[name]; {
		case len(pks) == 1:
			return pks[0], nil
		case len(pks) > 1:
			return "", fmt.Errorf("there are several called %.60q", name)
		}
		if near := config.Nearest(name, slices.Collect(maps.Keys(names))); near != "" {
			return "", fmt.Errorf("there is no %.60q; did you mean %q?", name, near)
		}
		return "", fmt.Errorf("there is no %.60q", name)
	}
	if f.Type != "array" {
		if text == "" {
			return json.RawMessage("null"), nil
		}
		pk, err := one(text)
		if err != nil {
			return nil, said(err)
		}
		return json.Marshal(pk)
	}
	wanted, err := unlist(text)
	if err != nil {
		return nil, err
	}
	pks := []string{}
	for _, name := range wanted {
		pk, err := one(name)
		if err != nil {
			return nil, said(err)
		}
		pks = append(pks, pk)
	}
	return json.Marshal(pks)
}

// said makes a sentence of an error.
func said(err error) error {
	s := strings.TrimSuffix(err.Error(), "?")
	end := "."
	if s != err.Error() {
		end = "?"
	}
	return errors.New(strings.ToUpper(s[:1]) + s[1:] + end)
}
