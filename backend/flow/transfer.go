package flow

import (
	"context"
	"errors"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// ImportResult says what came of an import.
type ImportResult struct {
	Logs    []event.LogEvent `json:"logs" is:"required,readonly"`
	Success bool             `json:"success" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (ImportResult) SchemaName() string { return "FlowImportResult" }

// noFiles is said of flows as files, which come with blueprints.
const noFiles = "Gatehouse can't read or write flows as files yet."

// carried are the kinds that a file of a flow may hold.
var carried = []string{
	"authentik_flows.%s_flow", "authentik_flows.%s_flowstagebinding", "authentik_flows.%s_stage", "authentik_policies.%s_policy", "authentik_policies.%s_policybinding",
	"authentik_stages_prompt.%s_prompt",
}

// transfers are the actions that read and write flows as files.
func (e *Engine) transfers() []kind.Action {
	in := kind.Collection("POST", "import", "add", func(ctx context.Context, c *kind.Call, _ *kind.None) (ImportResult, error) {
		out := ImportResult{Logs: []event.LogEvent{}}
		_, ok := c.Files["file"]
		if ok {
			out.Logs = append(out.Logs, event.LogEvent{
				Timestamp: e.Store.Now().UTC(), LogLevel: "error", Logger: "gatehouse.flow", Event: noFiles, Attributes: map[string]any{"path": store.ActorOf(ctx).HTTP.Path},
			})
		}
		if !ok {
			return out, kind.Refuse(out)
		}
		return out, errors.Join(kind.Refuse(out), fault.NotYet(5, noFiles))
	})
	in.Multipart, in.Status = true, 204
	out := kind.Detail("GET", "export", "authentik_flows.export_flow", func(context.Context, *kind.Call, *kind.None) (kind.Download, error) {
		return kind.Download{}, fault.NotYet(5, noFiles)
	})
	for _, c := range carried {
		out.Also = append(out.Also, kind.Perms(c, "view")...)
		in.Also = append(in.Also, kind.Perms(c, "add", "change")...)
	}
	in.Refuses = in.Out
	return []kind.Action{in, out}
}
