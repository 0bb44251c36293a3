package blueprint

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/token"
)

// The chores of this room.
const (
	discovery = "blueprints_discovery"
	cleanUp   = "clear_failed_blueprints"
	every     = time.Hour
)

// Chores are what has to be done now and then.
func (r *Room) Chores() []task.Chore {
	return []task.Chore{
		{Name: discovery, Description: "Find blueprints in their folder and apply those that are new or changed.", Every: every, Do: r.discover},
		{Name: cleanUp, Description: "Mark blueprints whose file is gone.", Every: every, Do: r.orphans},
	}
}

// Serve looks at the folder at the start and whenever something in it changes, until ctx ends.
func (r *Room) Serve(ctx context.Context) {
	look := r.Look
	if look == 0 {
		look = 10 * time.Second
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	seen := ""
	for {
		if now := r.signature(); now != seen {
			if err := r.Tasks.Run(ctx, r.Chores()[0]); err != nil && ctx.Err() == nil {
				r.Log.ErrorContext(ctx, "the folder of blueprints can't be looked at", "error", err)
			}
			seen = now
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// signature is different when the folder is; "" while there is nothing in it.
func (r *Room) signature() string {
	paths, _, err := r.own()
	if err != nil || len(paths) == 0 {
		return ""
	}
	root, err := os.OpenRoot(r.Dir)
	if err != nil {
		return ""
	}
	defer root.Close()
	var b strings.Builder
	for _, p := range paths {
		if info, err := root.Stat(p); err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", p, info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// discover makes a blueprint of every file of the folder that is for being applied by itself, and applies what is new or changed.
func (r *Room) discover(ctx context.Context) (did []string, err error) {
	ctx = store.WithActor(ctx, store.House)
	paths, shadowed, err := r.own()
	if err != nil {
		return nil, err
	}
	for _, p := range shadowed {
		did = append(did, p+" has the path of a file that comes with Gatehouse and is not looked at.")
	}
	all, err := store.All[Instance](ctx, r.Store, store.Query{})
	if err != nil {
		return did, err
	}
	for _, p := range paths {
		f, ferr := r.file(p)
		if ferr != nil {
			did = append(did, p+" can't be read.")
			continue
		}
		b, bad := Parse(f.text, r.Allowed)
		if len(bad) == 0 && b.Instantiate() && !slices.ContainsFunc(all, func(i *Instance) bool { return i.Path == p }) {
			inst, cerr := r.instance(ctx, b, p)
			if cerr != nil {
				err = errors.Join(err, cerr)
				continue
			}
			all = append(all, inst)
		} else if len(bad) > 0 && !slices.ContainsFunc(all, func(i *Instance) bool { return i.Path == p }) {
			did = append(did, p+" is no blueprint: "+bad[0].String())
		}
		for _, inst := range all {
			if inst.Path != p || !inst.Enabled || inst.Hash == hash(f.text) && inst.Status == Successful || len(bad) == 0 && !b.Instantiate() && inst.Hash == "" {
				continue
			}
			if !inst.Trusted {
				did = append(did, inst.Name+" was set up by somebody who is no superuser, so it is not applied by itself.")
				err = errors.Join(err, r.mark(ctx, inst, func(i *Instance) { i.Status = Warning }))
				continue
			}
			out, aerr := r.applyOne(ctx, inst)
			switch {
			case aerr != nil:
				err = errors.Join(err, aerr)
			case out.OK:
				did = append(did, inst.Name+": "+out.Summary())
			default:
				did = append(did, inst.Name+" can't be applied: "+out.Faults[0].String())
			}
		}
	}
	return did, err
}

// instance keeps a file of the folder as a blueprint.
func (r *Room) instance(ctx context.Context, b *File, p string) (*Instance, error) {
	inst := store.KindOf[Instance](r.Store).New().(*Instance)
	inst.Name, inst.Path = p, p
	err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		if b.Meta != nil {
			inst.Name = b.Meta.Name
			if _, err := store.FindTx[Instance](tx, "name", inst.Name); !fault.Is(err, fault.NotFound) {
				inst.Name = p
			}
		}
		return tx.Create(inst)
	})
	return inst, err
}

// orphans marks blueprints whose file is gone. They stay: a folder that is not mounted must not cost what was set up.
func (r *Room) orphans(ctx context.Context) (did []string, err error) {
	all, err := store.All[Instance](ctx, r.Store, store.Query{})
	if err != nil {
		return nil, err
	}
	for _, inst := range all {
		if inst.Path == "" || strings.HasPrefix(inst.Path, "oci://") {
			continue
		}
		_, _, rerr := r.read(inst.Path)
		switch gone := errors.Is(rerr, ErrNoFile); {
		case gone && inst.Status != Orphaned:
			did = append(did, inst.Name+": the file "+inst.Path+" is gone.")
			err = errors.Join(err, r.mark(ctx, inst, func(i *Instance) { i.Status = Orphaned }))
		case !gone && inst.Status == Orphaned:
			err = errors.Join(err, r.mark(ctx, inst, func(i *Instance) { i.Status = Unknown }))
		}
	}
	return did, err
}

// mark writes how a blueprint stands; that is no change of what people wrote, so no event tells it.
func (r *Room) mark(ctx context.Context, inst *Instance, how func(*Instance)) error {
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error { return r.markTx(tx, inst.PK, how) })
}

func (r *Room) markTx(tx *store.Tx, pk string, how func(*Instance)) error {
	house := *tx
	house.Actor = store.House
	now, err := store.GetTx[Instance](&house, pk)
	if fault.Is(err, fault.NotFound) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return err
	}
	how(now)
	return house.Update(now)
}

// applyNow applies a blueprint because somebody asks for it, with their rights.
func (r *Room) applyNow(ctx context.Context, inst *Instance) (*Instance, error) {
	if strings.HasPrefix(inst.Path, "oci://") {
		return nil, errFetch
	}
	if inst.Enabled {
		out, err := r.applyOne(ctx, inst)
		if err != nil {
			return nil, err
		}
		if out.Denied() {
			return nil, fault.New(fault.Denied, "The blueprint does what you may not do: "+strings.Join(out.Lines(), " "))
		}
	}
	return store.Get[Instance](ctx, r.Store, inst.PK)
}

// applyOne applies a blueprint for the actor of ctx and keeps how it went. Rights that don't reach are nothing that the blueprint is to
// blame for, so they are not kept.
func (r *Room) applyOne(ctx context.Context, inst *Instance) (Result, error) {
	start := r.Store.Now()
	out, err := r.run(ctx, inst)
	if err != nil || out.Denied() {
		return out, err
	}
	report := task.Report{Name: "apply_blueprint", UID: token.Slug(inst.Name), Description: "Apply the blueprint " + inst.Name + ".", Started: start}
	if !out.OK {
		report.Failed = errors.New(strings.Join(out.Lines(), "\n"))
		if err := r.mark(ctx, inst, func(i *Instance) { i.Status = Failed }); err != nil {
			return out, err
		}
	}
	return out, r.Tasks.Report(ctx, report)
}

func (r *Room) run(ctx context.Context, inst *Instance) (Result, error) {
	text, file, err := r.content(inst)
	switch {
	case errors.Is(err, ErrNoFile):
		return Result{Faults: []Fault{{Say: "The file " + inst.Path + " is gone."}}}, nil
	case err != nil:
		return Result{Faults: []Fault{{Say: fault.As(err).Say}}}, nil
	}
	f, bad := Parse(text, r.Allowed)
	if len(bad) > 0 {
		return Result{Faults: bad}, nil
	}
	o := Options{Also: func(tx *store.Tx, out *Result) error {
		if err := r.tell(tx, inst.Name, out); err != nil {
			return err
		}
		return r.markTx(tx, inst.PK, func(i *Instance) { i.applied(f, tx.Now, out) })
	}}
	o.Context, _ = inst.Context.(map[string]any)
	if file {
		o.Env = r.Env
	}
	return r.Apply(ctx, f, o)
}

// ApplyText applies a blueprint that is kept nowhere, for the actor of ctx.
func (r *Room) ApplyText(ctx context.Context, name string, text []byte, o Options) (Result, error) {
	f, bad := Parse(text, r.Allowed)
	if len(bad) > 0 {
		return Result{Faults: bad}, nil
	}
	o.Also = func(tx *store.Tx, out *Result) error { return r.tell(tx, name, out) }
	return r.Apply(ctx, f, o)
}

// applied notes that a blueprint was applied.
func (b *Instance) applied(f *File, at time.Time, out *Result) {
	b.Status, b.Hash, b.Applied, b.Models = Successful, f.hash, at, out.Models
	if f.Meta != nil {
		b.Meta = map[string]any{"name": f.Meta.Name, "labels": f.Meta.Labels}
	}
}

// tell writes an event of what the house itself changed by a blueprint: of that the changes have no events of their own.
func (r *Room) tell(tx *store.Tx, name string, out *Result) error {
	if !tx.Actor.System || out.Created+out.Updated+out.Deleted == 0 {
		return nil
	}
	return r.Events.EmitTx(tx, event.Entry{Action: "custom_blueprint", App: "authentik.blueprints", Context: map[string]any{
		"message": "Blueprint applied", "blueprint": name, "created": out.Created, "updated": out.Updated, "deleted": out.Deleted,
	}})
}
