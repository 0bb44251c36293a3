package world

import (
	"context"
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// SetAttr implements py.AttrSetter: what a program may change of people, groups and flows is kept until save().
func (o *object) SetAttr(t *py.Thread, name string, v py.Value) (bool, error) {
	if v == py.Deleted {
		return false, nil
	}
	if name == "parent_id" && slices.Contains(o.c.may, "parent") {
		name = "parent"
	}
	if !slices.Contains(o.c.may, name) {
		return true, py.Raise(py.AttributeError, "'%s' of a %s can't be set here", name, o.c.typ.Name)
	}
	if o.kept == nil {
		o.kept = map[string]py.Value{}
	}
	o.kept[name] = v
	if !slices.Contains(o.set, name) {
		o.set = append(o.set, name)
	}
	return true, t.Alloc(64)
}

// methodOf are the methods that every object has.
func methodOf(o *object, name string) py.Value {
	return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
		r := hostOf(t)
		if name == "save" {
			return nil, o.save(r)
		}
		o.kept, o.set, o.full = nil, nil, nil
		if o.pk != "" && o.pk != "0" {
			o.v, o.changed = nil, true
		}
		return nil, nil
	})
}

// mayWrite refuses changes where a run must not make any.
func (r *run) mayWrite(what string) (bool, error) {
	if r.call.Dry {
		r.log("info", what+" is left out in a test run", nil)
		return false, nil
	}
	return true, nil
}

// actor is who changes things in an expression: whoever came, with the rights of who wrote it. The last admin stays one.
func (r *run) actor() store.Actor {
	a := store.ActorOf(r.ctx)
	a.Superuser = true
	return a
}

// assign puts values as JSON has them into an object, with the checks of a PATCH.
func assign(k *kind.Kind, v any, body map[string]any) error {
	raw := map[string]json.RawMessage{}
	for name, x := range body {
		b, err := json.Marshal(x)
		if err != nil {
			return err
		}
		raw[name] = b
	}
	_, err := kind.Decode(k.Fields, raw, reflect.ValueOf(v).Elem(), false)
	return err
}

// save stores what was set on an object.
func (o *object) save(r *run) error {
	if len(o.c.may) == 0 {
		return py.Raise(py.AttributeError, "a %s can't be saved here", o.c.typ.Name)
	}
	if o.pk == "0" {
		return py.Raise(py.ValueError, "nobody is known here who could be saved")
	}
	put, err := o.values(r)
	if err != nil {
		return err
	}
	hash := ""
	if o.pass != nil && *o.pass != "" {
		if hash, err = r.w.Users.HashNew(r.ctx, *o.pass); err != nil {
			return fail(err)
		}
	}
	ok, err := r.mayWrite("save()")
	if err != nil || !ok {
		return err
	}
	created := ""
	err = r.w.Store.Write(context.WithoutCancel(r.ctx), r.actor(), func(tx *store.Tx) error {
		var v any
		var err error
		if o.pk == "" {
			v = o.k.New()
			if u, ok := v.(*user.User); ok {
				u.IsActive, u.Path, u.Type = true, "users", user.Internal
			}
		} else if v, err = tx.Get(o.k, o.pk); err != nil {
			return err
		}
		if err := put(v); err != nil {
			return err
		}
		if o.pk == "" {
			if err := tx.Create(v); err != nil {
				return err
			}
			created = o.k.PK(v)
		} else if len(o.set) > 0 || o.kept["attributes"] != nil {
			if err := tx.Update(v); err != nil {
				return err
			}
		}
		if u, ok := v.(*user.User); ok && o.pass != nil {
			if hash != "" {
				return r.w.Users.SetHash(tx, u, hash)
			}
			return r.w.Users.MakeUnusable(tx, u)
		}
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return o.missing()
	}
	if err != nil {
		return fail(err)
	}
	if o.pk == "" {
		o.pk = created
		if r.objects == nil {
			r.objects = map[string]*object{}
		}
		r.objects[o.k.Model+" "+o.pk] = o
	}
	o.v, o.full, o.set, o.pass, o.changed = nil, nil, nil, nil, true
	delete(o.kept, "attributes")
	for _, name := range o.c.may {
		delete(o.kept, name)
	}
	return nil
}

// values gives what puts the changed attributes into a fresh copy of the object.
func (o *object) values(r *run) (func(v any) error, error) {
	body := map[string]any{}
	for _, name := range o.set {
		if name == "attributes" {
			continue
		}
		v := o.kept[name]
		if p, ok := v.(*object); ok {
			body[name] = p.pk
			continue
		}
		x, err := r.plain(v, 0)
		if err != nil {
			return nil, err
		}
		body[name] = x
	}
	if d, ok := o.kept["attributes"]; ok {
		m, err := r.jsonOf(d)
		if err != nil {
			return nil, err
		}
		body["attributes"] = m
	}
	k := o.k
	return func(v any) error { return assign(k, v, body) }, nil
}

// related are the methods of a relation between people and groups, and of sets, that write.
func (q *queryset) write(t *py.Thread, name string, args []py.Value, kw []py.Kw) (py.Value, error) {
	r := hostOf(t)
	switch name {
	case "create":
		return r.create(q.k, kw)
	case "get_or_create", "update_or_create":
		return r.getOrCreate(q, name, kw)
	case "update":
		return r.updateAll(q, kw)
	}
	return nil, q.link(r, name, args)
}

func (r *run) create(k *kind.Kind, kw []py.Kw) (py.Value, error) {
	o := &object{k: k, v: k.New(), c: r.w.class(k), kept: map[string]py.Value{}}
	if k.Model != userModel && k.Model != groupModel {
		return nil, py.Raise(py.AttributeError, "a %s can't be made here", o.c.typ.Name)
	}
	for _, a := range kw {
		if _, err := o.SetAttr(r.t, a.Name, a.V); err != nil {
			return nil, err
		}
	}
	return o, o.save(r)
}

func (r *run) getOrCreate(q *queryset, name string, kw []py.Kw) (py.Value, error) {
	var by, defaults []py.Kw
	for _, a := range kw {
		d, ok := a.V.(*py.Dict)
		if a.Name != "defaults" || !ok {
			by = append(by, a)
			continue
		}
		d.Each(func(k, v py.Value) {
			if s, ok := k.(string); ok {
				defaults = append(defaults, py.Kw{Name: s, V: v})
			}
		})
	}
	c, err := r.filter(q.k, by)
	if err != nil {
		return nil, err
	}
	set := q.also(c...)
	rows, err := set.read(r)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		v, err := set.one(r)
		if err != nil {
			return nil, err
		}
		if name == "update_or_create" && len(defaults) > 0 {
			o := v.(*object)
			for _, a := range defaults {
				if _, err := o.SetAttr(r.t, a.Name, a.V); err != nil {
					return nil, err
				}
			}
			if err := o.save(r); err != nil {
				return nil, err
			}
		}
		return &py.Tuple{V: []py.Value{v, false}}, nil
	}
	v, err := r.create(q.k, append(slices.DeleteFunc(by, func(a py.Kw) bool { return !slices.Contains(r.w.class(q.k).may, a.Name) }), defaults...))
	if err != nil {
		return nil, err
	}
	return &py.Tuple{V: []py.Value{v, true}}, nil
}

// updateAll sets fields of every object of the set. Of flows that is the requirement of the first-run flow only.
func (r *run) updateAll(q *queryset, kw []py.Kw) (py.Value, error) {
	c := r.w.class(q.k)
	for _, a := range kw {
		if !slices.Contains(c.may, a.Name) {
			return nil, py.Raise(py.AttributeError, "'%s' of a %s can't be set here", a.Name, c.typ.Name)
		}
	}
	rows, err := q.read(r)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if q.k.Model == flowModel {
			if slug := q.k.Value(row, q.k.Field("slug")).String(); slug != "initial-setup" {
				return nil, py.Raise(py.PermissionError, "only the flow initial-setup can be changed here, not %s", slug)
			}
		}
		o := &object{k: q.k, pk: q.k.PK(row), c: c}
		for _, a := range kw {
			if _, err := o.SetAttr(r.t, a.Name, a.V); err != nil {
				return nil, err
			}
		}
		if err := o.save(r); err != nil {
			return nil, err
		}
		if held := r.objects[q.k.Model+" "+o.pk]; held != nil {
			held.v, held.full, held.changed = nil, nil, true
		}
	}
	return len(rows), nil
}

// link changes memberships: add, remove, set, clear.
func (q *queryset) link(r *run, name string, args []py.Value) error {
	l := q.owner
	if l == nil {
		return py.Raise(py.AttributeError, "'Manager' object has no attribute '%s'", name)
	}
	if l.o.pk == "" || l.o.pk == "0" {
		return py.Raise(py.ValueError, "save() the %s before it gets relations", l.o.c.typ.Name)
	}
	var given []*object
	if name == "set" && len(args) == 1 {
		list, err := r.t.List(args[0])
		if err != nil {
			return err
		}
		args = list.V
	}
	want := groupModel
	if l.users {
		want = userModel
	}
	for _, a := range args {
		o, ok := a.(*object)
		if !ok || o.k.Model != want {
			return py.Raise(py.TypeError, "%s() takes objects of %s, not %s", name, want, py.TypeName(a))
		}
		given = append(given, o)
	}
	ok, err := r.mayWrite(name + "()")
	if err != nil || !ok {
		return err
	}
	return fail(r.w.Store.Write(context.WithoutCancel(r.ctx), r.actor(), func(tx *store.Tx) error {
		// The person's list of groups is what is stored; a group's members are changed through each of them.
		touched := map[int64]map[string]bool{}
		change := func(person int64, group string, in bool) {
			if touched[person] == nil {
				touched[person] = map[string]bool{}
			}
			touched[person][group] = in
		}
		now, err := q.members(tx)
		if err != nil {
			return err
		}
		pair := func(o *object) (int64, string) {
			if l.users {
				return o.sqlKey().(int64), l.o.pk
			}
			return l.o.sqlKey().(int64), o.pk
		}
		if name == "set" || name == "clear" {
			for _, m := range now {
				change(m.person, m.group, false)
			}
		}
		for _, o := range given {
			p, g := pair(o)
			change(p, g, name != "remove")
		}
		for _, person := range slices.Sorted(maps.Keys(touched)) {
			u, err := user.ByPKTx(tx, person)
			if err != nil {
				return err
			}
			if err := u.Load(tx); err != nil {
				return err
			}
			before := slices.Clone(u.Groups)
			for _, g := range slices.Sorted(maps.Keys(touched[person])) {
				has := slices.Contains(u.Groups, g)
				switch in := touched[person][g]; {
				case in && !has:
					u.Groups = append(u.Groups, g)
				case !in && has:
					u.Groups = slices.DeleteFunc(u.Groups, func(x string) bool { return x == g })
				}
			}
			if slices.Equal(before, u.Groups) {
				continue
			}
			if err := tx.Update(u); err != nil {
				return err
			}
		}
		return nil
	}))
}

type member struct {
	person int64
	group  string
}

// members are the pairs of a relation now.
func (q *queryset) members(tx *store.Tx) ([]member, error) {
	column := `"user"`
	if q.owner.users {
		column = `"group"`
	}
	rows, err := tx.Query(`SELECT "user", "group" FROM memberships WHERE `+column+` = ?`, q.owner.o.sqlKey())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []member
	for rows.Next() {
		var m member
		if err := rows.Scan(&m.person, &m.group); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// createEvent writes the event of ak_create_event.
func (r *run) createEvent(action string, facts map[string]any) error {
	ok, err := r.mayWrite("ak_create_event()")
	if err != nil || !ok {
		return err
	}
	return fail(r.w.Store.Write(context.WithoutCancel(r.ctx), store.ActorOf(r.ctx), func(tx *store.Tx) error {
		return r.w.Events.EmitTx(tx, eventOf(r.call, action, facts))
	}))
}
