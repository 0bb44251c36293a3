// Package flow runs flows: it plans the stages for a person, shows one after the other, and keeps the plan between requests.
//
//	request ─▶ plan of the session (or a new one: requirement ▸ policies ▸ bindings)
//	        ─▶ next step whose policies pass ─▶ stage.Show / stage.Take ─▶ result
//	        ─▶ one transaction: what the stage writes, plan, session, events ─▶ challenge | on to the next | redirect
//
// The engine holds what a stage may not forget: the policies of each step, one transaction a promise, new sessions on sign-in, where a
// flow may lead, and what happens when something fails.
package flow

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
)

// Family is the shelf of flows, Bindings that of the stages bound to them.
var (
	Family   = &kind.Family{Name: "flows", Lookup: "slug", Param: "slug", Title: "flow"}
	Bindings = &kind.Family{Name: "flowbindings", Param: "fsb_uuid", Title: "stage binding"}
)

// The designations.
const (
	Authentication = "authentication"
	Authorization  = "authorization"
	Invalidation   = "invalidation"
	Recovery       = "recovery"
	Configuration  = "stage_configuration"
)

// DefaultBackground is the picture behind the pages of a flow that has none of its own.
const DefaultBackground = "/static/dist/assets/images/flow_background.jpg"

// Flow is an ordered list of stages with a purpose.
type Flow struct {
	PK             string   `json:"pk" is:"readonly,nofilter" format:"uuid"`
	PBM            string   `json:"policybindingmodel_ptr_id" is:"computed" format:"uuid"`
	Name           string   `json:"name" is:"required,search"`
	Slug           string   `json:"slug" is:"required,unique,search" format:"slug" max:"50" help:"The part of the address that names the flow."`
	Title          string   `json:"title" is:"required,search,nofilter" help:"What people see above the form. %(app)s stands for the application."`
	Designation    string   `json:"designation" is:"required,search" enum:"authentication,authorization,invalidation,enrollment,unenrollment,recovery,stage_configuration"`
	Background     string   `json:"background" is:"computed"`
	Stages         []string `json:"stages" is:"computed" format:"uuid"`
	Policies       []string `json:"policies" is:"computed" format:"uuid"`
	CacheCount     int      `json:"cache_count" is:"computed"`
	EngineMode     string   `json:"policy_engine_mode" is:"nofilter" enum:"all,any" default:"any" group:"advanced"`
	Compat         bool     `json:"compatibility_mode" is:"nofilter" group:"advanced"`
	ExportURL      string   `json:"export_url" is:"computed"`
	Layout         string   `json:"layout" is:"nofilter" enum:"stacked,content_left,content_right,sidebar_left,sidebar_right" default:"stacked" group:"advanced"`
	DeniedAction   string   `json:"denied_action" is:"search" enum:"message_continue,message,continue" default:"message_continue" group:"advanced"`
	Authentication string   `json:"authentication" is:"nofilter" enum:"none,require_authenticated,require_unauthenticated,require_superuser,require_outpost" default:"none" group:"advanced"`

	Picture string `json:"background_file" is:"hidden"`
}

// Binding ties a stage to a flow at a place.
type Binding struct {
	PK              string `json:"pk" is:"readonly,nofilter" format:"uuid"`
	PBM             string `json:"policybindingmodel_ptr_id" is:"computed" format:"uuid"`
	Target          string `json:"target" is:"required" ref:"flows cascade" format:"uuid"`
	Stage           string `json:"stage" is:"required" ref:"stages cascade" format:"uuid"`
	StageObj        any    `json:"stage_obj" is:"computed,required" schema:"Stage"`
	OnPlan          bool   `json:"evaluate_on_plan" help:"Ask the policies when the flow begins."`
	OnRun           bool   `json:"re_evaluate_policies" default:"true" help:"Ask the policies each time the stage is about to be shown."`
	Order           int    `json:"order" is:"required" min:"-2147483648" max:"2147483647"`
	EngineMode      string `json:"policy_engine_mode" enum:"all,any" default:"any"`
	InvalidResponse string `json:"invalid_response_action" enum:"retry,restart,restart_with_context" default:"retry"`
}

// Validate implements store.Validator.
func (b *Binding) Validate() error {
	if !b.OnPlan && !b.OnRun {
		return fault.Whole("Either evaluation on plan or evaluation on run must be enabled")
	}
	return nil
}

// picture gives the address of the background.
func (f *Flow) picture() string {
	switch {
	case f.Picture == "":
		return DefaultBackground
	case strings.HasPrefix(f.Picture, "http"), strings.HasPrefix(f.Picture, "/static"), strings.HasPrefix(f.Picture, "/media/"):
		return f.Picture
	}
	return "/media/" + f.Picture
}

func exportURL(slug string) string { return "/api/v3/flows/instances/" + slug + "/export/" }

// present fills what is computed for a page of flows.
func (e *Engine) present(ctx context.Context, rows []any, _ url.Values) error {
	byPK := map[string]*Flow{}
	for _, r := range rows {
		f := r.(*Flow)
		byPK[f.PK] = f
		f.PBM, f.Background, f.ExportURL, f.Stages, f.Policies = f.PK, f.picture(), exportURL(f.Slug), []string{}, []string{}
	}
	where := "o.kind IN ('authentik_flows.flowstagebinding', 'authentik_policies.policybinding')"
	res, err := e.Store.DB().Query(ctx, `SELECT t.dst, o.kind, coalesce(s.dst, '') FROM ref t JOIN object o ON o.pk = t.src LEFT JOIN ref s ON s.src = o.pk AND s.field IN ('stage', 'policy') WHERE t.field = 'target' AND `+where+` ORDER BY json_extract(o.body, '$.order'), o.pk`)
	if err != nil {
		return err
	}
	defer res.Close()
	for res.Next() {
		var target, model, what string
		if err := res.Scan(&target, &model, &what); err != nil {
			return err
		}
		f := byPK[target]
		if f == nil || what == "" {
			continue
		}
		if model == "authentik_flows.flowstagebinding" {
			f.Stages = append(f.Stages, what)
		} else {
			f.Policies = append(f.Policies, what)
		}
	}
	return res.Err()
}

// FlowsOf gives the flows that stages are bound to, for the stages' pages.
func (e *Engine) FlowsOf(ctx context.Context, stages []string) (map[string][]stage.FlowRef, error) {
	out := make(map[string][]stage.FlowRef, len(stages))
	for _, s := range stages {
		out[s] = []stage.FlowRef{}
	}
	if len(stages) == 0 {
		return out, nil
	}
	flows, err := store.All[Flow](ctx, e.Store, store.Query{Order: []string{"name"}})
	if err != nil {
		return nil, err
	}
	bindings, err := store.All[Binding](ctx, e.Store, store.Query{})
	if err != nil {
		return nil, err
	}
	for _, f := range flows {
		seen := map[string]bool{}
		for _, b := range bindings {
			if b.Target != f.PK || seen[b.Stage] {
				continue
			}
			if list, ok := out[b.Stage]; ok {
				seen[b.Stage] = true
				out[b.Stage] = append(list, stage.FlowRef{
					PK: f.PK, Binding: f.PK, Name: f.Name, Slug: f.Slug, Title: f.Title, Designation: f.Designation, Background: f.picture(), EngineMode: f.EngineMode,
					Compat: f.Compat, ExportURL: exportURL(f.Slug), Layout: f.Layout, DeniedAction: f.DeniedAction,
				})
			}
		}
	}
	return out, nil
}

func (e *Engine) presentBindings(ctx context.Context, rows []any, _ url.Values) error {
	var keys []string
	for _, r := range rows {
		keys = append(keys, r.(*Binding).Stage)
	}
	if err := e.Store.Warm(ctx, stage.Family.Name, keys); err != nil {
		return err
	}
	var stages []any
	for _, r := range rows {
		b := r.(*Binding)
		b.PBM = b.PK
		_, obj, err := e.Store.GetIn(ctx, stage.Family.Name, b.Stage)
		if fault.Is(err, fault.NotFound) {
			continue // gone meanwhile
		}
		if err != nil {
			return err
		}
		b.StageObj = obj
		stages = append(stages, obj)
	}
	pks := make([]string, 0, len(stages))
	for _, s := range stages {
		pks = append(pks, s.(stage.Shared).Stage().PK)
	}
	flows, err := e.FlowsOf(ctx, pks)
	if err != nil {
		return err
	}
	for _, s := range stages {
		b := s.(stage.Shared).Stage()
		b.FlowSet = flows[b.PK]
	}
	return nil
}

// bySlug finds a flow. NotFound when there is none.
func (e *Engine) bySlug(ctx context.Context, slug string) (*Flow, error) {
	return e.slugs.Get(e.Store, slug, func() (*Flow, error) { return store.Find[Flow](ctx, e.Store, "slug", slug) })
}

// ByKey finds a flow by its key, to be read only. NotFound when there is none.
func (e *Engine) ByKey(ctx context.Context, pk string) (*Flow, error) {
	return e.flows.Get(e.Store, pk, func() (*Flow, error) { return store.Get[Flow](ctx, e.Store, pk) })
}

// First gives the first flow of a designation, by slug, that is for the caller. NotFound when there is none.
func (e *Engine) First(ctx context.Context, designation string) (*Flow, error) {
	flows, err := store.All[Flow](ctx, e.Store, store.Query{Filters: url.Values{"designation": {designation}}, Order: []string{"slug"}})
	if err != nil {
		return nil, err
	}
	s := session.Of(ctx)
	me, err := e.Sessions.User(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, f := range flows {
		if !e.requirement(ctx, f, me) {
			continue
		}
		res, err := e.Policies.Evaluate(ctx, f.PK, f.EngineMode, e.request(ctx, me, f, stage.NewPlan(f.PK, nil)), true)
		if err != nil {
			return nil, err
		}
		if res.Passing {
			return f, nil
		}
	}
	return nil, fault.New(fault.NotFound, "There is no flow for this.")
}

// RecoverySlug gives the slug of the first flow by key that is for forgotten passwords, "" when there is none.
func (e *Engine) RecoverySlug(ctx context.Context) (string, error) {
	return e.recovery.Get(e.Store, Recovery, func() (string, error) {
		fs, err := store.All[Flow](ctx, e.Store, store.Query{Filters: url.Values{"designation": {Recovery}}, Order: []string{"pk"}})
		if err != nil || len(fs) == 0 {
			return "", err
		}
		return fs[0].Slug, nil
	})
}
