// Package blueprint makes objects out of files: it reads them, says everything that is wrong with its line, and applies all of one or
// nothing.
//
//	file, folder, content ─▶ Parse (form, models, tags) ─▶ Apply: one transaction; each entry decoded, checked and saved as the API would
//	                                                          └─ one refused, or a dry run ─▶ nothing happened
//	objects ─▶ Export ─▶ file
//
// The format is the release's (flows.md part 4). What a caller may not do through the API a blueprint doesn't do for them either.
package blueprint

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/beyond"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/user"
)

// Family is the shelf of blueprints.
var Family = &kind.Family{Name: "blueprints", Param: "instance_uuid", Title: "blueprint"}

// The states of a blueprint.
const (
	Unknown    = "unknown"
	Successful = "successful"
	Warning    = "warning"
	Failed     = "error"
	Orphaned   = "orphaned"
)

// Instance is a blueprint of this installation.
type Instance struct {
	PK      string    `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name    string    `json:"name" is:"required,unique,search"`
	Path    string    `json:"path" is:"blank,search" default:"" help:"A file that comes with Gatehouse, or one in the folder blueprints of its data. Empty: the content below."`
	Context any       `json:"context" is:"nofilter" default:"{}" help:"Values that the blueprint asks for."`
	Applied time.Time `json:"last_applied" is:"readonly,required,nofilter" format:"date-time"`
	Hash    string    `json:"last_applied_hash" is:"readonly,required,nofilter"`
	Status  string    `json:"status" is:"readonly,required,nofilter" enum:"successful,warning,error,orphaned,unknown" default:"unknown"`
	Enabled bool      `json:"enabled" is:"nofilter" default:"true" help:"Whether changes of the file are applied by themselves."`
	Models  []string  `json:"managed_models" is:"readonly,required,nofilter"`
	Meta    any       `json:"metadata" is:"readonly,required,nofilter" default:"{}"`
	Content string    `json:"content" is:"blank,raw,nofilter" help:"The blueprint as YAML."`

	// Trusted says that a superuser or the house wrote it, so that the house may apply it by itself.
	Trusted bool `json:"trusted" is:"hidden"`

	room *Room
}

// BlueprintFile is a blueprint that can be chosen by its path.
type BlueprintFile struct {
	Path  string    `json:"path" is:"required"`
	LastM time.Time `json:"last_m" is:"required" format:"date-time"`
	Hash  string    `json:"hash" is:"required"`
	Meta  *Metadata `json:"meta" is:"required,readonly,notnull"`
}

// Guard says what the caller may do with an object, as the API would.
type Guard interface {
	Allowed(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error
}

// Room applies blueprints.
type Room struct {
	Store  *store.Store
	Users  *user.Directory
	Events *event.Log
	Tasks  *task.Room
	Guard  Guard
	Beyond []beyond.Part                    // settings that the release does not have
	Dir    string                           // the folder of the house's own blueprints
	Env    func(name string) (string, bool) // the environment of the server, for files of that folder
	Log    *slog.Logger
	Look   time.Duration // how often the folder is looked at; 0 = 10 seconds
}

// Kinds describes blueprints.
func (r *Room) Kinds() []*kind.Kind {
	available := kind.Collection("GET", "available", "view", func(context.Context, *kind.Call, *kind.None) ([]BlueprintFile, error) { return r.available() })
	available.Operation = "managed_blueprints_available_list"
	apply := kind.Detail("POST", "apply", "change", func(ctx context.Context, c *kind.Call, _ *kind.None) (Instance, error) {
		b, err := r.applyNow(ctx, c.Object.(*Instance))
		if err != nil {
			return Instance{}, err
		}
		return *b, nil
	})
	apply.Status = 200
	return []*kind.Kind{kind.Of(Family, kind.Spec{
		Path: "managed/blueprints", Model: "authentik_blueprints.blueprintinstance", Schema: "BlueprintInstance", Title: "Blueprint Instance", Order: []string{"name"},
		About: "A file of objects to make.", Actions: []kind.Action{available, apply},
	}, func() *Instance { return &Instance{room: r} })}
}

// kind gives the kind behind a model that a blueprint may speak of, nil when there is none.
func (r *Room) kind(model string) *kind.Kind {
	if !slices.Contains(kind.Models(), model) {
		return nil
	}
	return r.Store.Kind(model)
}

// Allowed says whether a blueprint may speak of a model.
func (r *Room) Allowed(model string) bool { return model == metaApply || r.kind(model) != nil }

func hash(text []byte) string {
	sum := sha512.Sum512(text)
	return hex.EncodeToString(sum[:])
}

// errProof undoes what proving a blueprint did.
var errProof = errors.New("proved")

// Saving implements store.Saver. A path has to be one that can be read, content has to be a blueprint that could be applied.
func (b *Instance) Saving(tx *store.Tx, old any) error {
	before, _ := old.(*Instance)
	b.Trusted = tx.Actor.System || tx.Actor.Superuser
	if before != nil && tx.Actor.System {
		b.Trusted = before.Trusted
	}
	if b.Context == nil {
		b.Context = map[string]any{}
	}
	context, ok := b.Context.(map[string]any)
	if !ok {
		return fault.Field("context", "Expected a dictionary of items.")
	}
	if before != nil && before.Path == b.Path && before.Content == b.Content {
		return nil
	}
	if before == nil {
		b.Applied = tx.Now
	}
	if b.Path == "" && b.Content == "" {
		return fault.Whole("Either path or content must be set.")
	}
	b.Meta = map[string]any{}
	if strings.HasPrefix(b.Path, "oci://") {
		return nil
	}
	field, text := "content", []byte(b.Content)
	if b.Path != "" {
		var err error
		if text, _, err = b.room.read(b.Path); err != nil {
			return fault.Field("path", "Blueprint file does not exist")
		}
		field = "path"
	}
	f, bad := Parse(text, b.room.Allowed)
	if len(bad) == 0 && b.Path == "" {
		bad = b.room.prove(tx, f, context)
	}
	if len(bad) > 0 {
		return fault.Field(field, "Failed to validate blueprint: "+strings.Join(lines(bad), "\n"))
	}
	if f.Meta != nil {
		b.Meta = map[string]any{"name": f.Meta.Name, "labels": f.Meta.Labels}
	}
	return nil
}

// prove applies a blueprint and undoes that again. What the caller's rights don't reach is not looked at: that is said when it is applied.
// A blueprint inside of it is proved when it is applied.
func (r *Room) prove(tx *store.Tx, f *File, own map[string]any) []Fault {
	w := r.work(store.WithActor(context.Background(), tx.Actor), tx, Options{Dry: true}, &secrets{})
	w.proof = true
	if err := tx.Try(func() error {
		w.file(f, own)
		return errProof
	}); !errors.Is(err, errProof) {
		return []Fault{{Say: "It can't be tried out now."}}
	}
	return slices.DeleteFunc(w.out.Faults, func(f Fault) bool { return f.Denied })
}
