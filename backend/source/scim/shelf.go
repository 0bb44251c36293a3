package scim

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source/scim/wire"
	"gatehouse/backend/store"

	escim "github.com/elimity-com/scim"
	"github.com/elimity-com/scim/optional"
	"github.com/elimity-com/scim/schema"
	filter "github.com/scim2/filter-parser/v2"
)

// shelf is the people or the groups that sources sent, as the library's handler of that resource.
type shelf struct {
	room     *Room
	endpoint string // Users, Groups
	name     string // User, Group
	shape    *wire.Shape
	schema   schema.Schema
	exts     []escim.SchemaExtension

	table   string // of the links
	columns string // that scan reads
	from    string
	key     string // column of the object's key
	refs    string // query of what belongs to them: the groups of people, the members of groups
	refName string
	terms   func(t wire.Target, e *filter.AttributeExpression) (cond string, args []any, exact bool)
	orders  map[string]string // what the database can sort by
	id      string            // column of the SCIM id
	field   string            // column of the link that points at the object
	kind    func() *kind.Kind
	create  func(tx *store.Tx, a *asked, sent map[string]any) (*item, error)
	update  func(tx *store.Tx, a *asked, i *item, sent map[string]any) (*item, error)
}

// item is one person or group with its link.
type item struct {
	t                 *shelf
	pk                any
	id                string
	username, name    string
	email             string
	active            bool
	link, external    string
	sent              map[string]any
	created, modified time.Time
	refs              []any
	whole             bool // refs are read
}

const linkColumns = `, l.id, l.external_id, l.attributes, l.created, l.modified`

// querier reads, in a transaction or beside it.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

type reader struct {
	ctx context.Context
	db  *db.DB
}

func (r reader) Query(q string, args ...any) (*sql.Rows, error) { return r.db.Query(r.ctx, q, args...) }

func (t *shelf) reader(ctx context.Context) querier { return reader{ctx, t.room.Store.DB()} }

// read gives the items of a source that a condition finds.
func (t *shelf) read(q querier, src, rest string, args ...any) ([]*item, error) {
	rows, err := q.Query(`SELECT `+t.columns+linkColumns+` FROM `+t.from+` WHERE l.source = ?`+rest, append([]any{src}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []*item
	for rows.Next() {
		i := &item{t: t}
		var sent string
		var joined, created, modified *int64
		var pk string
		if err := rows.Scan(&pk, &i.id, &i.username, &i.name, &i.email, &i.active, &joined, &i.link, &i.external, &sent, &created, &modified); err != nil {
			return nil, err
		}
		i.pk = pk
		if t.endpoint == "Users" {
			if i.pk, err = strconv.ParseInt(pk, 10, 64); err != nil {
				return nil, err
			}
		}
		if err := json.Unmarshal([]byte(sent), &i.sent); err != nil {
			return nil, err
		}
		if i.sent == nil {
			i.sent = map[string]any{}
		}
		for _, at := range []*int64{joined, created} {
			if at != nil && i.created.IsZero() {
				i.created = time.UnixMicro(*at)
			}
		}
		i.modified = i.created
		if modified != nil && *modified > i.created.UnixMicro() {
			i.modified = time.UnixMicro(*modified)
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// fill reads what belongs to items.
func (t *shelf) fill(q querier, a *asked, items []*item) error {
	for chunk := range slices.Chunk(items, 500) {
		byPK := make(map[any]*item, len(chunk))
		args := []any{a.src.PK}
		for _, i := range chunk {
			byPK[i.pk], i.refs, i.whole = i, nil, true
			args = append(args, i.pk)
		}
		if err := t.fillSome(q, a, byPK, args); err != nil {
			return err
		}
	}
	return nil
}

func (t *shelf) fillSome(q querier, a *asked, byPK map[any]*item, args []any) error {
	rows, err := q.Query(t.refs+` IN (`+db.Marks(len(args)-1)+`) ORDER BY 4`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	to := map[string]string{"Users": "Groups", "Groups": "Users"}[t.endpoint]
	for rows.Next() {
		var at, id, name string
		var order any
		if err := rows.Scan(&at, &id, &name, &order); err != nil {
			return err
		}
		var pk any = at
		if t.endpoint == "Users" {
			if pk, err = strconv.ParseInt(at, 10, 64); err != nil {
				return err
			}
		}
		ref := map[string]any{"value": id, "display": name, "$ref": a.base + "/" + to + "/" + id, "type": "User"}
		if t.endpoint == "Users" {
			ref["type"] = "direct"
		}
		byPK[pk].refs = append(byPK[pk].refs, ref)
	}
	return rows.Err()
}

// resource shows an item: what was sent, and over it what the house says today.
func (i *item) resource() escim.Resource {
	out := escim.Resource{ID: i.id, Attributes: i.attributes(), Meta: escim.Meta{Created: &i.created, LastModified: &i.modified}}
	if i.t.endpoint == "Users" || i.whole {
		out.Meta.Version = i.version(out.Attributes)
	}
	return out
}

func (i *item) attributes() map[string]any {
	out := wire.Clone(i.sent)
	delete(out, "password")
	if i.t.endpoint == "Groups" {
		out["displayName"] = i.name
		if i.whole {
			out["members"] = append([]any{}, i.refs...)
		}
		return out
	}
	showPerson(out, i)
	if i.whole && len(i.refs) > 0 {
		out["groups"] = i.refs
	}
	return out
}

// version is the tag of what an item shows; which groups a person is in does not change the person.
func (i *item) version(attrs map[string]any) string {
	m := make(map[string]any, len(attrs)+1)
	for k, v := range attrs {
		if k != "groups" {
			m[k] = v
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append(b, i.id...))
	return `W/"` + hex.EncodeToString(sum[:8]) + `"`
}

// full gives what filters look at and sorting compares.
func (i *item) full(a *asked) map[string]any {
	m := i.attributes()
	version := i.version(m)
	m["id"] = i.id
	m["meta"] = map[string]any{
		"resourceType": i.t.name, "created": now(i.created), "lastModified": now(i.modified), "location": a.base + "/" + i.t.endpoint + "/" + i.id, "version": version,
	}
	return m
}

// shown is what the library makes of a resource, for answers that do not go through it.
func (t *shelf) shown(a *asked, res escim.Resource) map[string]any {
	m := map[string]any(res.Attributes)
	m["id"] = res.ID
	m["meta"] = map[string]any{"resourceType": t.name, "created": now(*res.Meta.Created), "lastModified": now(*res.Meta.LastModified), "version": res.Meta.Version}
	t.complete(a, m)
	return t.shape.Project(m, a.only, a.without)
}

// complete gives a resource its address and the schemas that it really has.
func (t *shelf) complete(a *asked, m map[string]any) {
	schemas := []any{t.shape.URN}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if strings.HasPrefix(k, "urn:") {
			schemas = append(schemas, k)
		}
	}
	m["schemas"] = schemas
	if meta, ok := m["meta"].(map[string]any); ok {
		meta["location"] = a.base + "/" + t.endpoint + "/" + wire.Text(m, "id")
	}
}

func (t *shelf) resourceType() escim.ResourceType {
	return escim.ResourceType{
		ID: optional.NewString(t.name), Name: t.name, Endpoint: "/" + t.endpoint, Description: optional.NewString("The " + strings.ToLower(t.endpoint) + " of this source."),
		Schema: t.schema, SchemaExtensions: t.exts, Handler: t,
	}
}

// question reads the query of a request.
func (t *shelf) question(v url.Values) (question, error) {
	q := question{start: 1, count: maxResults, only: wire.Names(v["attributes"]...), without: wire.Names(v["excludedAttributes"]...), sortBy: strings.TrimSpace(v.Get("sortBy"))}
	for name, to := range map[string]*int{"startIndex": &q.start, "count": &q.count} {
		text := strings.TrimSpace(v.Get(name))
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return q, wire.Bad(wire.InvalidValue, "%s must be a whole number.", name)
		}
		*to = n
	}
	q.start, q.count = max(q.start, 1), min(max(q.count, 0), maxResults)
	switch strings.ToLower(v.Get("sortOrder")) {
	case "", "ascending":
	case "descending":
		q.down = true
	default:
		return q, wire.Bad(wire.InvalidValue, "sortOrder is ascending or descending.")
	}
	if q.sortBy != "" {
		target, ok := t.shape.Find(q.sortBy)
		if !ok || target.Name == "" || target.Attr != nil && target.Attr.Never {
			return q, wire.Bad(wire.InvalidPath, "There is no attribute %s to sort by.", q.sortBy)
		}
	}
	if text := strings.TrimSpace(v.Get("filter")); text != "" {
		e, err := wire.ParseFilter(text)
		if err == nil {
			err = t.shape.Check(e)
		}
		if err != nil {
			return q, err
		}
		q.filter = e
	}
	return q, nil
}

// wantsRefs says whether an answer shows members or groups.
func (t *shelf) wantsRefs(q question) bool {
	is := func(name string) bool {
		first, _, _ := strings.Cut(strings.ToLower(name[strings.LastIndexByte(name, ':')+1:]), ".")
		return first == t.refName
	}
	if slices.ContainsFunc(q.without, func(n string) bool { return is(n) && !strings.Contains(n, ".") || strings.EqualFold(n, t.refName) }) {
		return false
	}
	return len(q.only) == 0 || slices.ContainsFunc(q.only, is)
}

// list answers a question: how many there are, and one page.
func (t *shelf) list(ctx context.Context, a *asked) (int, []*item, error) {
	q := t.reader(ctx)
	cond, args, exact := t.where(a.filter)
	order, sortable := t.order(a.question)
	if !exact || !sortable {
		return t.sift(q, a, cond, args)
	}
	counted := t.table + ` l`
	if cond != "" {
		cond, counted = " AND "+cond, t.from
	}
	rows, err := q.Query(`SELECT count(*) FROM `+counted+` WHERE l.source = ?`+cond, append([]any{a.src.PK}, args...)...)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, nil, err
		}
	}
	if err := rows.Err(); err != nil || a.count == 0 || n < a.start {
		return n, nil, err
	}
	page, err := t.read(q, a.src.PK, cond+` ORDER BY `+order+` LIMIT ? OFFSET ?`, append(slices.Clone(args), a.count, a.start-1)...)
	if err != nil {
		return 0, nil, err
	}
	return n, page, t.complement(q, a, page)
}

// complement fills a page where its answer shows it.
func (t *shelf) complement(q querier, a *asked, page []*item) error {
	if !t.wantsRefs(a.question) {
		return nil
	}
	return t.fill(q, a, page)
}

// order gives what the database sorts by; ok is false when it can't.
func (t *shelf) order(q question) (order string, ok bool) {
	if q.sortBy == "" {
		return t.key, true
	}
	target, _ := t.shape.Find(q.sortBy)
	name := target.Name
	if target.Part != "" {
		name += "." + target.Part
	}
	col := t.orders[name]
	if target.Ext != "" || col == "" {
		return "", false
	}
	if q.down {
		return col + " DESC, " + t.key + " DESC", true
	}
	return col + ", " + t.key, true
}

// sift looks at every item that the database can't tell apart, some hundreds at a time.
func (t *shelf) sift(q querier, a *asked, cond string, args []any) (int, []*item, error) {
	type hit struct {
		pk   any
		sort []any
	}
	var hits []hit
	if cond != "" {
		cond = " AND " + cond
	}
	target, _ := t.shape.Find(a.sortBy)
	var last any
	for {
		rest, more := cond, slices.Clone(args)
		if last != nil {
			rest, more = rest+` AND `+t.key+` > ?`, append(more, last)
		}
		items, err := t.read(q, a.src.PK, rest+` ORDER BY `+t.key+` LIMIT 500`, more...)
		if err != nil {
			return 0, nil, err
		}
		if err := t.fill(q, a, items); err != nil {
			return 0, nil, err
		}
		for _, i := range items {
			last = i.pk
			m := i.full(a)
			if !t.shape.Match(a.filter, m) {
				continue
			}
			h := hit{pk: i.pk}
			if a.sortBy != "" {
				h.sort = t.shape.SortKey(m, target)
			}
			hits = append(hits, h)
		}
		if len(items) < 500 {
			break
		}
	}
	if a.sortBy != "" {
		slices.SortStableFunc(hits, func(x, y hit) int { return wire.Order(x.sort, y.sort, a.down) })
	}
	from := min(a.start-1, len(hits))
	pick := hits[from:min(from+a.count, len(hits))]
	if len(pick) == 0 {
		return len(hits), nil, nil
	}
	pks, at := []any{}, map[any]int{}
	for n, h := range pick {
		pks, at[h.pk] = append(pks, h.pk), n
	}
	page, err := t.read(q, a.src.PK, ` AND `+t.key+` IN (`+db.Marks(len(pks))+`)`, pks...)
	if err != nil {
		return 0, nil, err
	}
	slices.SortFunc(page, func(x, y *item) int { return at[x.pk] - at[y.pk] })
	return len(hits), page, t.complement(q, a, page)
}

// where turns what it can of a filter into SQL. exact says that nothing is left to look at.
func (t *shelf) where(e filter.Expression) (cond string, args []any, exact bool) {
	switch x := e.(type) {
	case nil:
		return "", nil, true
	case *filter.LogicalExpression:
		l, la, lx := t.where(x.Left)
		r, ra, rx := t.where(x.Right)
		all := append(slices.Clone(la), ra...)
		switch {
		case l != "" && r != "":
			return "(" + l + " " + string(x.Operator) + " " + r + ")", all, lx && rx
		case x.Operator == filter.AND && l+r != "":
			return l + r, all, false
		}
		return "", nil, false
	case *filter.NotExpression:
		if in, args, exact := t.where(x.Expression); exact && in != "" {
			return "NOT (" + in + ")", args, true
		}
		return "", nil, false
	case *filter.AttributeExpression:
		target, ok := t.shape.Place(x.AttributePath)
		if !ok || target.Ext != "" {
			return "", nil, false
		}
		return t.terms(target, x)
	}
	return "", nil, false
}

// ascii says whether the database folds the letters of a text as SCIM does.
func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

// common are the terms that people and groups share.
func common(t wire.Target, e *filter.AttributeExpression, id string) (cond string, args []any, exact bool) {
	text, isText := e.CompareValue.(string)
	switch {
	case t.Name == "id" && isText && e.Operator == filter.EQ:
		return id + " = ?", []any{text}, true
	case t.Name == "externalId" && isText && e.Operator == filter.EQ:
		return "l.external_id = ?", []any{text}, false
	case t.Name == "meta" && t.Part == "lastModified" && isText:
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return "", nil, false
		}
		switch e.Operator { // of seconds, so that every hit is among them
		case filter.GT, filter.GE:
			return "l.modified >= ?", []any{at.Truncate(time.Second).UnixMicro()}, false
		case filter.LT, filter.LE:
			return "(l.modified IS NULL OR l.modified <= ?)", []any{at.Add(time.Second).UnixMicro()}, false
		}
	}
	return "", nil, false
}

// one finds an item of the asker's source by its SCIM id.
func (t *shelf) one(q querier, a *asked, id string) (*item, error) {
	items, err := t.read(q, a.src.PK, ` AND `+t.id+` = ?`, id)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, fault.Newf(fault.NotFound, "There is no %s %s in this source.", t.name, id)
	}
	return items[0], nil
}

// unchanged refuses a change of what is no longer as the client saw it.
func (a *asked) unchanged(i *item) error {
	if len(a.match) == 0 || fresh(a.match, i.resource().Meta.Version) {
		return nil
	}
	f := fault.New(fault.Conflict, "Somebody else changed this meanwhile. Read it again, then change it.")
	f.Code = stale
	return f
}

// told keeps an error for the answer; the library only hears that there was one.
func (a *asked) told(err error) error {
	a.err = err
	return err
}

// Get implements the library's handler.
func (t *shelf) Get(req *http.Request, id string) (escim.Resource, error) {
	a, q := of(req), t.reader(req.Context())
	i, err := t.one(q, a, id)
	if err == nil {
		err = t.complement(q, a, []*item{i})
	}
	if err != nil {
		return escim.Resource{}, a.told(err)
	}
	a.about = i.called()
	return i.resource(), nil
}

func (i *item) called() string {
	if i.username != "" {
		return i.username
	}
	return i.name
}

// GetAll implements the library's handler.
func (t *shelf) GetAll(req *http.Request, _ escim.ListRequestParams) (escim.Page, error) {
	a := of(req)
	n, items, err := t.list(req.Context(), a)
	if err != nil {
		return escim.Page{}, a.told(err)
	}
	out := escim.Page{TotalResults: n, Resources: make([]escim.Resource, 0, len(items))}
	for _, i := range items {
		out.Resources = append(out.Resources, i.resource())
	}
	return out, nil
}

// Create implements the library's handler.
func (t *shelf) Create(req *http.Request, _ escim.ResourceAttributes) (escim.Resource, error) {
	a := of(req)
	var made *item
	err := t.room.Store.Write(req.Context(), a.actor, func(tx *store.Tx) (err error) {
		made, err = t.create(tx, a, wire.Clone(a.body))
		return err
	})
	if err != nil {
		return escim.Resource{}, a.told(err)
	}
	a.about = made.called()
	return made.resource(), nil
}

// Replace implements the library's handler.
func (t *shelf) Replace(req *http.Request, id string, _ escim.ResourceAttributes) (escim.Resource, error) {
	a := of(req)
	return t.change(req, a, id, func(*item) (map[string]any, error) { return wire.Clone(a.body), nil })
}

// Patch implements the library's handler.
func (t *shelf) Patch(req *http.Request, id string, ops []escim.PatchOperation) (escim.Resource, error) {
	return t.change(req, of(req), id, func(i *item) (map[string]any, error) {
		res := i.attributes()
		before := wire.Clone(res)
		delete(res, "groups")
		if err := t.shape.Apply(res, wire.Copy(ops)); err != nil {
			return nil, err
		}
		rename(before, res)
		if before["emails"] != nil && res["emails"] == nil {
			res["emails"] = []any{} // none is not the same as nothing said
		}
		return res, nil
	})
}

// change writes what fn makes of an item, in one transaction with the look at what was there.
func (t *shelf) change(req *http.Request, a *asked, id string, fn func(*item) (map[string]any, error)) (escim.Resource, error) {
	var after *item
	err := t.room.Store.Write(req.Context(), a.actor, func(tx *store.Tx) error {
		i, err := t.one(tx, a, id)
		if err == nil {
			err = t.fill(tx, a, []*item{i})
		}
		if err == nil {
			err = a.unchanged(i)
		}
		if err != nil {
			return err
		}
		a.about = i.called()
		want, err := fn(i)
		if err != nil {
			return err
		}
		after, err = t.update(tx, a, i, want)
		return err
	})
	if err != nil {
		return escim.Resource{}, a.told(err)
	}
	return after.resource(), nil
}

// Delete implements the library's handler.
func (t *shelf) Delete(req *http.Request, id string) error {
	a := of(req)
	return a.told(t.room.Store.Write(req.Context(), a.actor, func(tx *store.Tx) error {
		i, err := t.one(tx, a, id)
		if err == nil && len(a.match) > 0 {
			if err = t.fill(tx, a, []*item{i}); err == nil {
				err = a.unchanged(i)
			}
		}
		if err != nil {
			return err
		}
		a.about = i.called()
		return t.remove(tx, i)
	}))
}

// remove deletes what was sent. What another source sent too only leaves this one.
func (t *shelf) remove(tx *store.Tx, i *item) error {
	var others int
	if err := tx.QueryRow(`SELECT count(*) FROM `+t.table+` WHERE `+t.field+` = ? AND id <> ?`, i.pk, i.link).Scan(&others); err != nil {
		return err
	}
	if others > 0 {
		_, err := tx.Exec(`DELETE FROM `+t.table+` WHERE id = ?`, i.link)
		return err
	}
	return tx.Delete(t.kind(), keyText(i.pk))
}

func keyText(pk any) string {
	if n, ok := pk.(int64); ok {
		return strconv.FormatInt(n, 10)
	}
	s, _ := pk.(string)
	return s
}

// join links somebody who was just made to the source and gives the key of the link. Nobody else of the source has the external name.
func (t *shelf) join(tx *store.Tx, a *asked, pk any, external string, sent map[string]any) (string, error) {
	id, err := freeID(tx, t.table, a.src.Slug, external)
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(sent)
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(`INSERT INTO `+t.table+` (id, external_id, `+t.field+`, source, attributes, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		id, external, pk, a.src.PK, string(b), tx.Now.UnixMicro(), tx.Now.UnixMicro())
	return id, err
}

// keep writes what was sent into the link, under the name that the client gives it now.
func (t *shelf) keep(tx *store.Tx, a *asked, i *item, sent map[string]any) error {
	external, id := i.external, i.link
	if ext := wire.Text(sent, "externalId"); ext != "" && ext != external {
		if err := t.externalFree(tx, a, ext); err != nil {
			return err
		}
		var err error
		if id, err = freeID(tx, t.table, a.src.Slug, ext); err != nil {
			return err
		}
		external = ext
	}
	b, err := bounded(sent)
	if err != nil {
		return err
	}
	if _, err = tx.Exec(`UPDATE `+t.table+` SET id = ?, external_id = ?, attributes = ?, modified = ? WHERE id = ?`, id, external, string(b), tx.Now.UnixMicro(), i.link); err != nil {
		return err
	}
	i.link, i.external, i.sent, i.modified = id, external, sent, tx.Now
	return nil
}

// externalFree refuses the name of somebody else of the source.
func (t *shelf) externalFree(tx *store.Tx, a *asked, external string) error {
	if len([]rune(external)) > 255 {
		return wire.Bad(wire.InvalidValue, "externalId may have 255 characters at most.")
	}
	var n int
	if err := tx.QueryRow(`SELECT count(*) FROM `+t.table+` WHERE source = ? AND external_id = ?`, a.src.PK, external).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return taken("The externalId %s belongs to another %s of this source.", external, t.name)
	}
	return nil
}

// mostSent is how much is kept of what was sent about somebody, in bytes.
const mostSent = 64 << 10

func bounded(sent map[string]any) ([]byte, error) {
	b, err := json.Marshal(sent)
	if err == nil && len(b) > mostSent {
		err = wire.Bad(wire.TooMany, "What is sent about one person or group may have %d bytes at most.", mostSent)
	}
	return b, err
}
