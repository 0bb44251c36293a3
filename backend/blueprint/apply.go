package blueprint

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Options say how a blueprint is applied.
type Options struct {
	Context map[string]any // lies over the file's own
	Dry     bool           // only tells what would happen
	// Env gives environment variables to !Env; nil refuses the tag. Only who holds the machine may read them: files of its folders, and the
	// command line.
	Env func(name string) (string, bool)
	// May says what the caller may do with an object (nil: to make one); nil asks the door of the API.
	May func(ctx context.Context, k *kind.Kind, obj any, verb kind.Verb) error
	// Also is done in the same transaction when all went well.
	Also func(tx *store.Tx, out *Result) error

	since int  // entries of this version and before are only looked up
	once  bool // such as the shipped files are applied at a start: what is there stays, what was deleted stays away
}

// Result is what a blueprint did, or would do.
type Result struct {
	OK        bool             `json:"ok"`
	Faults    []Fault          `json:"faults"`
	Logs      []event.LogEvent `json:"logs"`
	Models    []string         `json:"models"`
	Created   int              `json:"created"`
	Updated   int              `json:"updated"`
	Deleted   int              `json:"deleted"`
	Unchanged int              `json:"unchanged"`
}

// Denied says whether rights are what it failed by.
func (r *Result) Denied() bool {
	return slices.ContainsFunc(r.Faults, func(f Fault) bool { return f.Denied })
}

// Lines gives the faults as text.
func (r *Result) Lines() []string { return lines(r.Faults) }

func lines(faults []Fault) []string {
	out := make([]string, 0, len(faults))
	for _, f := range faults {
		out = append(out, f.String())
	}
	return out
}

// Summary says in a sentence what was done.
func (r *Result) Summary() string {
	return fmt.Sprintf("%d made, %d changed, %d deleted, %d as they were.", r.Created, r.Updated, r.Deleted, r.Unchanged)
}

var (
	errDry  = errors.New("dry run")
	errSome = errors.New("some entries are refused")
	errHash = errors.New("a password has to be hashed first")
)

// Apply applies a blueprint for the actor of ctx: all of it in one transaction, or nothing. The faults of all entries are told at once. An
// error is a failure of ours.
func (r *Room) Apply(ctx context.Context, f *File, o Options) (Result, error) {
	secrets := &secrets{}
	for range 8 {
		var out Result
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			w := r.work(ctx, tx, o, secrets)
			w.file(f, o.Context)
			out = w.out
			switch {
			case w.broken != nil:
				return w.broken
			case len(out.Faults) > 0:
				return errSome
			case len(secrets.wanted) > 0 && !o.Dry:
				return errHash
			case o.Dry:
				return errDry
			}
			if o.Also != nil {
				if err := o.Also(tx, &out); err != nil {
					return err
				}
			}
			return nil
		})
		switch {
		case errors.Is(err, errHash):
			if err := r.hash(ctx, secrets); err != nil {
				return Result{}, err
			}
			continue
		case errors.Is(err, errSome):
			return out, nil
		case err != nil && !errors.Is(err, errDry):
			return out, err
		}
		out.OK = true
		return out, nil
	}
	return Result{}, fault.New(fault.Conflict, "The blueprint asks for passwords of people who are changed meanwhile. Try again.")
}

// secrets are passwords on their way: hashing takes long, so it is not done inside of a transaction. What the first run asks for is made
// between the runs.
type secrets struct {
	hashes map[string]string // by password
	match  map[[2]string]bool
	wanted map[[2]string]bool // password, and the hash that it may match already
}

func (s *secrets) want(plain, hash string) {
	if s.wanted == nil {
		s.wanted = map[[2]string]bool{}
	}
	s.wanted[[2]string{plain, hash}] = true
}

func (r *Room) hash(ctx context.Context, s *secrets) error {
	if s.hashes == nil {
		s.hashes, s.match = map[string]string{}, map[[2]string]bool{}
	}
	for w := range s.wanted {
		if w[1] != "" && w[1][0] != '!' {
			ok, _, err := r.Users.Hasher.Verify(ctx, w[1], w[0])
			if err != nil && ctx.Err() != nil {
				return err
			}
			s.match[w] = ok && err == nil
		}
		if s.match[w] || s.hashes[w[0]] != "" {
			continue
		}
		h, err := r.Users.HashNew(ctx, w[0])
		if err != nil {
			return err
		}
		s.hashes[w[0]] = h
	}
	s.wanted = nil
	return nil
}

// work is a blueprint under way in a transaction.
type work struct {
	r       *Room
	ctx     context.Context
	tx      *store.Tx
	o       Options
	out     Result
	secrets *secrets
	broken  error // a failure of ours
	until   time.Time

	name   string // of the blueprint that another one applies
	depth  int    // blueprints that apply each other
	proof  bool   // nothing of it stays
	known  map[string]made
	failed map[string]bool   // ids of entries that were refused or left out with them
	moved  map[string]string // keys of the file to those that the objects got
	eval   *eval
}

// made is an object that an entry is about.
type made struct {
	k  *kind.Kind
	pk string
}

func (r *Room) work(ctx context.Context, tx *store.Tx, o Options, s *secrets) *work {
	limit := longest
	if tx.Actor.System {
		limit = longestHouse
	}
	return &work{r: r, ctx: context.WithoutCancel(ctx), tx: tx, o: o, secrets: s, until: time.Now().Add(limit), out: Result{Faults: []Fault{}, Logs: []event.LogEvent{}, Models: []string{}}, moved: map[string]string{}}
}

// How long a blueprint may take: nobody else can write meanwhile.
const (
	longest      = 20 * time.Second
	longestHouse = 10 * time.Minute
)

// file applies the entries of a file in their order.
func (w *work) file(f *File, own map[string]any) {
	w.known, w.failed = map[string]made{}, map[string]bool{}
	w.eval = &eval{context: contextOf(f.context, own), keyOf: w.keyOf, find: w.search, env: w.env, budget: maxValues, until: w.until}
	for _, e := range f.entries {
		if time.Now().After(w.until) {
			w.fault(&place{e: &e}, 0, "", tooLong, false)
			return
		}
		if w.broken != nil || len(w.out.Faults) >= mostFaults {
			return
		}
		w.entry(&e)
	}
}

// label names an entry for people.
func label(e *entry, model string, find map[string]any) string {
	for _, name := range []string{"name", "slug", "username", "identifier", "domain", "managed"} {
		if s, ok := find[name].(string); ok && s != "" {
			return fmt.Sprintf("%s %q", model, s)
		}
	}
	if e.id != "" {
		return fmt.Sprintf("%s with id %q", model, e.id)
	}
	return model
}

// errSkip is an entry that waits for one that was refused: that one is told, this one is not.
var errSkip = errors.New("left out")

func (w *work) entry(e *entry) {
	at := &place{e: e}
	err := w.tx.Try(func() error { return w.one(at) })
	if err == nil {
		return
	}
	if e.id != "" {
		w.failed[e.id] = true
	}
	var bad *wrong
	switch {
	case errors.Is(err, errSkip):
		return
	case errors.As(err, &bad):
		w.fault(at, bad.line, "", bad.say, false)
		return
	}
	w.refuse(at, err)
}

// Error implements error.
func (w *wrong) Error() string { return w.say }

// place is an entry with what is known of it so far.
type place struct {
	e     *entry
	model string
	find  map[string]any
}

func (w *work) fault(at *place, line int, field, say string, denied bool) {
	if line == 0 {
		line = at.e.line
	}
	w.out.Faults = append(w.out.Faults, Fault{File: w.name, Line: line, Entry: label(at.e, at.model, at.find), Field: field, Say: say, Denied: denied})
}

// refuse tells what the rules of a kind say, at the lines of the fields.
func (w *work) refuse(at *place, err error) {
	f := fault.As(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		w.broken = err
		return
	}
	if len(f.Fields) == 0 {
		w.fault(at, 0, "", f.Say, f.Kind == fault.Denied)
		return
	}
	names := make([]string, 0, len(f.Fields))
	for n := range f.Fields {
		names = append(names, n)
	}
	slices.Sort(names)
	first := len(w.out.Faults)
	defer func() {
		slices.SortStableFunc(w.out.Faults[first:], func(a, b Fault) int { return a.Line - b.Line })
	}()
	for _, n := range names {
		for _, m := range f.Fields[n] {
			field, line := strings.ReplaceAll(n, fault.Inside, "."), 0
			for _, part := range []*node{at.e.attrs, at.e.find} {
				if line == 0 {
					line = part.lineOf(strings.Split(n, fault.Inside))
				}
			}
			if n == fault.NonField {
				field = ""
			}
			w.fault(at, line, field, m, false)
		}
	}
}

// log adds a line to what was said.
func (w *work) log(level, text string, more map[string]any) {
	if len(w.out.Logs) >= 10*mostFaults {
		return
	}
	if more == nil {
		more = map[string]any{}
	}
	w.out.Logs = append(w.out.Logs, event.LogEvent{Timestamp: w.tx.Now.UTC(), LogLevel: level, Logger: "gatehouse.blueprint", Event: text, Attributes: more})
}

func (w *work) keyOf(n *node, id string) (any, *wrong) {
	if w.failed[id] {
		return nil, &wrong{n.line, leftOut}
	}
	m, ok := w.known[id]
	if !ok {
		return nil, wrongf(n, "KeyOf: failed to find entry with `id` of `%s` and a model instance", id)
	}
	return keyValue(m.k, m.pk), nil
}

// leftOut marks an entry that points at one that was refused.
const leftOut = "\x00left out"

// env answers !Env.
func (w *work) env(name string) (string, bool, string) {
	if w.o.Env == nil {
		return "", false, "!Env reads the environment of the server, so it works only in files of the blueprints folder and on the command line."
	}
	v, ok := w.o.Env(name)
	return v, ok, ""
}

// may asks whether the actor may do that with an object. Who may not even know of it is told the same.
func (w *work) may(k *kind.Kind, obj any, verb kind.Verb) error {
	if w.tx.Actor.System {
		return nil
	}
	ask := w.o.May
	if ask == nil {
		ask = w.r.Guard.Allowed
	}
	err := ask(store.WithActor(w.ctx, w.tx.Actor), k, obj, verb)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Denied, "You do not have permission to perform this action.")
	}
	return err
}
