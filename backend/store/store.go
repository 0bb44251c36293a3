// Package store keeps objects of any kind: every change is one transaction of row, references, unique values and audit event.
//
//	rest, blueprint, flow ──Create/Update/Delete──▶ Tx ──▶ hooks ▸ validation ▸ row ▸ object_unique ▸ ref ▸ Recorder.Record
//	                      ──Get/List/UsedBy──────▶ readers
//
// A kind without a Table lives in the object table (body is JSON), one with a Table in columns of its own.
// References from objects are rows of ref; references from tables are foreign keys of their DDL.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
)

// Actor is who acts, from where, for the permission check and the audit event.
type Actor struct {
	UserPK    int64 // 0: nobody is signed in
	Username  string
	Email     string
	Name      string
	Superuser bool
	System    bool   // the house itself (first start, clean-up): may do everything, its changes are not audited
	Session   string // key of the session row, "" with a token
	Token     string // identifier of the API token in use
	Original  *Actor // while impersonating: who really acts
	Quiet     bool   // tells people of events: no notification rule hears of what it does, or there would be no end
	Leaving   bool   // the person asked in a flow that their own account is deleted
	HTTP      HTTP
	Brand     BrandRef
}

// HTTP is what an event keeps of the request.
type HTTP struct {
	RequestID string
	Method    string
	Path      string
	Args      map[string]string
	UserAgent string
	ClientIP  string
	Scheme    string // https or http, as the caller sees it
	Host      string // with port, as the caller sees it; already checked against the allow-list
	Locale    string // best language of the caller
	// Headers are those of the request, by canonical name; for expressions, never for logs or events.
	Headers map[string][]string
	// Form is what a form sent, where a door keeps it for expressions.
	Form map[string][]string
}

// BrandRef names the brand of the request.
type BrandRef struct{ PK, Name string }

// SignedIn says whether somebody is known.
func (a Actor) SignedIn() bool { return a.UserPK != 0 || a.System }

// House is the actor of what the house does by itself.
var House = Actor{System: true, Superuser: true}

type actorKey struct{}

// WithActor puts the actor into ctx.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf gives the actor of ctx; without one nobody acts.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// Change is what happened to one object.
type Change struct {
	Action string // model_created, model_updated, model_deleted
	Kind   *kind.Kind
	PK     string
	Name   string
	Diff   map[string]Values // by field; secrets masked
	Kept   *Kept             // what undoing it needs; nil when nothing was kept
}

// Values are a field before and after.
type Values struct {
	Previous any `json:"previous_value"`
	New      any `json:"new_value"`
}

// Recorder writes the audit event of a change in the same transaction. The event room implements it.
type Recorder interface {
	Record(tx *Tx, c Change) error
}

// Validator is a kind with rules that tags can't say; pure, run before every save.
type Validator interface{ Validate() error }

// Saver is a kind that looks at stored state, or completes itself, before its row is written. old is nil on create.
type Saver interface {
	Saving(tx *Tx, old any) error
}

// AfterSaver is a kind that keeps something beside its row (members of a group). old is nil on create.
type AfterSaver interface {
	Saved(tx *Tx, old any) error
}

// Deleter is a kind that may refuse its deletion or has to clear up.
type Deleter interface{ Deleting(tx *Tx) error }

// Store keeps the objects.
type Store struct {
	db        *db.DB
	key       *crypt.Key
	rec       Recorder
	kinds     []*kind.Kind
	byType    map[reflect.Type]*kind.Kind
	byModel   map[string]*kind.Kind
	families  map[string][]*kind.Kind
	aliases   map[string][]string // a ref family that stands for several ("pbm")
	gen, rows atomic.Uint64
	texts     sync.Map           // what rowsOf gives, by kind
	vacant    Rows[string, bool] // whether a kind has no object, by model
	watching  sync.RWMutex
	watchers  map[string][]watcher // by table
	landers   map[string][]func(tx *Tx, keys []any) error
	objects   Memo[string, object] // rows of the object table by family and key
	assigned  Memo[string, []Assignment]
	// Gone is told in the transaction of every object that is deleted.
	Gone func(tx *Tx, k *kind.Kind, pk string) error
	now  func() time.Time
}

// New makes a store; Use gives it its kinds before the first call.
func New(d *db.DB, key *crypt.Key, now func() time.Time) *Store {
	return &Store{db: d, key: key, now: now}
}

// Use sets the kinds and the recorder, once, at start.
func (s *Store) Use(kinds []*kind.Kind, rec Recorder, aliases map[string][]string) {
	s.kinds, s.rec, s.aliases = kinds, rec, aliases
	s.byType, s.byModel, s.families = map[reflect.Type]*kind.Kind{}, map[string]*kind.Kind{}, map[string][]*kind.Kind{}
	for _, k := range kinds {
		s.byType[k.Type] = k
		if k.View {
			continue
		}
		s.byModel[k.Model] = k
		s.families[k.Family.Name] = append(s.families[k.Family.Name], k)
	}
}

// DB gives the database for rooms with tables of their own.
func (s *Store) DB() *db.DB { return s.db }

// Key gives the house key.
func (s *Store) Key() *crypt.Key { return s.key }

// Now gives the time.
func (s *Store) Now() time.Time { return s.now() }

// Kinds gives all kinds in the order of the lists.
func (s *Store) Kinds() []*kind.Kind { return s.kinds }

// Kind gives a kind by its model ("authentik_core.user"), nil when there is none.
func (s *Store) Kind(model string) *kind.Kind { return s.byModel[model] }

// Family gives the kinds of a family.
func (s *Store) Family(name string) []*kind.Kind { return s.families[name] }

// KindOf gives the kind whose struct is T. It panics when T is in no list.
func KindOf[T any](s *Store) *kind.Kind {
	k := s.byType[reflect.TypeFor[T]()]
	if k == nil {
		panic(fmt.Sprintf("store: %v is in no list", reflect.TypeFor[T]()))
	}
	return k
}

// Generation is raised by every committed change of an object-table kind; a cache that saw another number reads again.
func (s *Store) Generation() uint64 { return s.gen.Load() }

// Changes is raised by every committed change of any kind, people's rows too.
func (s *Store) Changes() uint64 { return s.gen.Load() + s.rows.Load() }

// changed raises what a change of a kind's object raises, once it is committed.
func (tx *Tx) changed(k *kind.Kind) {
	tx.shaken()
	tx.AfterCommit(func() {
		if k.Table == "" {
			tx.s.gen.Add(1)
		} else {
			tx.s.rows.Add(1)
		}
	})
}

// Tx is one transaction for an actor. Its time stands still.
type Tx struct {
	*db.Tx
	Actor Actor
	s     *Store
	going map[string]bool // what a deletion under way has begun to delete, by kind and key
	keyed *[]keyed        // what got its key here; copies of the transaction share it
	bad   *error          // why it can't be committed, however its function ends
}

// Store gives the store of the transaction.
func (tx *Tx) Store() *Store { return tx.s }

// Write runs fn in a durable transaction. fn may run twice and must not use the caller's context (decision on the writer). Objects that got
// their keys in a run that was lost have none again in the next: the numbers are free then.
func (s *Store) Write(ctx context.Context, a Actor, fn func(tx *Tx) error) error {
	return s.write(ctx, a, s.db.Write, fn)
}

func (s *Store) write(ctx context.Context, a Actor, write func(context.Context, func(*db.Tx) error) error, fn func(tx *Tx) error) error {
	var given []keyed
	return write(ctx, func(t *db.Tx) error {
		for _, o := range given {
			o.k.Value(o.obj, o.k.PKField()).SetZero()
		}
		given = nil
		var bad error
		if err := fn(&Tx{Tx: t, Actor: a, s: s, keyed: &given, bad: &bad}); err != nil {
			return err
		}
		return bad
	})
}

// WriteBare is Write for functions that hardly ever fail (db.WriteBare): others in the same commit run again when one does.
func (s *Store) WriteBare(ctx context.Context, a Actor, fn func(tx *Tx) error) error {
	return s.write(ctx, a, s.db.WriteBare, fn)
}

// querier is what both a transaction and the readers can do.
type querier interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// reader reads outside of a transaction.
type reader struct {
	ctx context.Context
	db  *db.DB
}

func (r reader) Query(q string, args ...any) (*sql.Rows, error) { return r.db.Query(r.ctx, q, args...) }

func (s *Store) reader(ctx context.Context) querier { return reader{ctx, s.db} }

// Create stores obj, a *T of k's type; its key is made when it has none.
// It returns Invalid with messages by field when a value is not unique, a reference leads nowhere or a hook refuses.
func (tx *Tx) Create(obj any) error {
	k := tx.s.byType[reflect.TypeOf(obj).Elem()]
	if err := tx.giveKey(k, obj); err != nil {
		return err
	}
	return tx.save(k, obj, nil)
}

// Update stores obj over the row with its key; NotFound when there is none.
func (tx *Tx) Update(obj any) error {
	k := tx.s.byType[reflect.TypeOf(obj).Elem()]
	old, err := tx.s.get(tx, k, k.PKField().Name, k.PK(obj))
	if err != nil {
		return err
	}
	return tx.save(k, obj, old)
}

func (tx *Tx) save(k *kind.Kind, obj, old any) error {
	var bad fault.Fields
	if h, ok := obj.(Saver); ok {
		if err := bad.Merge(h.Saving(tx, old)); err != nil {
			return err
		}
	}
	if v, ok := obj.(Validator); ok {
		if err := bad.Merge(v.Validate()); err != nil {
			return err
		}
	}
	if err := tx.checkUnique(k, obj, &bad); err != nil {
		return err
	}
	if err := tx.checkRefs(k, obj, &bad); err != nil {
		return err
	}
	if err := bad.Err(); err != nil {
		return err
	}
	if err := tx.loadOld(k, obj, old); err != nil {
		return err
	}
	if err := tx.writeRow(k, obj, old == nil); err != nil {
		return err
	}
	if h, ok := obj.(AfterSaver); ok {
		if err := h.Saved(tx, old); err != nil {
			return err
		}
	}
	return tx.record(k, obj, old)
}

// Delete removes the object with that key after dealing with who points at it: cascade, set null, or refuse with Conflict.
func (tx *Tx) Delete(k *kind.Kind, pk string) error {
	id := k.Model + " " + pk
	if tx.going[id] { // objects that point at each other in a circle
		return nil
	}
	obj, err := tx.s.get(tx, k, k.PKField().Name, pk)
	if err != nil {
		return err
	}
	if tx.going == nil {
		tx.going = map[string]bool{}
	}
	tx.going[id] = true
	defer delete(tx.going, id)
	kept, err := tx.keepAll(k, obj)
	if err != nil {
		return err
	}
	if h, ok := obj.(Deleter); ok {
		if err := h.Deleting(tx); err != nil {
			return err
		}
	}
	if err := tx.release(k, pk); err != nil {
		return err
	}
	if err := tx.dropRow(k, pk); err != nil {
		return err
	}
	if tx.s.Gone != nil {
		if err := tx.s.Gone(tx, k, pk); err != nil {
			return err
		}
	}
	if tx.Actor.System || tx.s.rec == nil {
		return nil
	}
	return tx.s.rec.Record(tx, Change{Action: "model_deleted", Kind: k, PK: pk, Name: k.Name(obj), Kept: kept})
}

func (tx *Tx) record(k *kind.Kind, obj, old any) error {
	tx.changed(k)
	if tx.Actor.System || tx.s.rec == nil {
		return nil
	}
	c := Change{Action: "model_created", Kind: k, PK: k.PK(obj), Name: k.Name(obj)}
	if old != nil {
		c.Action = "model_updated"
		c.Diff = diff(k, old, obj)
		var err error
		if c.Kept, err = keepChanged(k, old, obj); err != nil {
			return err
		}
	}
	return tx.s.rec.Record(tx, c)
}

// Changed records a change of obj that its row does not show, such as its members.
func (tx *Tx) Changed(obj any, diff map[string]Values) error {
	k := tx.s.KindFor(obj)
	tx.changed(k)
	if tx.Actor.System || tx.s.rec == nil {
		return nil
	}
	return tx.s.rec.Record(tx, Change{Action: "model_updated", Kind: k, PK: k.PK(obj), Name: k.Name(obj), Diff: diff, Kept: keepDelta(diff)})
}

// Get reads one object in the transaction by its primary key.
func (tx *Tx) Get(k *kind.Kind, pk string) (any, error) {
	return tx.s.get(tx, k, k.PKField().Name, pk)
}

// Find reads one object in the transaction by any stored field; the first one when there are several.
func (tx *Tx) Find(k *kind.Kind, field, value string) (any, error) {
	return tx.s.get(tx, k, field, value)
}

// Get reads one object by a field that is unique (the key, slug, identifier). NotFound when there is none.
func (s *Store) Get(ctx context.Context, k *kind.Kind, field, value string) (any, error) {
	return s.get(s.reader(ctx), k, field, value)
}

// Slug gives the slug of an object of the object table by its key, "" when there is none.
func (s *Store) Slug(ctx context.Context, pk string) (string, error) {
	var slug string
	err := s.db.QueryRow(ctx, `SELECT coalesce(slug, '') FROM object WHERE pk = ?`, pk).Scan(&slug)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return slug, err
}

// GetIn finds an object of any kind of a family by its primary key, with its kind.
func (s *Store) GetIn(ctx context.Context, family, pk string) (*kind.Kind, any, error) {
	return s.getIn(s.reader(ctx), family, pk)
}

// GetIn is Store.GetIn inside the transaction.
func (tx *Tx) GetIn(family, pk string) (*kind.Kind, any, error) { return tx.s.getIn(tx, family, pk) }

// Get reads a T by its primary key.
func Get[T any](ctx context.Context, s *Store, pk string) (*T, error) {
	k := KindOf[T](s)
	return as[T](s.get(s.reader(ctx), k, k.PKField().Name, pk))
}

// Find reads the T whose field has that value; the first one when there are several. NotFound when there is none.
func Find[T any](ctx context.Context, s *Store, field, value string) (*T, error) {
	return as[T](s.get(s.reader(ctx), KindOf[T](s), field, value))
}

// GetTx is Get inside a transaction.
func GetTx[T any](tx *Tx, pk string) (*T, error) {
	k := KindOf[T](tx.s)
	return as[T](tx.s.get(tx, k, k.PKField().Name, pk))
}

// FindTx is Find inside a transaction.
func FindTx[T any](tx *Tx, field, value string) (*T, error) {
	return as[T](tx.s.get(tx, KindOf[T](tx.s), field, value))
}

func as[T any](v any, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v.(*T), nil
}

// Create stores one object in a transaction of its own.
func (s *Store) Create(ctx context.Context, obj any) error {
	return s.Write(ctx, ActorOf(ctx), func(tx *Tx) error { return tx.Create(obj) })
}

// Update stores one object over its row in a transaction of its own.
func (s *Store) Update(ctx context.Context, obj any) error {
	return s.Write(ctx, ActorOf(ctx), func(tx *Tx) error { return tx.Update(obj) })
}

// Delete removes one object in a transaction of its own.
func (s *Store) Delete(ctx context.Context, k *kind.Kind, pk string) error {
	return s.Write(ctx, ActorOf(ctx), func(tx *Tx) error { return tx.Delete(k, pk) })
}
