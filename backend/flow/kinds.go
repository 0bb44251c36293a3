package flow

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// CacheInfo counts kept plans; Gatehouse keeps none beyond a session.
type CacheInfo struct {
	Count int `json:"count" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (CacheInfo) SchemaName() string { return "Cache" }

// Link is an address.
type Link struct {
	Link string `json:"link" is:"required"`
}

// FilePath is the body of set_background_url.
type FilePath struct {
	URL string `json:"url" is:"required"`
}

// UserSetting is a stage that a person can set up for themselves.
type UserSetting struct {
	ObjectUID    string  `json:"object_uid" is:"required"`
	Component    string  `json:"component" is:"required"`
	Title        string  `json:"title" is:"required"`
	ConfigureURL *string `json:"configure_url" is:"omitempty,notnull"`
	IconURL      *string `json:"icon_url" is:"omitempty,notnull"`
}

// Files keeps uploaded pictures.
type Files interface {
	// Save checks and stores a picture and gives the path to it below /media/.
	Save(ctx context.Context, f kind.File) (string, error)
}

// Kinds describes flows and their bindings.
func (e *Engine) Kinds(files Files) []*kind.Kind {
	info := kind.Collection("GET", "cache_info", "authentik_flows.view_flow_cache", func(context.Context, *kind.Call, *kind.None) (CacheInfo, error) {
		return CacheInfo{}, nil
	})
	clear := kind.Collection("POST", "cache_clear", "authentik_flows.clear_flow_cache", func(context.Context, *kind.Call, *kind.None) (kind.None, error) {
		return kind.None{}, nil
	})
	draw := kind.Detail("GET", "diagram", "view", e.diagram)
	execute := kind.Detail("GET", "execute", "change", e.execute)
	picture := kind.Detail("POST", "set_background", "change", func(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
		if c.Form.Get("clear") == "true" {
			return kind.None{}, e.setPicture(ctx, c.Object.(*Flow).PK, "")
		}
		f, ok := c.Files["file"]
		if !ok {
			return kind.None{}, fault.Field("file", "No file was submitted.")
		}
		path, err := files.Save(ctx, f)
		if err != nil {
			return kind.None{}, err
		}
		return kind.None{}, e.setPicture(ctx, c.Object.(*Flow).PK, path)
	})
	picture.Multipart, picture.Status = true, 200
	pictureURL := kind.Detail("POST", "set_background_url", "change", func(ctx context.Context, c *kind.Call, in *FilePath) (kind.None, error) {
		u, err := url.Parse(in.URL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http" && !strings.HasPrefix(in.URL, "/static/")) {
			return kind.None{}, fault.Field("url", "Give an address that begins with https:// or /static/.")
		}
		return kind.None{}, e.setPicture(ctx, c.Object.(*Flow).PK, in.URL)
	})
	pictureURL.Status = 200
	flows := kind.Of[Flow](Family, kind.Spec{
		Path: "flows/instances", Model: "authentik_flows.flow", Schema: "Flow", Title: "Flow", Order: []string{"slug"}, Present: e.present,
		Actions: append([]kind.Action{info, clear, execute, picture, pictureURL, draw}, e.transfers()...),
		Filters: []kind.Filter{{Name: "flow_uuid", Type: "string", Format: "uuid", Where: byKey}},
	}, nil)
	bindings := kind.Of[Binding](Bindings, kind.Spec{
		Path: "flows/bindings", Model: "authentik_flows.flowstagebinding", Schema: "FlowStageBinding", Title: "Flow Stage Binding",
		Order: []string{"target", "order"}, Unique: [][]string{{"target", "stage", "order"}}, Present: e.presentBindings,
		Filters: []kind.Filter{
			{Name: "fsb_uuid", Type: "string", Format: "uuid", Where: byKey},
			{Name: "pbm_uuid", Type: "string", Format: "uuid", Where: byKey},
			{Name: "policies", Type: "array", Format: "uuid", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				return "EXISTS (SELECT 1 FROM ref p JOIN ref t ON t.src = p.src AND t.field = 'target' WHERE p.field = 'policy' AND p.dst = ? AND t.dst = o.pk)", []any{v}, nil
			}},
		},
	}, nil)
	return []*kind.Kind{flows, bindings}
}

func byKey(v string, _ kind.Dialect) (string, []any, error) { return "o.pk = ?", []any{v}, nil }

func (e *Engine) setPicture(ctx context.Context, pk, path string) error {
	return e.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		f, err := store.GetTx[Flow](tx, pk)
		if err != nil {
			return err
		}
		f.Picture = path
		return tx.Update(f)
	})
}

// execute plans a flow for the caller's own browser and gives the address of its page.
func (e *Engine) execute(ctx context.Context, c *kind.Call, _ *kind.None) (Link, error) {
	f, s := c.Object.(*Flow), session.Of(ctx)
	if s == nil {
		return Link{}, fault.New(fault.Invalid, "A flow runs in a browser. Sign in there and try again.")
	}
	me, err := e.Sessions.User(ctx, s)
	if err != nil {
		return Link{}, err
	}
	p, err := e.Plan(ctx, f, PlanOptions{SignedIn: me, Pending: me})
	var no *NotApplicable
	switch {
	case errors.As(err, &no):
		return Link{}, fault.New(fault.Invalid, "Flow not applicable to current user/request: "+no.message())
	case errors.Is(err, ErrEmpty):
		return Link{}, fault.New(fault.Invalid, "Every stage of this flow is left out for you, so there is nothing to run.")
	case err != nil:
		return Link{}, err
	}
	var to string
	err = e.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) (err error) {
		to, _, _, err = e.Begin(tx, s, f, p, "")
		return err
	})
	h := store.ActorOf(ctx).HTTP
	return Link{h.Scheme + "://" + h.Host + to}, err
}

// inspectPermission lets somebody look into a flow while it runs.
const inspectPermission = "authentik_flows.inspect_flow"

// Inspection is what the inspector shows of the flow under way.
type Inspection struct {
	Plans     []InspectedPlan `json:"plans" is:"required"`
	Current   *InspectedPlan  `json:"current_plan" is:"omitempty,notnull"`
	Completed bool            `json:"is_completed" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Inspection) SchemaName() string { return "FlowInspection" }

// InspectedPlan is a plan at one step.
type InspectedPlan struct {
	Stage     any            `json:"current_stage" is:"required,readonly" schema:"FlowStageBinding"`
	Next      any            `json:"next_planned_stage" is:"required,readonly" schema:"FlowStageBinding"`
	Context   map[string]any `json:"plan_context" is:"required,readonly"`
	SessionID string         `json:"session_id" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (InspectedPlan) SchemaName() string { return "FlowInspectorPlan" }

// Endpoints are the operations on flows that belong to no collection.
func (e *Engine) Endpoints() []kind.Action {
	inspect := kind.Do("GET", "flows/inspector/{flow_slug}", e.inspect)
	inspect.Operation, inspect.Perm, inspect.Refused = "flows_inspector_get", inspectPermission, 404
	inspect.Of = func(ctx context.Context, slug string) (string, error) {
		f, err := e.bySlug(ctx, slug)
		if err != nil {
			return "", err
		}
		return f.PK, nil
	}
	try := kind.Do("POST", "gatehouse/flows/{slug}/try", e.try)
	try.Summary, try.Perm, try.Of = "Tells what a flow would do with somebody and which policy said what, without changing anything.", inspect.Perm, inspect.Of
	return []kind.Action{inspect, try}
}

func (e *Engine) inspect(ctx context.Context, c *kind.Call, _ *kind.None) (Inspection, error) {
	out := Inspection{Plans: []InspectedPlan{}}
	f, err := e.bySlug(ctx, c.Key)
	if err != nil {
		return out, err
	}
	s := session.Of(ctx)
	if s == nil {
		return out, fault.New(fault.Invalid, "No flow is under way in this browser.")
	}
	r := &run{Engine: e, ctx: ctx, flow: f, sess: s}
	if err := r.load(); err != nil {
		return out, err
	}
	if r.plan == nil && len(r.history) == 0 {
		return out, fault.New(fault.Invalid, "No flow is under way in this browser.")
	}
	for _, h := range r.history {
		p := &stage.Plan{}
		if json.Unmarshal(h, p) == nil {
			one, err := e.inspected(ctx, p, s)
			if err != nil {
				return out, err
			}
			out.Plans = append(out.Plans, one)
		}
	}
	if r.plan == nil && len(out.Plans) > 0 {
		out.Current, out.Completed = &out.Plans[len(out.Plans)-1], true
		return out, nil
	}
	now, err := e.inspected(ctx, r.plan, s)
	out.Current = &now
	return out, err
}

func (e *Engine) inspected(ctx context.Context, p *stage.Plan, s *session.Session) (InspectedPlan, error) {
	sum := sha256.Sum256([]byte(s.UUID))
	out := InspectedPlan{Context: event.Clean(p.Context), SessionID: hex.EncodeToString(sum[:])}
	for i, at := range []*any{&out.Stage, &out.Next} {
		*at = unbound(p, i)
		if i >= len(p.Steps) || p.Steps[i].Binding == "" {
			continue
		}
		b, err := store.Get[Binding](ctx, e.Store, p.Steps[i].Binding)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return out, err
		}
		if err := e.presentBindings(ctx, []any{b}, nil); err != nil {
			return out, err
		}
		*at = b
	}
	return out, nil
}

// noKey stands for the key of what is no object.
const noKey = "00000000-0000-0000-0000-000000000000"

// unbound shows the step of a plan that is no bound stage: one that the house put in, by its name, or none.
func unbound(p *stage.Plan, i int) *Binding {
	s := &stage.Base{PK: noKey, FlowSet: []stage.FlowRef{}}
	if i < len(p.Steps) {
		s.Name = p.Steps[i].Inline
	}
	return &Binding{PK: noKey, PBM: noKey, Target: p.Flow, Stage: noKey, StageObj: s, EngineMode: "any", InvalidResponse: "retry"}
}

// UserSettings is the stages' action that lists what a person can set up for themselves.
func (e *Engine) UserSettings() kind.Action {
	a := kind.Collection("GET", "user_settings", "", func(ctx context.Context, _ *kind.Call, _ *kind.None) ([]UserSetting, error) {
		out := []UserSetting{}
		page, err := e.Store.ListIn(ctx, stage.Family.Name, store.Query{})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			c, ok := row.(stage.Configurable)
			if !ok || c.Configure() == nil {
				continue
			}
			k := e.Store.KindFor(row)
			u, ok := row.(interface{ UserSettings() string })
			if !ok {
				continue
			}
			b := row.(stage.Shared).Stage()
			link, title := "/flows/-/configure/"+b.PK+"/", k.Title
			if f, ok := row.(interface{ Friendly() *string }); ok && f.Friendly() != nil && *f.Friendly() != "" {
				title = *f.Friendly()
			}
			out = append(out, UserSetting{ObjectUID: b.PK, Component: u.UserSettings(), Title: title, ConfigureURL: &link})
		}
		return out, nil
	})
	a.Access, a.Operation = kind.SignedIn, "stages_all_user_settings_list"
	return a
}
