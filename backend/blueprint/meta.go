package blueprint

import (
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// meta applies another blueprint in the same transaction, with the same rights.
func (w *work) meta(at *place) error {
	attrs, err := w.getMap(at.e.attrs, "attrs")
	if err != nil {
		return err
	}
	find, _ := attrs["identifiers"].(map[string]any)
	if len(find) == 0 {
		return fault.Field("identifiers", "This field is required.")
	}
	k := store.KindOf[Instance](w.r.Store)
	at.find = find
	obj, _, err := w.lookup(at, k, find)
	if err != nil {
		return err
	}
	if v, ok := attrs["required"]; obj == nil && (!ok || truth(v)) {
		return fault.Field("identifiers", "Required blueprint does not exist")
	}
	if obj == nil {
		return nil
	}
	inst := obj.(*Instance)
	switch {
	case !inst.Enabled:
		return nil
	case w.depth >= maxMeta:
		return fault.Whole("Blueprints apply each other in a circle, or too many times.")
	case w.tx.Actor.System && !inst.Trusted:
		return fault.Whole("The blueprint " + inst.Name + " was written by somebody who is no superuser, so it is not applied by itself.")
	}
	if err := w.may(k, inst, kind.Retrieve); err != nil {
		return err
	}
	text, own, err := w.r.content(inst)
	if err != nil {
		return err
	}
	f, bad := Parse(text, w.r.Allowed)
	if len(bad) > 0 {
		for i := range bad {
			bad[i].File = inst.Name
		}
		w.out.Faults = append(w.out.Faults, bad...)
		return errSkip
	}
	inner := *w
	inner.name, inner.depth = inst.Name, w.depth+1
	if !own {
		inner.o.Env = nil
	} else if inner.o.Env == nil {
		inner.o.Env = w.r.Env
	}
	context, _ := inst.Context.(map[string]any)
	inner.o.once = false
	inner.file(f, context)
	failed := len(inner.out.Faults) > len(w.out.Faults)
	w.out, w.broken = inner.out, inner.broken
	if failed || w.broken != nil {
		return errSkip
	}
	return nil
}

// maxMeta is how deep blueprints may apply each other.
const maxMeta = 5
