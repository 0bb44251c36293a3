package server

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"

	"gatehouse/backend/beyond"
	"gatehouse/backend/blueprint"
	"gatehouse/backend/control"
	"gatehouse/backend/kinds"
	"gatehouse/backend/store"
	"gatehouse/backend/text"
)

// newPrints makes the room of blueprints and lets flows be read and written as files by it.
func (r *rooms) newPrints(o Options, list *kinds.Rooms) {
	r.prints = &blueprint.Room{
		Store: r.store, Users: r.users, Events: r.events, Tasks: r.tasks, Guard: guard{r}, Dir: filepath.Join(o.Config.Data, "blueprints"), Env: os.LookupEnv, Log: r.log,
		Beyond: []beyond.Part{r.oauth.Beyond(), r.saml.Beyond(), r.scimOut.Beyond(), r.abroad.Beyond()},
	}
	r.flows.Paper, list.Blueprints = r.prints, r.prints
}

// Blueprint implements control.Backend.
func (s *Server) Blueprint(ctx context.Context, in control.BlueprintRequest) (control.BlueprintResult, error) {
	o := blueprint.Options{Context: in.Context, Dry: in.Dry, Env: func(name string) (string, bool) {
		v, ok := in.Env[name]
		return v, ok
	}}
	got, err := s.rooms.prints.ApplyText(store.WithActor(ctx, store.House), in.Name, []byte(in.Content), o)
	out := control.BlueprintResult{Faults: []control.BlueprintFault{}, Notes: []string{}, Created: got.Created, Updated: got.Updated, Deleted: got.Deleted, Unchanged: got.Unchanged}
	for _, f := range got.Faults {
		line := f.Line
		if f.File == "" {
			f.Line = 0 // said beside the text
		} else {
			line = 0
		}
		out.Faults = append(out.Faults, control.BlueprintFault{Line: line, Text: f.String()})
	}
	for _, l := range got.Logs {
		out.Notes = append(out.Notes, l.Event)
	}
	return out, err
}

// Export implements control.Backend.
func (s *Server) Export(ctx context.Context) (control.Exported, error) {
	b, err := s.rooms.prints.ExportAll(store.WithActor(ctx, store.House))
	return control.Exported{Content: string(b), Note: blueprint.Notes}, err
}

// BlueprintSchema gives the JSON Schema of blueprints.
func BlueprintSchema() ([]byte, error) {
	texts, err := text.Load(nil)
	if err != nil {
		return nil, err
	}
	o := Options{Version: wireVersion, Log: slog.New(slog.DiscardHandler)}
	return wire(o, nil, nil, "", o.Log, texts).prints.Schema()
}
