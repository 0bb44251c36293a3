package flow

import (
	"context"
	"io"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// ImportResult says what came of an import.
type ImportResult struct {
	Logs    []event.LogEvent `json:"logs" is:"required,readonly"`
	Success bool             `json:"success" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (ImportResult) SchemaName() string { return "FlowImportResult" }

// Paper reads and writes flows as files; the room of blueprints does.
type Paper interface {
	// ImportFlow applies a file, all of it or nothing, and tells what was said; ok is false when nothing was stored.
	ImportFlow(ctx context.Context, text []byte) (logs []event.LogEvent, ok bool, err error)
	// ExportFlow gives a flow by its key with all that it is made of.
	ExportFlow(ctx context.Context, pk string) ([]byte, error)
}

// carried are the kinds that a file of a flow may hold.
var carried = []string{
	"authentik_flows.%s_flow", "authentik_flows.%s_flowstagebinding", "authentik_flows.%s_stage", "authentik_policies.%s_policy", "authentik_policies.%s_policybinding",
	"authentik_stages_prompt.%s_prompt",
}

// largest is the largest file of a flow, in bytes.
const largest = 8 << 20

// transfers are the actions that read and write flows as files.
func (e *Engine) transfers() []kind.Action {
	in := kind.Collection("POST", "import", "add", func(ctx context.Context, c *kind.Call, _ *kind.None) (out ImportResult, err error) {
		out.Logs = []event.LogEvent{}
		f, ok := c.Files["file"]
		if !ok {
			return out, kind.Refuse(out)
		}
		text, err := io.ReadAll(io.LimitReader(f.Body, largest+1))
		if err != nil {
			return out, err
		}
		if len(text) > largest {
			return out, fault.New(fault.TooLarge, "The file is too large.")
		}
		out.Logs, out.Success, err = e.Paper.ImportFlow(ctx, text)
		return out, err
	})
	in.Multipart, in.Status = true, 204
	out := kind.Detail("GET", "export", "authentik_flows.export_flow", func(ctx context.Context, c *kind.Call, _ *kind.None) (kind.Download, error) {
		f := c.Object.(*Flow)
		b, err := e.Paper.ExportFlow(ctx, f.PK)
		return kind.Download{Name: f.Slug + ".yaml", Type: "application/yaml", Body: b}, err
	})
	for _, c := range carried {
		out.Also = append(out.Also, kind.Perms(c, "view")...)
		in.Also = append(in.Also, kind.Perms(c, "add", "change")...)
	}
	in.Refuses = in.Out
	return []kind.Action{in, out}
}
