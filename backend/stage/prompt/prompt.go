package prompt

import (
	"context"
	"net/url"

	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of prompts: the single fields that prompt stages ask for.
var Family = &kind.Family{Name: "prompts", Param: "prompt_uuid", Title: "prompt"}

// The types of prompts on the wire.
const (
	Text             = "text"
	TextArea         = "text_area"
	TextReadOnly     = "text_read_only"
	TextAreaReadOnly = "text_area_read_only"
	Username         = "username"
	Email            = "email"
	Password         = "password"
	Number           = "number"
	Checkbox         = "checkbox"
	Radio            = "radio-button-group"
	Dropdown         = "dropdown"
	Date             = "date"
	DateTime         = "date-time"
	File             = "file"
	Separator        = "separator"
	Hidden           = "hidden"
	Static           = "static"
	Locale           = "ak-locale"
)

// Prompt is one field.
type Prompt struct {
	PK                string `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name              string `json:"name" is:"required,unique,search"`
	FieldKey          string `json:"field_key" is:"required,search" help:"Under which name the value is kept. attributes.NAME keeps it with the person."`
	Label             string `json:"label" is:"required,search"`
	Type              string `json:"type" is:"required,search" enum:"text,text_area,text_read_only,text_area_read_only,username,email,password,number,checkbox,radio-button-group,dropdown,date,date-time,file,separator,hidden,static,ak-locale"`
	Required          bool   `json:"required" is:"nofilter" default:"true"`
	Placeholder       string `json:"placeholder" is:"blank,search" help:"What an empty field shows. For a choice: what can be chosen, as an expression that gives a list."`
	InitialValue      string `json:"initial_value" is:"blank,nofilter" help:"What the field holds at first."`
	Order             int    `json:"order" is:"nofilter" min:"-2147483648" max:"2147483647"`
	Stages            []any  `json:"promptstage_set" is:"computed,ignored,nofilter" schema:"Stage[]"`
	SubText           string `json:"sub_text" is:"blank,nofilter" help:"A hint below the field. Simple HTML may be used: links, lists, bold and italic text."`
	PlaceholderIsExpr bool   `json:"placeholder_expression" is:"nofilter" group:"advanced" help:"The placeholder is an expression."`
	InitialIsExpr     bool   `json:"initial_value_expression" is:"nofilter" group:"advanced" help:"The initial value is an expression."`
}

// Deps is what the room needs.
type Deps struct {
	stage.Deps
	Users  *user.Directory
	Events *event.Log
	Host   expr.Host
	// Policies asks policies whether all of them pass; no cache, mode all.
	Policies func(ctx context.Context, policies []string, r *policy.Request) (policy.Result, error)
}

// Preview is how a prompt would be shown: the challenge of a stage with this one field.
type Preview struct {
	Type      string                   `json:"type" is:"required" enum:"native,shell,redirect"`
	FlowInfo  *FlowInfo                `json:"flow_info" is:"omitempty,notnull"`
	Component string                   `json:"component" is:"omitempty" default:"ak-stage-prompt"`
	Errors    map[string][]stage.Error `json:"response_errors" is:"omitempty"`
	Fields    []Field                  `json:"fields" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Preview) SchemaName() string { return "PromptChallenge" }

// FlowInfo is flow_info of a challenge; a preview has none.
type FlowInfo struct {
	Title      string `json:"title" is:"omitempty"`
	Background string `json:"background" is:"omitempty"`
	CancelURL  string `json:"cancel_url" is:"required"`
	Layout     string `json:"layout" is:"required" enum:"stacked,content_left,content_right,sidebar_left,sidebar_right"`
}

// SchemaName implements kind.SchemaNamer.
func (FlowInfo) SchemaName() string { return "ContextualFlowInfo" }

// Prompts describes the prompts.
func Prompts(d Deps) *kind.Kind {
	preview := kind.Collection("POST", "preview", "change", d.preview)
	return kind.Of[Prompt](Family, kind.Spec{
		Path: "stages/prompt/prompts", Model: "authentik_stages_prompt.prompt", Schema: "Prompt", Title: "Prompt", Order: []string{"name"},
		Actions: []kind.Action{preview}, Present: d.present,
	}, nil)
}

// preview shows the prompt of the body as the caller would see it. Expressions run, so it takes the permission to change prompts.
func (d Deps) preview(ctx context.Context, _ *kind.Call, in *Prompt) (Preview, error) {
	var who *user.User
	if pk := store.ActorOf(ctx).UserPK; pk != 0 {
		var err error
		if who, err = d.Users.ByPK(ctx, pk); err != nil {
			return Preview{}, err
		}
	}
	var failed error
	e := env{ctx: ctx, host: d.Host, user: who, data: map[string]any{}, dry: true, failed: func(_ *Prompt, err error) {
		if failed == nil {
			failed = err
		}
	}}
	f := e.field(in)
	if failed != nil {
		text := fault.As(failed).Say
		if fault.As(failed).Kind == fault.Internal {
			text = failed.Error()
		}
		return Preview{}, fault.Whole(text)
	}
	return Preview{Type: "native", Component: "ak-stage-prompt", Fields: []Field{f}}, nil
}

// present fills in which stages use the prompts of a page.
func (d Deps) present(ctx context.Context, rows []any, _ url.Values) error {
	byPK := make(map[string]*Prompt, len(rows))
	for _, r := range rows {
		p := r.(*Prompt)
		p.Stages = []any{}
		byPK[p.PK] = p
	}
	uses, err := d.Store.Assigned(ctx, Family.Name, stage.Family.Name)
	if err != nil {
		return err
	}
	var pks []string
	for _, u := range uses {
		if byPK[u.PK] != nil {
			pks = append(pks, u.Src)
		}
	}
	if len(pks) == 0 {
		return nil
	}
	flows, err := d.Flows(ctx, pks)
	if err != nil {
		return err
	}
	page, err := d.Store.ListIn(ctx, stage.Family.Name, store.Query{PKs: pks})
	if err != nil {
		return err
	}
	stages := map[string]any{}
	for _, row := range page.Rows {
		b := row.(stage.Shared).Stage()
		b.FlowSet = flows[b.PK]
		stages[b.PK] = row
	}
	for _, u := range uses {
		if p, s := byPK[u.PK], stages[u.Src]; p != nil && s != nil {
			p.Stages = append(p.Stages, s)
		}
	}
	return nil
}
