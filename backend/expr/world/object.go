package world

import (
	"encoding/json"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"gatehouse/backend/expr/py"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// object is something of the house: a kind's object, read when it is first looked into.
type object struct {
	k    *kind.Kind
	pk   string // "" = not stored yet
	v    any    // nil = not read yet; may belong to others, so it is never changed
	full any    // a copy of one's own with what is computed
	c    *class
	kept map[string]py.Value // attributes that were set, and dictionaries that may change
	set  []string            // names of those that were set by the program
	pass *string             // a password that waits for save()

	changed bool // this run stored it: what others have read before is old
}

// class is what a kind's objects have besides the fields that everybody may read.
type class struct {
	typ   *py.Type
	attrs map[string]func(r *run, o *object) (py.Value, error)
	// may are the fields that a program may set.
	may []string

	notThere, several *py.Type
}

// types are the classes of the kinds, made at their first use.
type types struct {
	mu sync.Mutex
	m  map[*kind.Kind]*class
}

var (
	doesNotExist    = py.NewException("ObjectDoesNotExist", py.Exception)
	tooMany         = py.NewException("MultipleObjectsReturned", py.Exception)
	fieldError      = py.NewException("FieldError", py.Exception)
	anonymousType   = py.NewType("AnonymousUser", "django.contrib.auth.models", nil)
	userModel       = "authentik_core.user"
	groupModel      = "authentik_core.group"
	flowModel       = "authentik_flows.flow"
	applicationName = "authentik_core.application"
)

// class gives the class of a kind.
func (w *World) class(k *kind.Kind) *class {
	w.types.mu.Lock()
	defer w.types.mu.Unlock()
	if c := w.types.m[k]; c != nil {
		return c
	}
	c := &class{}
	switch k.Model {
	case userModel:
		c = userClass()
	case groupModel:
		c = groupClass()
	case flowModel:
		c.may = []string{"authentication"}
	case applicationName:
		c.attrs = applicationAttrs()
	}
	if k.Family.Name == "sources" {
		c.attrs = map[string]getter{"get_user_path": method("get_user_path", nil, userPath)}
	}
	name := k.Schema
	c.typ = py.NewType(name, moduleOf(k.App()), nil)
	c.notThere, c.several = py.NewException("DoesNotExist", doesNotExist), py.NewException("MultipleObjectsReturned", tooMany)
	c.typ.SetAttr("DoesNotExist", c.notThere)
	c.typ.SetAttr("MultipleObjectsReturned", c.several)
	c.typ.SetAttr("objects", &queryset{k: k, manager: true})
	if k.Model == userModel || k.Model == groupModel {
		c.typ.SetMake(func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
			if len(args) > 0 {
				return nil, py.Raise(py.TypeError, "%s() takes keyword arguments only", name)
			}
			o := &object{k: k, v: k.New(), c: c, kept: map[string]py.Value{}}
			for _, a := range kw {
				if ok, err := o.SetAttr(t, a.Name, a.V); err != nil {
					return nil, err
				} else if !ok {
					return nil, py.Raise(py.TypeError, "%s() got unexpected keyword arguments: '%s'", name, a.Name)
				}
			}
			return o, t.Alloc(256)
		})
	}
	if w.types.m == nil {
		w.types.m = map[*kind.Kind]*class{}
	}
	w.types.m[k] = c
	return c
}

// object gives the object of a kind with a key; one key has one object in a run.
func (r *run) object(k *kind.Kind, pk string) *object {
	key := k.Model + " " + pk
	if o := r.objects[key]; o != nil {
		return o
	}
	if r.objects == nil {
		r.objects = map[string]*object{}
	}
	o := &object{k: k, pk: pk, c: r.w.class(k)}
	r.objects[key] = o
	return o
}

// person gives the object of a user; nobody and a made-up user have one of their own.
func (r *run) person(u *user.User) py.Value {
	k := store.KindOf[user.User](r.w.Store)
	if u == nil {
		return &anonymous{}
	}
	if u.PK == 0 {
		return &object{k: k, pk: "0", v: u, c: r.w.class(k)}
	}
	return r.known(k, u)
}

// load reads the object; DoesNotExist when it is gone.
func (o *object) load(r *run) (any, error) {
	if o.v != nil {
		return o.v, nil
	}
	if err := r.t.Alloc(1024); err != nil {
		return nil, err
	}
	var err error
	if o.k.IsBase() { // of a family: the key says which kind it is
		var k *kind.Kind
		if k, o.v, err = r.w.Store.GetIn(r.ctx, o.k.Family.Name, o.pk); err == nil {
			o.k, o.c = k, r.w.class(k)
		}
	} else {
		o.v, err = r.w.Store.Get(r.ctx, o.k, o.k.PKField().Name, o.pk)
	}
	if fault.Is(err, fault.NotFound) {
		o.v = nil
		return nil, o.missing()
	}
	if err != nil {
		o.v = nil
		return nil, fail(err)
	}
	return o.v, nil
}

// missing is the exception for an object that is not there.
func (o *object) missing() error { return notFound(o.c) }

func notFound(c *class) error {
	return py.Raise(c.notThere, "%s matching query does not exist.", c.typ.Name)
}

// Type implements py.Object.
func (o *object) Type() *py.Type { return o.c.typ }

// Equal implements py.Equaler: objects are the same by kind and key.
func (o *object) Equal(_ *py.Thread, v py.Value) (bool, bool, error) {
	x, ok := v.(*object)
	return ok && (x == o || x.k.Family == o.k.Family && x.pk == o.pk && o.pk != "" && o.pk != "0"), true, nil
}

// Hash implements py.Hasher.
func (o *object) Hash(*py.Thread) (any, error) {
	if o.pk == "" {
		return o, nil
	}
	return [2]string{o.k.Family.Name, o.pk}, nil
}

// Str implements py.Strer.
func (o *object) Str(t *py.Thread) (string, error) {
	v, err := o.load(hostOf(t))
	if err != nil {
		return "", err
	}
	switch x := v.(type) {
	case *user.Group:
		return "Group " + x.Name, nil
	case *user.User:
		return x.Username, nil
	}
	return o.k.Name(v), nil
}

// Repr implements py.Reprer.
func (o *object) Repr(t *py.Thread) (string, error) {
	s, err := o.Str(t)
	return "<" + o.c.typ.Name + ": " + s + ">", err
}

// Attr implements py.Attrer.
func (o *object) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	r := hostOf(t)
	if v, ok := o.kept[name]; ok {
		return v, true, nil
	}
	if f := o.c.attrs[name]; f != nil {
		v, err := f(r, o)
		return v, true, err
	}
	switch name {
	case "pk", "id":
		if o.pk == "" {
			return nil, true, nil
		}
		v, err := o.key(r)
		return v, true, err
	case "_meta":
		return &facts{metaOf(o.k)}, true, nil
	case "save", "refresh_from_db":
		return methodOf(o, name), true, nil
	case "objects":
		return nil, true, py.Raise(py.AttributeError, "Manager isn't accessible via %s instances", o.c.typ.Name)
	}
	v, err := o.load(r)
	if err != nil {
		return nil, true, err
	}
	if f := o.c.attrs[name]; f != nil { // the class is that of the kind now
		v, err := f(r, o)
		return v, true, err
	}
	f := o.k.Field(name)
	if f == nil {
		if q, ok := r.reverse(o, name); ok {
			return q, true, nil
		}
		if base, ok := strings.CutSuffix(name, "_id"); ok {
			if f := o.k.Field(base); f != nil && f.Ref != nil && !f.Ref.List && readable(f) {
				v, err := r.wrapValue(o.k.Value(v, f), f)
				return v, true, err
			}
		}
		return nil, false, nil
	}
	if !readable(f) {
		return nil, false, nil
	}
	if f.Computed {
		if v, err = o.present(r); err != nil {
			return nil, true, err
		}
	}
	x, err := r.field(o, v, f)
	return x, true, err
}

// readable says whether an expression may read a field: what only those may see who may change the object, it may not. Of what is never
// on the wire, whose a device is and whether it counts may be read.
func readable(f *kind.Field) bool {
	return (!f.Hidden || f.Name == "user" || f.Name == "confirmed") && !f.Secret && !f.WriteOnly
}

// present gives the object with what is computed.
func (o *object) present(r *run) (any, error) {
	if o.full != nil {
		return o.full, nil
	}
	if o.k.Present == nil || o.pk == "" || o.pk == "0" {
		return o.v, nil
	}
	v, err := r.w.Store.Get(r.ctx, o.k, o.k.PKField().Name, o.pk)
	if err == nil {
		err = o.k.Present(r.ctx, []any{v}, url.Values{})
	}
	if err != nil {
		return nil, fail(err)
	}
	o.full = v
	return v, nil
}

// key is the object's key as the program sees it.
func (o *object) key(r *run) (py.Value, error) {
	if o.k.Family.Key == kind.Int {
		return intText(o.pk), nil
	}
	return py.NewUUID(o.pk), nil
}

// field gives a field of a loaded object: references lead to objects, JSON is kept so that it may be changed.
func (r *run) field(o *object, v any, f *kind.Field) (py.Value, error) {
	val := o.k.Value(v, f)
	if f.Ref != nil {
		return r.reference(o, f, val)
	}
	if f.Type == "object" || f.Type == "any" {
		m, ok := val.Interface().(map[string]any)
		if ok {
			if m == nil {
				m = map[string]any{}
			}
			d, err := r.copyOf(m)
			if err != nil {
				return nil, err
			}
			if o.kept == nil {
				o.kept = map[string]py.Value{}
			}
			o.kept[f.Name] = d
			return d, nil
		}
	}
	return r.wrapValue(val, f)
}

// copyOf is a dictionary that has nothing to do with the map any more.
func (r *run) copyOf(m map[string]any) (*py.Dict, error) {
	d := &py.Dict{}
	for _, k := range sorted(m) {
		v, err := r.deep(m[k])
		if err != nil {
			return nil, err
		}
		if err := r.t.Alloc(64 + len(k)); err != nil {
			return nil, err
		}
		if err := d.Set(r.t, k, v); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (r *run) deep(v any) (py.Value, error) {
	switch x := v.(type) {
	case map[string]any:
		return r.copyOf(x)
	case []any:
		l := &py.List{V: make([]py.Value, len(x))}
		for i, e := range x {
			var err error
			if l.V[i], err = r.deep(e); err != nil {
				return nil, err
			}
		}
		return l, r.t.Alloc(16 * len(x))
	}
	return r.wrap(v)
}

// reference gives what a field points at.
func (r *run) reference(o *object, f *kind.Field, val reflect.Value) (py.Value, error) {
	ks := r.w.Store.Family(f.Ref.Family)
	if len(ks) == 0 {
		return r.wrapValue(val, f)
	}
	base := ks[0]
	for _, k := range ks {
		if k.IsBase() {
			base = k
		}
	}
	if f.Ref.List {
		var pks []string
		for i := range val.Len() {
			pks = append(pks, keyText(val.Index(i).Interface()))
		}
		return &queryset{k: base, only: pks, some: true, manager: true}, nil
	}
	if val.Kind() == reflect.Pointer {
		if val.IsNil() {
			return nil, nil
		}
		val = val.Elem()
	}
	pk := keyText(val.Interface())
	if pk == "" || pk == "0" {
		return nil, nil
	}
	return r.object(base, pk), nil
}

// wrapValue turns the value of a field into one of the program.
func (r *run) wrapValue(val reflect.Value, f *kind.Field) (py.Value, error) {
	if val.Kind() == reflect.Pointer {
		if val.IsNil() {
			return nil, nil
		}
		val = val.Elem()
	}
	switch x := val.Interface().(type) {
	case time.Time:
		if x.IsZero() {
			return nil, nil
		}
		return py.NewTime(x), nil
	case string:
		if f != nil && f.Format == "uuid" && x != "" {
			return py.NewUUID(x), nil
		}
		return x, nil
	}
	switch val.Kind() {
	case reflect.Bool:
		return val.Bool(), nil
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		return int(val.Int()), nil
	case reflect.Float64, reflect.Float32:
		return val.Float(), nil
	case reflect.String:
		return val.String(), nil
	}
	b, err := json.Marshal(val.Interface())
	if err != nil {
		return nil, err
	}
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	return r.deep(v)
}

// ref is how a plan holds the object.
func (o *object) ref(*run) (any, error) {
	switch {
	case o.pk == "0":
		if u, ok := o.v.(*user.User); ok {
			return map[string]any{"fake": u.Username}, nil
		}
	case o.pk == "":
		return nil, py.Raise(py.ValueError, "save() the %s before it goes into the plan", strings.ToLower(o.c.typ.Name))
	}
	if o.k.Family.Key == kind.Int {
		return stage.Ref(o.k.Model, int64(intText(o.pk).(int))), nil
	}
	return stage.Ref(o.k.Model, o.pk), nil
}

// anonymous is nobody: the user of a request without a sign-in.
type anonymous struct{}

// Type implements py.Object.
func (*anonymous) Type() *py.Type { return anonymousType }

// Str implements py.Strer.
func (*anonymous) Str(*py.Thread) (string, error) { return "AnonymousUser", nil }

// Repr implements py.Reprer.
func (*anonymous) Repr(*py.Thread) (string, error) { return "<AnonymousUser>", nil }

// Equal implements py.Equaler.
func (*anonymous) Equal(_ *py.Thread, v py.Value) (bool, bool, error) {
	_, ok := v.(*anonymous)
	return ok, true, nil
}

// Hash implements py.Hasher.
func (*anonymous) Hash(*py.Thread) (any, error) { return "AnonymousUser", nil }

// Attr implements py.Attrer.
func (*anonymous) Attr(t *py.Thread, name string) (py.Value, bool, error) {
	r := hostOf(t)
	switch name {
	case "pk", "id":
		return nil, true, nil
	case "username", "name", "email", "uid", "path", "type":
		return "", true, nil
	case "is_active", "is_superuser", "is_staff", "is_authenticated":
		return false, true, nil
	case "is_anonymous":
		return true, true, nil
	case "attributes":
		return &py.Dict{}, true, nil
	case "ak_groups", "groups":
		return &queryset{k: r.w.Store.Kind(groupModel), some: true, manager: true}, true, nil
	case "all_groups":
		return py.NewFunc(name, func(t *py.Thread, _ []py.Value, _ []py.Kw) (py.Value, error) {
			return &queryset{k: hostOf(t).w.Store.Kind(groupModel), some: true}, nil
		}), true, nil
	case "group_attributes":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return &py.Dict{}, nil }), true, nil
	case "locale":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return "", nil }), true, nil
	case "has_usable_password", "check_password":
		return py.NewFunc(name, func(*py.Thread, []py.Value, []py.Kw) (py.Value, error) { return false, nil }), true, nil
	}
	return nil, false, nil
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func intText(s string) py.Value {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' {
			return s
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// reverse gives what points at the object: x_set for the objects of kind x, and of an application its own name.
func (r *run) reverse(o *object, name string) (py.Value, bool) {
	model, many := strings.CutSuffix(name, "_set")
	for _, k := range r.w.Store.Kinds() {
		if k.ModelName() != model || k.IsBase() {
			continue
		}
		for i := range k.Fields {
			f := &k.Fields[i]
			if f.Ref == nil || f.Ref.Family != o.k.Family.Name || f.Ref.List || f.Virtual {
				continue
			}
			q := &queryset{k: k, where: []cond{{sql: store.DialectOf(k).Column(f.Name) + " = ?", args: []any{o.sqlKey()}}}, manager: true}
			if many {
				return q, true
			}
			first, err := q.first(r)
			return first, err == nil && first != nil
		}
	}
	return nil, false
}

// sqlKey is the key as the database holds it.
func (o *object) sqlKey() any {
	if o.k.Family.Key == kind.Int {
		if n, ok := intText(o.pk).(int); ok {
			return int64(n)
		}
	}
	return o.pk
}
