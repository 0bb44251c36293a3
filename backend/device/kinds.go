package device

import (
	"context"
	"slices"
	"strconv"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Base is what every device has besides its name.
type Base struct {
	PK        int64      `json:"pk" is:"readonly,nofilter"`
	User      int64      `json:"user" is:"hidden" ref:"users cascade"`
	Confirmed bool       `json:"confirmed" is:"hidden"`
	Created   time.Time  `json:"created" is:"hidden" format:"date-time"`
	LastUsed  *time.Time `json:"last_used" is:"hidden" format:"date-time"`
}

// Device gives the shared part of any device.
func (b *Base) Device() *Base { return b }

// Shared is implemented by every kind that embeds Base.
type Shared interface{ Device() *Base }

// Saving implements store.Saver: a device needs an owner, and its secret comes from setting it up.
func (b *Base) Saving(tx *store.Tx, old any) error {
	if b.User == 0 {
		return fault.New(fault.Invalid, "A device can't be made here. Its owner sets it up in a flow.")
	}
	if old == nil {
		b.Created = tx.Now
	}
	return nil
}

// TypeFamily is the shelf of makes of security keys and passkeys.
var TypeFamily = &kind.Family{Name: "webauthntypes", Param: "aaguid", Title: "make of security keys"}

// Type is a make of security keys or passkeys.
type Type struct {
	AAGUID      string `json:"aaguid" is:"required,search" format:"uuid"`
	Description string `json:"description" is:"required,search"`
	Icon        string `json:"icon" is:"hidden"`
}

// Types gives makes by key in the order asked for; those that are not known are left out.
func Types(ctx context.Context, s *store.Store, keys []string) ([]Type, error) {
	out := []Type{}
	if len(keys) == 0 {
		return out, nil
	}
	found, err := store.All[Type](ctx, s, store.Query{PKs: keys})
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if i := slices.IndexFunc(found, func(t *Type) bool { return t.AAGUID == k }); i >= 0 {
			out = append(out, *found[i])
		}
	}
	return out, nil
}

// New describes a class of devices: people see, rename and delete their own below authenticators/<class>, admins everybody's below
// authenticators/admin/<class>.
func New[T any, P interface {
	*T
	Shared
}](class string, spec kind.Spec, make func() *T) *kind.Kind {
	spec.Path, spec.Owner, spec.OwnerOnly = "authenticators/"+class, "user", true
	spec.Verbs = kind.AllVerbs &^ kind.Create
	spec.Twin = &kind.Twin{Path: "authenticators/admin/" + class, Verbs: kind.AllVerbs &^ kind.UsedBy}
	spec.Order = []string{"name"}
	return kind.Of(&kind.Family{Name: class + "devices", Key: kind.Int, Param: "id", Title: "device"}, spec, make)
}

// Shown is a device of any class as the lists over all of them show it.
type Shown struct {
	Title     string `json:"verbose_name" is:"required,readonly"`
	Plural    string `json:"verbose_name_plural" is:"required,readonly"`
	Model     string `json:"meta_model_name" is:"required,readonly"`
	PK        int64  `json:"pk" is:"required"`
	Name      string `json:"name" is:"required"`
	Type      string `json:"type" is:"required,readonly"`
	Confirmed bool   `json:"confirmed" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Shown) SchemaName() string { return "Device" }

// Endpoints are the lists over all classes: of the caller's own devices, and for admins of anybody's.
func Endpoints(s *store.Store) []kind.Action {
	var kinds []*kind.Kind
	for _, k := range s.Kinds() {
		if _, ok := k.New().(Shared); ok {
			kinds = append(kinds, k)
		}
	}
	own := kind.Do("GET", "authenticators/all", func(ctx context.Context, _ *kind.Call, _ *kind.None) ([]Shown, error) {
		return list(ctx, s, kinds, store.ActorOf(ctx).UserPK)
	})
	own.Operation, own.Access, own.Summary = "authenticators_all_list", kind.SignedIn, "The devices of whoever asks."
	admin := kind.Do("GET", "authenticators/admin/all", func(ctx context.Context, c *kind.Call, _ *kind.None) ([]Shown, error) {
		text := c.Query.Get("user")
		if text == "" {
			return list(ctx, s, kinds, store.ActorOf(ctx).UserPK)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fault.Field("user", "Enter a number.")
		}
		return list(ctx, s, kinds, n)
	})
	admin.Operation, admin.Summary = "authenticators_admin_all_list", "The devices of one user."
	admin.Query = []kind.Param{{Name: "user", Type: "integer", Help: "Whose devices. Without it: those of whoever asks."}}
	for _, k := range kinds {
		admin.Also = append(admin.Also, k.Perm("view"))
	}
	return []kind.Action{own, admin}
}

// list gives the devices of one user, class by class.
func list(ctx context.Context, s *store.Store, kinds []*kind.Kind, owner int64) ([]Shown, error) {
	out := []Shown{}
	for _, k := range kinds {
		page, err := s.List(ctx, k, store.Query{Where: `o."user" = ?`, Args: []any{owner}})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Rows {
			b := row.(Shared).Device()
			out = append(out, Shown{Title: k.Title, Plural: k.Plural, Model: k.Model, PK: b.PK, Name: k.Name(row), Type: k.App() + "." + k.Schema, Confirmed: b.Confirmed})
		}
	}
	return out, nil
}
