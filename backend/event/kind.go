package event

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// Coordinate is a point of a chart: milliseconds since 1970 and a count.
type Coordinate struct {
	X int64 `json:"x_cord" is:"required,readonly"`
	Y int64 `json:"y_cord" is:"required,readonly"`
}

// Top is how often an application was authorized, and by how many people.
type Top struct {
	Application map[string]any `json:"application" is:"required"`
	Events      int64          `json:"counted_events" is:"required"`
	Users       int64          `json:"unique_users" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Top) SchemaName() string { return "EventTopPerUser" }

// ActionType is an action that events may have.
type ActionType struct {
	Name        string `json:"name" is:"required"`
	Description string `json:"description" is:"required"`
	Component   string `json:"component" is:"required"`
	ModelName   string `json:"model_name" is:"required"`
	Enterprise  bool   `json:"requires_enterprise" default:"false"`
}

// SchemaName implements kind.SchemaNamer.
func (ActionType) SchemaName() string { return "TypeCreate" }

// Kinds describes events.
func (l *Log) Kinds() []*kind.Kind {
	return []*kind.Kind{kind.Of(Family, kind.Spec{
		Path: "events/events", Model: "authentik_events.event", Schema: "Event", Title: "Event", Table: "events", Verbs: kind.AllVerbs &^ kind.UsedBy,
		Tie: "o.id DESC", Serial: "created", SerialColumn: "o.id", Filters: filters(), Count: l.count, Seek: l.seek, Actions: l.actions(), Present: hideKept,
	}, func() *Event {
		return &Event{User: map[string]any{}, Context: map[string]any{}, Brand: map[string]any{}, log: l}
	})}
}

// filters are those of the published list (flows.md 5.1).
func filters() []kind.Filter {
	json := func(name, field, path string) kind.Filter {
		return kind.Filter{Name: name, Type: "string", Where: func(v string, d kind.Dialect) (string, []any, error) {
			return d.JSON(field, path) + " = ?", []any{v}, nil
		}}
	}
	return []kind.Filter{
		{Name: "action", Type: "string", Where: func(v string, d kind.Dialect) (string, []any, error) {
			for _, known := range Actions() {
				if v == known { // by the index; no action is part of another but login and login_failed
					if v == Login { // the plus keeps the order of the rows: these two are the most common, and an index would sort them all
						return "+o.action IN (?, ?)", []any{Login, LoginFailed}, nil
					}
					return "o.action = ?", []any{v}, nil
				}
			}
			return d.Contains("o.action"), []any{d.Pattern(v)}, nil
		}},
		json("username", "user", "username"),
		json("brand_name", "brand", "name"),
		{Name: "context_authorized_app", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "o.authorized_app = ?", []any{hexKey(v)}, nil
		}},
		json("context_model_app", "context", "model.app"),
		{Name: "context_model_name", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "o.model = ?", []any{v}, nil
		}},
		{Name: "context_model_pk", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return "o.model_pk = ?", []any{hexKey(v)}, nil
		}},
	}
}

// Actions gives the published actions in their order.
func Actions() []string {
	return []string{Login, LoginFailed, Logout, UserWrite, SuspiciousRequest, PasswordSet, SecretView, SecretRotate, "invitation_used", AuthorizeApp, "source_linked",
		ImpersonationStart, ImpersonationEnd, "flow_execution", "policy_execution", "policy_exception", "property_mapping_exception", "system_task_execution",
		"system_task_exception", SystemException, ConfigurationError, "model_created", "model_updated", "model_deleted", "email_sent", "update_available", "custom_"}
}

// count answers from the counters: the whole log, or one action.
func (l *Log) count(ctx context.Context, f url.Values, search string) (int, bool, error) {
	if search != "" {
		return 0, false, nil
	}
	names := []string{"total"}
	for k, v := range f {
		if k == "page" || k == "page_size" || k == "ordering" || len(v) == 0 || v[len(v)-1] == "" {
			continue
		}
		if k != "action" {
			if known(k) {
				return 0, false, nil
			}
			continue
		}
		switch a := v[len(v)-1]; {
		case a == Login:
			names = []string{"action " + Login, "action " + LoginFailed}
		case slices.Contains(Actions(), a):
			names = []string{"action " + a}
		default:
			return 0, false, nil
		}
	}
	var n int
	for _, name := range names {
		var one int
		err := l.Store.DB().QueryRow(ctx, `SELECT n FROM event_counts WHERE name = ?`, name).Scan(&one)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return 0, false, err
		}
		n += one
	}
	return n, true, nil
}

func known(filter string) bool {
	switch filter {
	case "action", "client_ip":
		return true
	}
	for _, f := range filters() {
		if f.Name == filter {
			return true
		}
	}
	return false
}

// seek finds the id at which a far page begins, by the counters of a thousand ids each.
func (l *Log) seek(ctx context.Context, offset int) (string, []any, int, error) {
	if offset < 2*idsPerCount {
		return "", nil, offset, nil
	}
	rows, err := l.Store.DB().Query(ctx, `SELECT CAST(substr(name, 5) AS INTEGER), n FROM event_counts WHERE name >= 'ids ' AND name < 'ids:' ORDER BY 1 DESC`)
	if err != nil {
		return "", nil, offset, err
	}
	defer rows.Close()
	for rows.Next() {
		var bucket int64
		var n int
		if err := rows.Scan(&bucket, &n); err != nil {
			return "", nil, offset, err
		}
		if n > offset {
			return "o.id < ?", []any{(bucket + 1) * idsPerCount}, offset, nil
		}
		offset -= n
	}
	return "", nil, offset, rows.Err()
}

func (l *Log) actions() []kind.Action {
	view := "view"
	types := kind.Collection("GET", "actions", "", func(context.Context, *kind.Call, *kind.None) ([]ActionType, error) {
		out := []ActionType{}
		for _, a := range Actions() {
			out = append(out, ActionType{Name: label(a), Component: a})
		}
		return out, nil
	})
	types.Operation, types.Access = "events_events_actions_list", kind.SignedIn // which actions there are says nothing of events
	top := kind.Collection("GET", "top_per_user", view, l.top)
	top.Operation = "events_events_top_per_user_list"
	top.Query = []kind.Param{{Name: "action", Type: "string"}, {Name: "top_n", Type: "integer"}}
	volume := kind.Collection("GET", "volume", view, func(ctx context.Context, c *kind.Call, _ *kind.None) ([]Coordinate, error) {
		return l.chart(ctx, 7*24*time.Hour, 21, c.Query)
	})
	volume.Operation = "events_events_volume_list"
	volume.Query = []kind.Param{{Name: "action", Type: "string"}, {Name: "client_ip", Type: "string"}}
	for _, f := range filters() {
		if f.Name != "action" {
			volume.Query = append(volume.Query, kind.Param{Name: f.Name, Type: "string"})
		}
	}
	volume.Query = append(volume.Query, kind.Param{Name: "ordering", Type: "string"}, kind.Param{Name: "search", Type: "string"})
	month := kind.Collection("GET", "per_month", view, func(ctx context.Context, c *kind.Call, _ *kind.None) ([]Coordinate, error) {
		q := url.Values{"action": {c.Query.Get("action")}}
		if raw := c.Query.Get("query"); raw != "" {
			var by map[string]any
			if err := json.Unmarshal([]byte(raw), &by); err != nil {
				return nil, fault.Field("query", "Write the query as JSON.")
			}
			for k, v := range by {
				switch k {
				case "context__authorized_application__pk":
					q.Set("context_authorized_app", fmt.Sprint(v))
				case "user__pk":
					q.Set("user_pk", fmt.Sprint(v))
				default:
					return nil, fault.Field("query", "Ask for context__authorized_application__pk or user__pk.")
				}
			}
		}
		return l.chart(ctx, 28*24*time.Hour, 30, q)
	})
	month.Operation = "events_events_per_month_list"
	month.Query = []kind.Param{{Name: "action", Type: "string"}, {Name: "query", Type: "string"}}
	return []kind.Action{types, top, volume, month}
}

// label makes "Login Failed" of login_failed.
func label(action string) string {
	switch action {
	case "invitation_used":
		return "Invite Used"
	case "custom_":
		return "Custom Prefix"
	}
	words := strings.Split(action, "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

func (l *Log) top(ctx context.Context, c *kind.Call, _ *kind.None) ([]Top, error) {
	action, n := c.Query.Get("action"), 15
	if action == "" {
		action = AuthorizeApp
	}
	if t := c.Query.Get("top_n"); t != "" {
		var err error
		if n, err = strconv.Atoi(t); err != nil || n < 1 || n > 1000 {
			return nil, fault.Field("top_n", "Enter a number from 1 to 1000.")
		}
	}
	rows, err := l.Store.DB().Query(ctx, `SELECT (SELECT json_extract(context, '$.authorized_application') FROM events
			WHERE authorized_app = substr(c.name, ?) AND action = ? ORDER BY id DESC LIMIT 1), c.n, coalesce((SELECT p.n FROM event_counts p WHERE p.name = 'people ' || substr(c.name, 5)), 0)
		FROM event_counts c WHERE c.name >= ? AND c.name < ? AND c.n > 0 ORDER BY c.n DESC LIMIT ?`,
		len("app ")+len([]rune(action))+2, action, "app "+action+" ", "app "+action+"!", n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Top{}
	for rows.Next() {
		var t Top
		var app string
		if err := rows.Scan(&app, &t.Events, &t.Users); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(app), &t.Application); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// Chart counts events of an action in n equal parts of the time before now; by narrows them down (see filters, and user_pk).
func (l *Log) Chart(ctx context.Context, window time.Duration, n int, by url.Values) ([]Coordinate, error) {
	return l.chart(ctx, window, n, by)
}

func (l *Log) chart(ctx context.Context, window time.Duration, n int, by url.Values) ([]Coordinate, error) {
	now := l.Store.Now()
	since := now.Add(-window)
	step := window / time.Duration(n)
	plain := true // nothing is asked for but an action: the counters know
	for name := range by {
		plain = plain && (name == "action" || name == "ordering" || by.Get(name) == "" || !known(name) && name != "user_pk" && name != "client_ip")
	}
	if plain {
		return l.counted(ctx, since, step, n, by.Get("action"))
	}
	from, err := l.firstSince(ctx, since)
	if err != nil {
		return nil, err
	}
	conds, args := []string{"o.id >= ?", "o.created >= ?"}, []any{from, since.UnixMicro()}
	if a := by.Get("action"); a != "" {
		conds, args = append(conds, "o.action = ?"), append(args, a)
	}
	if u := by.Get("user_pk"); u != "" {
		conds, args = append(conds, "o.user_pk = ?"), append(args, u)
	}
	if ip := by.Get("client_ip"); ip != "" {
		conds, args = append(conds, "o.client_ip = ?"), append(args, ip)
	}
	for _, f := range filters() {
		v := by.Get(f.Name)
		if v == "" || f.Name == "action" {
			continue
		}
		cond, a, err := f.Where(v, dialect{})
		if err != nil {
			return nil, err
		}
		conds, args = append(conds, cond), append(args, a...)
	}
	rows, err := l.Store.DB().Query(ctx, `SELECT (o.created - ?) / ?, count(*) FROM events o WHERE `+strings.Join(conds, " AND ")+` GROUP BY 1`,
		append([]any{since.UnixMicro(), step.Microseconds()}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	counts := map[int64]int64{}
	for rows.Next() {
		var bucket, count int64
		if err := rows.Scan(&bucket, &count); err != nil {
			return nil, err
		}
		counts[bucket] += count
	}
	out := make([]Coordinate, 0, n+1)
	for i := range n + 1 {
		out = append(out, Coordinate{X: since.Add(time.Duration(i) * step).UnixMilli(), Y: counts[int64(i)]})
	}
	return out, rows.Err()
}

// counted draws a chart from the counters of whole hours; what an edge cuts off of its hour is counted by the index.
func (l *Log) counted(ctx context.Context, since time.Time, step time.Duration, n int, action string) ([]Coordinate, error) {
	hour := func(t time.Time) time.Time { return t.UTC().Truncate(time.Hour) }
	const form = "2006010215"
	cond, args := "", []any{}
	if action != "" {
		cond, args = " AND substr(name, 17) = ?", []any{action}
	}
	rows, err := l.Store.DB().Query(ctx, `SELECT substr(name, 6, 10), sum(n) FROM event_counts WHERE name >= ? AND name < 'hour:'`+cond+` GROUP BY 1`,
		append([]any{"hour " + hour(since).Format(form)}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	type whole struct {
		at time.Time
		n  int64
	}
	var hours []whole
	for rows.Next() {
		var name string
		var w whole
		if err := rows.Scan(&name, &w.n); err != nil {
			return nil, err
		}
		if w.at, err = time.Parse(form, name); err != nil {
			return nil, err
		}
		hours = append(hours, w)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if cond != "" {
		cond = " AND +action = ?" // the plus: by the time, which is an hour at most, not by the action
	}
	// before gives how many there were in the hour of t before t.
	before := func(t time.Time) (k int64, err error) {
		err = l.Store.DB().QueryRow(ctx, `SELECT count(*) FROM events WHERE created >= ? AND created < ?`+cond, append([]any{hour(t).UnixMicro(), t.UnixMicro()}, args...)...).Scan(&k)
		return k, err
	}
	// Each edge's hour belongs to the part behind it, less what came before the edge; that belongs to the part in front of it.
	counts := make([]int64, n+2)
	for _, w := range hours {
		i := n + 1
		for i > 0 && hour(since.Add(time.Duration(i-1)*step)).After(w.at) {
			i--
		}
		counts[i] += w.n
	}
	for i := range n + 1 {
		k, err := before(since.Add(time.Duration(i) * step))
		if err != nil {
			return nil, err
		}
		counts[i+1] -= k
		counts[i] += k
	}
	out := make([]Coordinate, 0, n+1)
	for i := range n + 1 {
		out = append(out, Coordinate{X: since.Add(time.Duration(i) * step).UnixMilli(), Y: counts[i+1]})
	}
	return out, nil
}

// firstSince finds the first id that is not older than t: ids grow with time, so it is a search and no scan.
func (l *Log) firstSince(ctx context.Context, t time.Time) (int64, error) {
	var low, high sql.NullInt64
	if err := l.Store.DB().QueryRow(ctx, `SELECT min(id), max(id) FROM events`).Scan(&low, &high); err != nil || !low.Valid {
		return 0, err
	}
	lo, hi := low.Int64, high.Int64+1
	for lo < hi {
		mid := lo + (hi-lo)/2
		var id, created int64
		err := l.Store.DB().QueryRow(ctx, `SELECT id, created FROM events WHERE id >= ? ORDER BY id LIMIT 1`, mid).Scan(&id, &created)
		if errors.Is(err, sql.ErrNoRows) {
			hi = mid
			continue
		}
		if err != nil {
			return 0, err
		}
		if created < t.UnixMicro() {
			lo = id + 1
		} else {
			hi = mid
		}
	}
	return lo, nil
}
