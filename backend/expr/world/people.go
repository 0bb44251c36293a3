package world

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/backend/expr/py"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

type getter = func(r *run, o *object) (py.Value, error)

// method makes an attribute that is called.
func method(name string, params []string, f func(r *run, o *object, args []py.Value) (py.Value, error)) getter {
	return func(_ *run, o *object) (py.Value, error) {
		return py.NewFunc(name, func(t *py.Thread, args []py.Value, kw []py.Kw) (py.Value, error) {
			a, err := py.ReadArgs(name, args, kw, params...)
			if err != nil {
				return nil, err
			}
			return f(hostOf(t), o, a)
		}), nil
	}
}

// constant makes an attribute that is always the same.
func constant(v py.Value) getter { return func(*run, *object) (py.Value, error) { return v, nil } }

// user gives the person behind the object.
func (o *object) user(r *run) (*user.User, error) {
	v, err := o.load(r)
	if err != nil {
		return nil, err
	}
	return v.(*user.User), nil
}

// ofUser makes an attribute from the person.
func ofUser(f func(r *run, u *user.User) (py.Value, error)) getter {
	return func(r *run, o *object) (py.Value, error) {
		u, err := o.user(r)
		if err != nil {
			return nil, err
		}
		return f(r, u)
	}
}

func groupsOf(o *object) *queryset {
	q := &queryset{manager: true, owner: &link{o: o}}
	q.where = []cond{{sql: `o.pk IN (SELECT "group" FROM memberships WHERE "user" = ?)`, args: []any{o.sqlKey()}}}
	return q
}

func userClass() *class {
	groups := func(r *run, o *object) (py.Value, error) {
		q := groupsOf(o)
		q.k = r.w.Store.Kind(groupModel)
		return q, nil
	}
	return &class{
		may: []string{"username", "name", "email", "is_active", "path", "type", "attributes"},
		attrs: map[string]getter{
			"ak_groups": groups, "groups": groups,
			"is_authenticated": constant(true), "is_anonymous": constant(false),
			"uid": ofUser(func(r *run, u *user.User) (py.Value, error) { return r.w.Users.UID(u.PK), nil }),
			"is_superuser": ofUser(func(r *run, u *user.User) (py.Value, error) {
				yes, err := r.w.Users.Superuser(r.ctx, u.PK)
				return yes, err
			}),
			"is_staff": ofUser(func(r *run, u *user.User) (py.Value, error) {
				yes, err := r.w.Users.Superuser(r.ctx, u.PK)
				return yes, err
			}),
			"avatar":               ofUser(func(r *run, u *user.User) (py.Value, error) { return r.w.Users.Avatar(r.ctx, u), nil }),
			"date_joined":          ofUser(func(_ *run, u *user.User) (py.Value, error) { return py.NewTime(u.DateJoined), nil }),
			"password_change_date": ofUser(func(r *run, u *user.User) (py.Value, error) { return r.wrap(u.PasswordChange) }),
			"backend":              backend,
			"all_groups": method("all_groups", nil, func(r *run, o *object, _ []py.Value) (py.Value, error) {
				u, err := o.user(r)
				if err != nil {
					return nil, err
				}
				gs, err := r.w.Users.AllGroups(r.ctx, u.PK)
				if err != nil {
					return nil, fail(err)
				}
				q := &queryset{k: r.w.Store.Kind(groupModel), some: true}
				for _, g := range gs {
					q.only = append(q.only, g.PK)
				}
				return q, r.t.Alloc(512 * len(gs))
			}),
			"group_attributes": method("group_attributes", []string{"request?"}, func(r *run, o *object, _ []py.Value) (py.Value, error) {
				u, err := o.user(r)
				if err != nil {
					return nil, err
				}
				attrs, err := r.w.Users.Attributes(r.ctx, u)
				if err != nil {
					return nil, fail(err)
				}
				return r.copyOf(attrs)
			}),
			"locale": method("locale", []string{"request?"}, func(r *run, o *object, _ []py.Value) (py.Value, error) {
				u, err := o.user(r)
				if err != nil {
					return nil, err
				}
				return u.Locale(), nil
			}),
			"has_usable_password": method("has_usable_password", nil, func(r *run, o *object, _ []py.Value) (py.Value, error) {
				u, err := o.user(r)
				if err != nil {
					return nil, err
				}
				return u.Usable(), nil
			}),
			"check_password": method("check_password", []string{"raw_password"}, func(r *run, o *object, a []py.Value) (py.Value, error) {
				u, err := o.user(r)
				if err != nil {
					return nil, err
				}
				word, _ := a[0].(string)
				yes, err := r.w.Users.Verify(r.ctx, u, word)
				return yes, err
			}),
			"set_password": method("set_password", []string{"raw_password", "signal?"}, func(_ *run, o *object, a []py.Value) (py.Value, error) {
				word, ok := a[0].(string)
				if !ok {
					return nil, py.Raise(py.TypeError, "password must be str, not %s", py.TypeName(a[0]))
				}
				o.pass = &word
				return nil, nil
			}),
			"set_unusable_password": method("set_unusable_password", nil, func(_ *run, o *object, _ []py.Value) (py.Value, error) {
				none := ""
				o.pass = &none
				return nil, nil
			}),
			"get_username":  method("get_username", nil, func(r *run, o *object, _ []py.Value) (py.Value, error) { return r.t.Attr(o, "username") }),
			"get_full_name": method("get_full_name", nil, func(r *run, o *object, _ []py.Value) (py.Value, error) { return r.t.Attr(o, "name") }),
		},
	}
}

// backend is what checked the person's password; they have it only once that happened in this flow.
func backend(r *run, o *object) (py.Value, error) {
	if p, ok := r.ask().Plan.(*stage.Plan); ok && p != nil {
		if pk, _, is := p.UserPK(); is && strconv.FormatInt(pk, 10) == o.pk {
			if m, ok := p.Context[stage.PendingUser].(map[string]any); ok && m["backend"] != nil {
				return r.wrap(m["backend"])
			}
			if p.Has(stage.UserBackend) {
				return r.wrap(p.Context[stage.UserBackend])
			}
		}
	}
	return nil, py.Raise(py.AttributeError, "'User' object has no attribute 'backend'")
}

func groupClass() *class {
	members := func(r *run, o *object) (py.Value, error) {
		return &queryset{k: r.w.Store.Kind(userModel), manager: true, owner: &link{o: o, users: true},
			where: []cond{{sql: `o.pk IN (SELECT "user" FROM memberships WHERE "group" = ?)`, args: []any{o.pk}}}}, nil
	}
	return &class{
		may: []string{"name", "is_superuser", "parent", "attributes"},
		attrs: map[string]getter{
			"users":      members,
			"group_uuid": func(r *run, o *object) (py.Value, error) { return o.key(r) },
			"children": func(r *run, o *object) (py.Value, error) {
				return &queryset{k: r.w.Store.Kind(groupModel), manager: true, where: []cond{{sql: `o.parent = ?`, args: []any{o.pk}}}}, nil
			},
			"is_member": method("is_member", []string{"user"}, func(r *run, o *object, a []py.Value) (py.Value, error) {
				u, ok := a[0].(*object)
				if !ok || u.k.Model != userModel {
					return false, nil
				}
				gs, err := r.w.Users.AllGroups(r.ctx, u.sqlKey().(int64))
				if err != nil {
					return nil, fail(err)
				}
				for _, g := range gs {
					if g.PK == o.pk {
						return true, nil
					}
				}
				return false, nil
			}),
		},
	}
}

func applicationAttrs() map[string]getter {
	return map[string]getter{
		"get_launch_url": method("get_launch_url", []string{"user?"}, func(r *run, o *object, a []py.Value) (py.Value, error) {
			v, err := r.t.Attr(o, "meta_launch_url")
			if err != nil {
				return nil, err
			}
			to, _ := v.(string)
			if u, ok := a[0].(*object); ok && u.k.Model == userModel && strings.Contains(to, "%(") {
				p, err := u.user(r)
				if err != nil {
					return nil, err
				}
				to = strings.NewReplacer("%(username)s", url.PathEscape(p.Username), "%(email)s", url.PathEscape(p.Email), "%(name)s", url.PathEscape(p.Name)).Replace(to)
			}
			if to == "" {
				return nil, nil
			}
			return to, nil
		}),
		"get_provider": method("get_provider", nil, func(r *run, o *object, _ []py.Value) (py.Value, error) { return r.t.Attr(o, "provider") }),
	}
}

// jsonOf turns a dictionary of attributes back into JSON.
func (r *run) jsonOf(v py.Value) (map[string]any, error) {
	x, err := r.plain(v, 0)
	if err != nil {
		return nil, err
	}
	m, ok := x.(map[string]any)
	if !ok {
		return nil, py.Raise(py.TypeError, "attributes must be a dict, not %s", py.TypeName(v))
	}
	// As it will be read again.
	b, err := json.Marshal(m)
	if err != nil {
		return nil, py.Raise(py.ValueError, "attributes can't be kept as JSON")
	}
	out := map[string]any{}
	return out, json.Unmarshal(b, &out)
}

// userPath is where the people of a source stand in the directory.
func userPath(r *run, o *object, _ []py.Value) (py.Value, error) {
	path, err := r.t.Attr(o, "user_path_template")
	if err != nil {
		return nil, err
	}
	slug, err := r.t.Attr(o, "slug")
	if err != nil {
		return nil, err
	}
	p, _ := path.(string)
	s, _ := slug.(string)
	return strings.ReplaceAll(p, "%(slug)s", s), nil
}
