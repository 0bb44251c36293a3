package scim

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// State is what a provider's page shows.
type State struct {
	Works    bool         `json:"works" is:"required,readonly" help:"Whether an application has the provider in the background; without one nothing is sent."`
	Running  bool         `json:"running" is:"required,readonly"`
	Kind     string       `json:"kind" is:"required,readonly" help:"What a full sync is at: user or group; empty between them."`
	Done     int          `json:"done" is:"required,readonly"`
	Total    int          `json:"total" is:"required,readonly"`
	Finished *time.Time   `json:"finished" is:"required,readonly" format:"date-time" help:"When a full sync last ended."`
	Paused   *time.Time   `json:"paused_until" is:"required,readonly" format:"date-time" help:"Until when the system is left alone; null when it is not."`
	Says     string       `json:"says" is:"required,readonly" help:"Why it is left alone."`
	Remote   *Abilities   `json:"remote" is:"required,readonly" help:"What the system said that it can; null before it was asked."`
	Counts   []StateCount `json:"counts" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (State) SchemaName() string { return "SCIMProviderState" }

// Abilities are what a system says that it can.
type Abilities struct {
	Known  bool `json:"known" is:"required,readonly" help:"False when it does not say: then nothing is taken for granted."`
	Patch  bool `json:"patch" is:"required,readonly"`
	Filter bool `json:"filter" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Abilities) SchemaName() string { return "SCIMRemoteAbilities" }

// StateCount is how many are in a state.
type StateCount struct {
	Kind  string `json:"kind" is:"required,readonly"`
	State string `json:"state" is:"required,readonly" enum:"waiting,in_step,failed,left,off"`
	Count int    `json:"count" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (StateCount) SchemaName() string { return "SCIMStateCount" }

// Entry is where a person or a group stands at the other system.
type Entry struct {
	Kind   string     `json:"kind" is:"required,readonly" enum:"user,group"`
	Object string     `json:"object" is:"required,readonly" help:"The key of the person or group here."`
	Name   string     `json:"name" is:"required,readonly"`
	State  string     `json:"state" is:"required,readonly" enum:"waiting,in_step,failed,left,off"`
	Says   string     `json:"says" is:"required,readonly" help:"Why it failed, in words."`
	ID     string     `json:"remote_id" is:"required,readonly" help:"The id at the other system; empty when they are not there."`
	Told   *time.Time `json:"told" is:"required,readonly" format:"date-time" help:"When the other system was last told."`
	Next   *time.Time `json:"next" is:"required,readonly" format:"date-time" help:"When it is tried next; null when nothing is to be told."`
	Tries  int        `json:"tries" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Entry) SchemaName() string { return "SCIMProviderEntry" }

// Entries is one page of them.
type Entries struct {
	Count   int     `json:"count" is:"required,readonly"`
	Results []Entry `json:"results" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Entries) SchemaName() string { return "SCIMProviderEntries" }

// Retry says who is tried again.
type Retry struct {
	Kind   string `json:"kind" enum:"user,group" default:"user"`
	Object string `json:"object" is:"blank" help:"The key of one person or group; empty for all that failed."`
}

// SchemaName implements kind.SchemaNamer.
func (Retry) SchemaName() string { return "SCIMProviderRetry" }

// Wish asks for a full sync.
type Wish struct {
	Anew bool `json:"anew" default:"false" help:"Send also what seems to be in step."`
}

// SchemaName implements kind.SchemaNamer.
func (Wish) SchemaName() string { return "SCIMProviderSync" }

// Plan is what would be done for one person or group.
type Plan struct {
	Kind   string         `json:"kind" is:"required,readonly"`
	Object string         `json:"object" is:"required,readonly"`
	Name   string         `json:"name" is:"required,readonly"`
	Does   string         `json:"does" is:"required,readonly" enum:"nothing,create,adopt,change,disable,delete,fail"`
	Says   string         `json:"says" is:"required,readonly" help:"Why nothing can be sent."`
	Method string         `json:"method" is:"required,readonly"`
	URL    string         `json:"url" is:"required,readonly"`
	Body   map[string]any `json:"body" is:"required,nullable,readonly" type:"any"`
}

// SchemaName implements kind.SchemaNamer.
func (Plan) SchemaName() string { return "SCIMProviderPlan" }

// DryRun is what a full sync would do now.
type DryRun struct {
	Counts []PlanCount `json:"counts" is:"required,readonly"`
	Plans  []Plan      `json:"plans" is:"required,readonly" help:"The first of those for whom something would be done, without what is sent."`
	Says   string      `json:"says" is:"required,readonly" help:"What the other system did not tell, so that it could not be looked at."`
}

// SchemaName implements kind.SchemaNamer.
func (DryRun) SchemaName() string { return "SCIMProviderDryRun" }

// PlanCount is for how many something would be done.
type PlanCount struct {
	Kind  string `json:"kind" is:"required,readonly"`
	Does  string `json:"does" is:"required,readonly"`
	Count int    `json:"count" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (PlanCount) SchemaName() string { return "SCIMPlanCount" }

const (
	viewPerm   = "authentik_providers_scim.view_scimprovider"
	changePerm = "authentik_providers_scim.change_scimprovider"
)

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	settings := r.Beyond()
	at := "gatehouse/providers/scim/{id}/"
	list := []kind.Action{
		named(kind.Do("GET", at+"state", r.state), viewPerm, "How far a provider is with its system."),
		named(kind.Do("GET", at+"entries", r.entries), viewPerm, "Where each person and group stands at the other system.",
			kind.Param{Name: "kind", Type: "string", Enum: []string{"user", "group"}}, kind.Param{Name: "state", Type: "string", Enum: []string{waiting, inStep, failed, left, off}},
			kind.Param{Name: "search", Type: "string"}, kind.Param{Name: "page", Type: "integer"}, kind.Param{Name: "page_size", Type: "integer"}),
		named(kind.Do("POST", at+"retry", r.retry), changePerm, "Tries again to send a person or group, or all that failed."),
		named(kind.Do("POST", at+"sync", func(ctx context.Context, c *kind.Call, in *Wish) (kind.None, error) {
			p, err := store.Get[Provider](ctx, r.Store, c.Key)
			if err != nil {
				return kind.None{}, err
			}
			return kind.None{}, r.wish(ctx, p.PK, in.Anew)
		}), changePerm, "Begins a full sync."),
		named(kind.Do("GET", at+"preview", r.preview), changePerm, "What is sent of a person or a group.", kind.Param{Name: "user", Type: "integer"}, kind.Param{Name: "group", Type: "string", Format: "uuid"}),
		named(kind.Do("POST", at+"dry_run", r.dryRun), changePerm, "What a full sync would do now. The other system is only read."),
	}
	for i := range list {
		list[i].Of = settings.Key
	}
	list = append(list, named(kind.Do("POST", "gatehouse/providers/scim", r.setup), "authentik_providers_scim.add_scimprovider", "Has an application take people by SCIM: a provider with the usual mappings, and the application."))
	return append(list, settings.Actions()...)
}

func named(a kind.Action, perm, summary string, query ...kind.Param) kind.Action {
	a.Perm, a.Summary, a.Query = perm, summary, query
	return a
}

func (r *Room) state(ctx context.Context, c *kind.Call, _ *kind.None) (State, error) {
	p, err := store.Get[Provider](ctx, r.Store, c.Key)
	if err != nil {
		return State{}, err
	}
	w := r.worker(p.PK)
	now := w.now()
	out := State{Running: now.running, Kind: now.kind, Done: min(now.done, now.total), Total: now.total, Counts: []StateCount{}}
	if !now.paused.IsZero() {
		at := now.paused.UTC()
		out.Paused, out.Says = &at, now.why
	}
	w.set(func(*progress) {
		if w.of != "" {
			out.Remote = &Abilities{w.able.Known, w.able.Patch, w.able.Filter}
		}
	})
	pks, err := r.targets(ctx)
	if err != nil {
		return out, err
	}
	out.Works = slices.Contains(pks, p.PK)
	var at *int64
	if err := r.Store.DB().QueryRow(ctx, `SELECT max(finished) FROM scim_targets WHERE provider = ?`, p.PK).Scan(&at); err != nil {
		return out, err
	}
	out.Finished = moment(at)
	rows, err := r.Store.DB().Query(ctx, `SELECT kind, state, count(*) FROM scim_out WHERE provider = ? GROUP BY kind, state ORDER BY kind DESC, state`, p.PK)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var n StateCount
		if err := rows.Scan(&n.Kind, &n.State, &n.Count); err != nil {
			return out, err
		}
		out.Counts = append(out.Counts, n)
	}
	return out, rows.Err()
}

// atPage is how long a page of entries is when nothing is said.
const atPage = 20

func (r *Room) entries(ctx context.Context, c *kind.Call, _ *kind.None) (Entries, error) {
	out := Entries{Results: []Entry{}}
	p, err := store.Get[Provider](ctx, r.Store, c.Key)
	if err != nil {
		return out, err
	}
	page, size := 1, atPage
	for name, to := range map[string]*int{"page": &page, "page_size": &size} {
		if v := c.Query.Get(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 || n > 1_000_000 {
				return out, fault.Field(name, "Enter a whole number.")
			}
			*to = n
		}
	}
	size = min(size, 100)
	cond, args := `provider = ?`, []any{p.PK}
	for _, name := range []string{"kind", "state"} {
		if v := c.Query.Get(name); v != "" {
			cond, args = cond+` AND `+name+` = ?`, append(args, v)
		}
	}
	if v := strings.TrimSpace(c.Query.Get("search")); v != "" {
		cond, args = cond+` AND `+db.Contains("name"), append(args, db.LikePattern(v))
	}
	if err := r.Store.DB().QueryRow(ctx, `SELECT count(*) FROM scim_out WHERE `+cond, args...).Scan(&out.Count); err != nil {
		return out, err
	}
	// Who failed comes first.
	rows, err := r.Store.DB().Query(ctx, `SELECT kind, object, name, state, says, scim_id, told, due, tries FROM scim_out WHERE `+cond+` ORDER BY state <> 'failed', state <> 'waiting', kind DESC, name, object LIMIT ? OFFSET ?`, append(args, size, (page-1)*size)...)
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Entry
		var told, due *int64
		if err := rows.Scan(&e.Kind, &e.Object, &e.Name, &e.State, &e.Says, &e.ID, &told, &due, &e.Tries); err != nil {
			return out, err
		}
		e.Told, e.Next = moment(told), moment(due)
		if due != nil && *due == 0 {
			now := r.Store.Now().UTC()
			e.Next = &now
		}
		out.Results = append(out.Results, e)
	}
	return out, rows.Err()
}

func (r *Room) retry(ctx context.Context, c *kind.Call, in *Retry) (kind.None, error) {
	p, err := store.Get[Provider](ctx, r.Store, c.Key)
	if err != nil {
		return kind.None{}, err
	}
	cond, args := `provider = ? AND state = 'failed'`, []any{p.PK}
	if in.Object != "" {
		cond, args = `provider = ? AND kind = ? AND object = ?`, []any{p.PK, in.Kind, in.Object}
	}
	return kind.None{}, r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		tx.AfterCommit(func() { r.poke(p.PK) })
		// sent is forgotten, so that it is sent also when it seems to be in step.
		res, err := tx.Exec(`UPDATE scim_out SET due = 0, tries = 0, says = '', sent = '', mark = mark + 1 WHERE `+cond, args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 && in.Object != "" {
			return fault.New(fault.NotFound, "Nothing is known of this person or group. A full sync finds everybody.")
		}
		var works int
		if err := tx.QueryRow(`SELECT count(*) FROM scim_targets WHERE provider = ?`, p.PK).Scan(&works); err != nil || works > 0 {
			return err
		}
		return errUnused
	})
}

// preview shows what is sent of a person or a group as they are now.
func (r *Room) preview(ctx context.Context, c *kind.Call, _ *kind.None) (Plan, error) {
	p, err := store.Get[Provider](ctx, r.Store, c.Key)
	if err != nil {
		return Plan{}, err
	}
	s := &run{r: r, w: r.worker(p.PK), pk: p.PK}
	who, team := c.Query.Get("user"), c.Query.Get("group")
	var jobs []*job
	switch {
	case who != "":
		n, e := strconv.ParseInt(who, 10, 64)
		if e != nil {
			return Plan{}, fault.Field("user", "Enter a number.")
		}
		if _, err := r.Users.Viewable(ctx, n); err != nil {
			return Plan{}, fault.Field("user", "There is no such user.")
		}
		jobs, err = s.plan(ctx, p, "user", []string{strconv.FormatInt(n, 10)}, true)
	case team != "":
		if !kind.UUIDText.MatchString(team) {
			return Plan{}, fault.Field("group", "Must be a valid UUID.")
		}
		team = kind.Dashed(team)
		k := store.KindOf[user.Group](r.Store)
		ok, e := r.May(ctx, store.ActorOf(ctx), k.Perm("view"), team)
		if e != nil {
			return Plan{}, e
		}
		if _, err := r.Store.Get(ctx, k, "pk", team); err != nil || !ok {
			return Plan{}, fault.Field("group", "There is no such group.")
		}
		jobs, err = s.plan(ctx, p, "group", []string{team}, true)
	default:
		return Plan{}, fault.Whole("Name a user or a group.")
	}
	if err != nil {
		return Plan{}, err
	}
	return s.show(p, jobs[0], true), nil
}

// show tells what a job would do.
func (s *run) show(p *Provider, j *job, whole bool) Plan {
	out := Plan{Kind: j.kind, Object: j.key, Name: j.name, Does: "nothing"}
	at := base(p.URL) + endpoint(j.kind)
	one := at
	if j.row != nil {
		one += "/" + url.PathEscape(j.row.id)
	}
	switch {
	case j.err != nil:
		out.Does, out.Says = "fail", says(j.err)
		return out
	case j.do == create:
		out.Does, out.Method, out.URL = "create", "POST", at
	case j.do == change:
		out.Does, out.Method, out.URL = "change", "PUT", one
		if p.Beyond().Method == patch {
			out.Method = "PATCH"
		}
	case j.do == disable:
		out.Does, out.Method, out.URL = "disable", "PATCH", one
	case j.do == erase:
		out.Does, out.Method, out.URL = "delete", "DELETE", one
	case whole && j.body["schemas"] == nil:
		out.Says = "Nothing is sent: outside of whom the provider sends."
	}
	if whole && j.body["schemas"] != nil {
		out.Body = withMembers(j, false)
	}
	return out
}

// mostPlans is how many a dry run names.
const mostPlans = 200

// dryRun looks at everybody here and there without a change.
func (r *Room) dryRun(ctx context.Context, c *kind.Call, _ *kind.None) (DryRun, error) {
	p, err := store.Get[Provider](ctx, r.Store, c.Key)
	if err != nil {
		return DryRun{}, err
	}
	out := DryRun{Counts: []PlanCount{}, Plans: []Plan{}}
	s := &run{r: r, w: r.worker(p.PK), pk: p.PK, whole: true, there: map[string]map[string]seen{}}
	there, err := s.glance(ctx, p)
	if err != nil {
		out.Says = says(err)
		s.whole = false
	}
	counts := map[[2]string]int{}
	for _, kind := range []string{"user", "group"} {
		query := map[string]string{
			"user":  `SELECT CAST(pk AS TEXT) FROM users UNION SELECT object FROM scim_out WHERE provider = ? AND kind = 'user'`,
			"group": `SELECT pk FROM usergroups UNION SELECT object FROM scim_out WHERE provider = ? AND kind = 'group'`,
		}[kind]
		keys, err := r.keysOf(ctx, query, p.PK)
		if err != nil {
			return out, err
		}
		for part := range slices.Chunk(keys, batchSize) {
			jobs, err := s.plan(ctx, p, kind, part, true)
			if err != nil {
				return out, err
			}
			for _, j := range jobs {
				v := s.show(p, j, false)
				if v.Does == "create" && (there[kind]["x "+text(j.body, "externalId")] || there[kind]["n "+strings.ToLower(text(j.body, nameOf(kind)))]) {
					v.Does = "adopt"
				}
				counts[[2]string{kind, v.Does}]++
				if v.Does != "nothing" && len(out.Plans) < mostPlans {
					out.Plans = append(out.Plans, v)
				}
			}
		}
	}
	for _, kind := range []string{"user", "group"} {
		for _, does := range []string{"create", "adopt", "change", "disable", "delete", "fail", "nothing"} {
			if n := counts[[2]string{kind, does}]; n > 0 {
				out.Counts = append(out.Counts, PlanCount{kind, does, n})
			}
		}
	}
	return out, nil
}

// glance reads the lists of the system once: what it shows, and which names there are.
func (s *run) glance(ctx context.Context, p *Provider) (map[string]map[string]bool, error) {
	out := map[string]map[string]bool{}
	c := &remote{client: s.r.Client, base: base(p.URL), token: p.Token, agent: "Gatehouse/" + s.r.Version}
	for _, kind := range []string{"user", "group"} {
		names, found := map[string]bool{}, map[string]seen{}
		attrs := "userName,externalId,displayName,active"
		if kind == "group" {
			attrs = "externalId,displayName,members"
		}
		if err := c.each(ctx, kind, attrs, func(x *resource) bool {
			found[x.ID] = x.seen()
			names["x "+x.ExternalID], names["n "+strings.ToLower(x.name(kind))] = true, true
			return true
		}); err != nil {
			return nil, err
		}
		delete(names, "x ")
		out[kind], s.there[kind] = names, found
	}
	return out, nil
}
