// Package blueprint keeps the blueprints of an installation: files of objects to make. Here they are stored; nothing applies them yet.
package blueprint

import (
	"context"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"go.yaml.in/yaml/v4"
)

// Family is the shelf of blueprints.
var Family = &kind.Family{Name: "blueprints", Param: "instance_uuid", Title: "blueprint"}

// Instance is a blueprint of this installation.
type Instance struct {
	PK      string    `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name    string    `json:"name" is:"required,unique,search"`
	Path    string    `json:"path" is:"blank,search" default:"" help:"A file that comes with Gatehouse, or oci:// and a registry. Empty: the content below."`
	Context any       `json:"context" is:"nofilter" default:"{}" help:"Values that the blueprint asks for."`
	Applied time.Time `json:"last_applied" is:"readonly,required,nofilter" format:"date-time"`
	Hash    string    `json:"last_applied_hash" is:"readonly,required,nofilter"`
	Status  string    `json:"status" is:"readonly,required,nofilter" enum:"successful,warning,error,orphaned,unknown" default:"unknown"`
	Enabled bool      `json:"enabled" is:"nofilter" default:"true" help:"Whether changes of the file are applied by themselves."`
	Models  []string  `json:"managed_models" is:"readonly,required,nofilter"`
	Meta    any       `json:"metadata" is:"readonly,required,nofilter" default:"{}"`
	Content string    `json:"content" is:"blank,raw,nofilter" help:"The blueprint as YAML."`
}

// File is a blueprint that comes with Gatehouse.
type File struct {
	Path  string    `json:"path" is:"required"`
	LastM time.Time `json:"last_m" is:"required" format:"date-time"`
	Hash  string    `json:"hash" is:"required"`
	Meta  *Metadata `json:"meta" is:"required,readonly,notnull"`
}

// SchemaName implements kind.SchemaNamer.
func (File) SchemaName() string { return "BlueprintFile" }

// Metadata is what a blueprint says of itself.
type Metadata struct {
	Name   string         `json:"name" yaml:"name" is:"required"`
	Labels map[string]any `json:"labels" yaml:"labels" is:"required"`
}

// Kinds describes blueprints.
func Kinds() []*kind.Kind {
	available := kind.Collection("GET", "available", "view", func(context.Context, *kind.Call, *kind.None) ([]File, error) {
		return []File{}, nil // none come with Gatehouse yet
	})
	available.Operation = "managed_blueprints_available_list"
	apply := kind.Detail("POST", "apply", "change", func(context.Context, *kind.Call, *kind.None) (Instance, error) {
		return Instance{}, fault.NotYet(5, "Gatehouse can't apply blueprints yet; this one is only stored.")
	})
	apply.Status = 200
	return []*kind.Kind{kind.Of[Instance](Family, kind.Spec{
		Path: "managed/blueprints", Model: "authentik_blueprints.blueprintinstance", Schema: "BlueprintInstance", Title: "Blueprint Instance", Order: []string{"name"},
		About: "A file of objects to make.", Actions: []kind.Action{available, apply},
	}, nil)}
}

// Saving implements store.Saver. A path has to be one that can be read, content has to be a blueprint.
func (b *Instance) Saving(tx *store.Tx, _ any) error {
	switch {
	case b.Path == "" && b.Content == "":
		return fault.Whole("Either path or content must be set.")
	case b.Path != "" && !strings.HasPrefix(b.Path, "oci://"):
		return fault.Field("path", "Blueprint file does not exist")
	}
	if b.Context == nil {
		b.Context = map[string]any{}
	}
	b.Applied, b.Meta = tx.Now, map[string]any{}
	if b.Content == "" {
		return nil
	}
	m, err := read(b.Content)
	if err != nil {
		return fault.Field("content", "Failed to validate blueprint: "+err.Error())
	}
	if m != nil {
		b.Meta = map[string]any{"name": m.Name, "labels": m.Labels}
	}
	return nil
}

// read checks the outside of a blueprint and gives what it says of itself. The entries are not looked at: their tags need objects.
func read(text string) (*Metadata, error) {
	var doc struct {
		Version  *int        `yaml:"version"`
		Metadata *Metadata   `yaml:"metadata"`
		Entries  []yaml.Node `yaml:"entries"`
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return nil, err
	}
	switch {
	case doc.Version != nil && *doc.Version != 1:
		return nil, fault.New(fault.Invalid, "Invalid blueprint version")
	case len(doc.Entries) == 0:
		return nil, fault.New(fault.Invalid, "The blueprint has no entries.")
	}
	if doc.Metadata != nil && doc.Metadata.Labels == nil {
		doc.Metadata.Labels = map[string]any{}
	}
	return doc.Metadata, nil
}
