package scim

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

const (
	batchSize  = 100
	atOnce     = 4                // requests to one system
	lookEvery  = 30 * time.Second // for changes that ring no bell
	gather     = 20 * time.Millisecond
	knownFor   = 10 * time.Minute // what a system can
	afterFault = 10 * time.Second // until a sync that the house itself could not go on with begins anew
	mostEvents = 20               // of failures in one sync
	mostSaid   = 100              // lines that a task keeps
	// mostBroken is how many people a mapping may fail for until the sync ends: then it is not the people.
	mostBroken = 10
)

// systemPauses are how long a system is left alone that can't take anything; the last one counts for ever.
var systemPauses = []time.Duration{2 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

// onePauses are how long somebody is left alone for whom the system failed. After them, and where another try would not help, the next full
// sync tries again.
var onePauses = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute}

// settleIn is how long a system may be busy with a request whose answer was lost.
const settleIn = 2 * time.Minute

func (r *Room) settle() time.Duration {
	if r.Settle > 0 {
		return r.Settle
	}
	return settleIn
}

// worker is what goes on with one provider, in memory.
type worker struct {
	busy  sync.Mutex // one sync at a time
	noPut atomic.Bool
	nudge chan struct{} // ends a pause

	mu    sync.Mutex
	state progress
	asked time.Time // when it was asked what the system can
	of    string    // the address that was asked
	able  ability
}

// progress is what a page shows of a worker.
type progress struct {
	running, full bool
	kind          string
	done, total   int
	began         time.Time
	paused        time.Time // until when
	why           string
}

func (w *worker) set(fn func(p *progress)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fn(&w.state)
}

func (w *worker) now() progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (r *Room) worker(pk int64) *worker {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.workers == nil {
		r.workers = map[int64]*worker{}
	}
	if r.workers[pk] == nil {
		r.workers[pk] = &worker{nudge: make(chan struct{}, 1)}
	}
	return r.workers[pk]
}

// poke ends the pause of a provider whose system is left alone.
func (r *Room) poke(pk int64) {
	select {
	case r.worker(pk).nudge <- struct{}{}:
	default:
	}
	r.ring()
}

func (r *Room) bell() chan struct{} {
	r.once.Do(func() { r.changed = make(chan struct{}, 1) })
	return r.changed
}

func (r *Room) ring() {
	select {
	case r.bell() <- struct{}{}:
	default:
	}
}

// Heard is told of every event in its transaction (event.Log.Heard): with most of them something changed that may have to be told.
func (r *Room) Heard(tx *store.Tx, e *event.Event) error {
	switch e.Action {
	case event.UserWrite, "model_created", "model_updated", "model_deleted":
		if m, _ := e.Context["model"].(map[string]any); r.works.Load() || m["model_name"] == "application" {
			tx.AfterCommit(r.ring)
		}
	}
	return nil
}

// Serve keeps the systems in step until ctx ends.
func (r *Room) Serve(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for ctx.Err() == nil {
		wait, err := r.round(ctx, &all)
		if err != nil && ctx.Err() == nil {
			r.Log.ErrorContext(ctx, "the queue of SCIM providers can't be read", "error", err, "logger", "gatehouse.scim")
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-r.bell():
			time.Sleep(gather)
		case <-t.C:
		}
		t.Stop()
	}
}

// Hold keeps the room from looking for changes until the function that it gives is called: for tests that count statements.
func (r *Room) Hold() (release func()) {
	r.hold.Lock()
	return r.hold.Unlock
}

// round starts the workers that have something to do and gives how long until the next look.
func (r *Room) round(ctx context.Context, all *sync.WaitGroup) (time.Duration, error) {
	r.hold.Lock()
	defer r.hold.Unlock()
	wait := lookEvery
	pks, err := r.targets(ctx)
	if err != nil {
		return wait, err
	}
	for _, pk := range pks {
		next, err := r.due(ctx, pk)
		if err != nil {
			return wait, err
		}
		if next > 0 {
			wait = min(wait, next)
			continue
		}
		if next < 0 || r.worker(pk).now().running {
			continue
		}
		all.Go(func() {
			if err := r.Sync(ctx, pk); err != nil && ctx.Err() == nil {
				r.Log.ErrorContext(ctx, "a SCIM sync ended", "provider", pk, "error", err, "logger", "gatehouse.scim")
				t := time.NewTimer(afterFault)
				defer t.Stop()
				select {
				case <-ctx.Done():
				case <-t.C:
				}
			}
			r.ring()
		})
	}
	return wait, nil
}

// due says how long until a provider has something to do: 0 now, negative nothing.
func (r *Room) due(ctx context.Context, pk int64) (time.Duration, error) {
	var wanted int64
	var at *int64
	err := r.Store.DB().QueryRow(ctx, `SELECT (SELECT wanted FROM scim_targets WHERE provider = ?), (SELECT min(due) FROM scim_out WHERE provider = ? AND due IS NOT NULL)`, pk, pk).Scan(&wanted, &at)
	switch {
	case err != nil:
		return 0, err
	case wanted > 0:
		return 0, nil
	case at == nil:
		return -1, nil
	}
	return max(0, time.UnixMicro(*at).Sub(r.Store.Now())), nil
}

// Wake has every system looked at as a whole: the hourly sync.
func (r *Room) Wake(ctx context.Context) ([]string, error) {
	pks, err := r.targets(ctx)
	if err != nil || len(pks) == 0 {
		return nil, err
	}
	return []string{fmt.Sprintf("Systems that are synced: %d", len(pks))}, r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		tx.AfterCommit(r.ring)
		return want(tx, `wanted = 0`)
	})
}

// Errors that end a sync without telling anybody.
var (
	errIdle = errors.New("the provider does not work for an application any more")
	// errBroken is a mapping that fails for everybody.
	errBroken = fault.New(fault.Invalid, "The mappings fail for so many that the sync was ended. Mend them; saving a mapping starts it again.")
)

// Sync does what is due for a provider. It returns at once when another sync of it runs.
func (r *Room) Sync(ctx context.Context, pk int64) error {
	w := r.worker(pk)
	if !w.busy.TryLock() {
		return nil
	}
	defer w.busy.Unlock()
	w.set(func(p *progress) { *p = progress{running: true, began: r.Store.Now()} })
	defer w.set(func(p *progress) { *p = progress{} })
	for {
		next, err := r.due(ctx, pk)
		if err != nil || next != 0 {
			return err
		}
		s := &run{r: r, w: w, pk: pk, began: r.Store.Now(), broken: map[string]bool{}, fresh: map[string]bool{}}
		if err = s.load(ctx); err == nil {
			if s.target.wanted > 0 {
				err = s.full(ctx)
			} else {
				err = s.changes(ctx)
			}
		}
		if errors.Is(err, errIdle) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// run is one sync of one provider.
type run struct {
	r     *Room
	w     *worker
	pk    int64
	began time.Time

	target      target
	p           *Provider // as it was when the target was read, or is after a pause
	maps        map[string][]*Mapping
	whole, anew bool
	there       map[string]map[string]seen // by kind and id what the system shows; nil when it was not looked at
	fresh       map[string]bool            // by kind and key who was sent in this sync
	sent, wrong int
	broken      map[string]bool // for whom a mapping failed
	told        int             // events of failures
	lines       []string
}

// seen is what a list of the system shows of somebody.
type seen struct {
	external, name, display string
	active                  *bool
	members                 string
}

// load reads the provider and its mappings together with what is wanted. They are read in a transaction: what the house remembers of
// objects may for a moment be older than the wish that their change made.
func (s *run) load(ctx context.Context) error {
	if err := s.r.serves(ctx, s.pk); err != nil {
		return err
	}
	return s.r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		s.target, s.maps = target{}, map[string][]*Mapping{}
		p, err := store.FindTx[Provider](tx, "pk", strconv.FormatInt(s.pk, 10))
		if fault.Is(err, fault.NotFound) {
			return errIdle
		}
		if err != nil {
			return err
		}
		s.p = p
		for kind, keys := range map[string][]string{"user": p.PropertyMappings, "group": p.GroupMappings} {
			if s.maps[kind], err = inOrder(keys, func(pk string) (*Mapping, error) { return store.GetTx[Mapping](tx, pk) }); err != nil {
				return err
			}
		}
		err = tx.QueryRow(`SELECT wanted, anew FROM scim_targets WHERE provider = ?`, s.pk).Scan(&s.target.wanted, &s.target.anew)
		if errors.Is(err, sql.ErrNoRows) {
			return errIdle
		}
		return err
	})
}

// full sends everybody who is not in step, as far as Gatehouse knows and the system shows.
func (s *run) full(ctx context.Context) error {
	r, t := s.r, s.target
	s.whole, s.anew = true, t.anew
	var users, groups int
	if err := r.Store.DB().QueryRow(ctx, `SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM usergroups)`).Scan(&users, &groups); err != nil {
		return err
	}
	s.w.set(func(p *progress) { p.full, p.kind, p.total = true, "user", users })
	failed := s.walk(ctx)
	if ctx.Err() != nil || errors.Is(failed, errIdle) {
		return errors.Join(failed, ctx.Err())
	}
	if failed != nil && !fault.Is(failed, fault.Invalid) {
		return failed
	}
	if err := r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE scim_targets SET finished = ?, anew = CASE WHEN wanted = ? THEN 0 ELSE anew END, wanted = CASE WHEN wanted = ? THEN 0 ELSE wanted END WHERE provider = ?`,
			tx.Now.UnixMicro(), t.wanted, t.wanted, s.pk)
		return err
	}); err != nil {
		return err
	}
	return r.Tasks.Keep(ctx, s.report(s.p, failed))
}

// walk looks at everybody: people first, for groups name them, then groups, then who is gone.
func (s *run) walk(ctx context.Context) error {
	for _, kind := range []string{"user", "group"} {
		if !s.anew {
			if err := s.look(ctx, kind); err != nil {
				return err
			}
		}
		query := map[string]string{
			"user":  `SELECT CAST(pk AS TEXT) FROM users WHERE pk > CAST(? AS INTEGER) ORDER BY pk LIMIT ?`,
			"group": `SELECT pk FROM usergroups WHERE pk > ? ORDER BY pk LIMIT ?`,
		}[kind]
		for last := ""; ; {
			keys, err := s.r.keysOf(ctx, query, last, batchSize)
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				break
			}
			last = keys[len(keys)-1]
			if err := s.batch(ctx, kind, keys); err != nil {
				return err
			}
			s.w.set(func(p *progress) { p.done += len(keys) })
		}
		if kind == "user" {
			var groups int
			if err := s.r.Store.DB().QueryRow(ctx, `SELECT count(*) FROM usergroups`).Scan(&groups); err != nil {
				return err
			}
			s.w.set(func(p *progress) { p.kind, p.done, p.total = "group", 0, groups })
		}
	}
	for kind, cond := range map[string]string{"user": `object NOT IN (SELECT CAST(pk AS TEXT) FROM users)`, "group": `object NOT IN (SELECT pk FROM usergroups)`} {
		gone, err := s.r.keysOf(ctx, `SELECT object FROM scim_out WHERE provider = ? AND kind = ? AND `+cond, s.pk, kind)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(gone, batchSize) {
			if err := s.batch(ctx, kind, part); err != nil {
				return err
			}
		}
	}
	return nil
}

// look reads what the system shows of everybody, so that who was changed or deleted there is made good. A system that shows nothing is
// sent everybody.
func (s *run) look(ctx context.Context, kind string) error {
	if s.there == nil {
		s.there = map[string]map[string]seen{}
	}
	var n int
	if err := s.r.Store.DB().QueryRow(ctx, `SELECT count(*) FROM scim_out WHERE provider = ? AND kind = ? AND scim_id <> ''`, s.pk, kind).Scan(&n); err != nil || n == 0 {
		return err
	}
	found, at := map[string]seen{}, 1
	return s.until(ctx, func(c *sender) error {
		attrs := "userName,externalId,displayName,active"
		if kind == "group" {
			attrs = "externalId,displayName,members"
		}
		err := c.eachFrom(ctx, kind, attrs, &at, func(x *resource) bool {
			found[x.ID] = x.seen()
			return true
		})
		if _, yes := down(err); yes || ctx.Err() != nil {
			return err
		}
		if err == nil {
			s.there[kind] = found
		}
		return nil
	})
}

func (r *resource) seen() seen {
	ids := make([]string, len(r.Members))
	for i, m := range r.Members {
		ids[i] = m.Value
	}
	return seen{r.ExternalID, r.UserName, r.Display, r.Active, joined(ids)}
}

func joined(ids []string) string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// shows says whether the system shows somebody as they were sent.
func (s *run) shows(j *job, p *Provider) bool {
	if !s.whole || s.fresh[j.kind+" "+j.key] {
		return true
	}
	if s.anew {
		return false
	}
	all, ok := s.there[j.kind]
	x, there := all[j.row.id]
	if !ok || !there {
		return false
	}
	same := func(is, want string) bool { return is == "" || want == "" || strings.EqualFold(is, want) }
	active, said := j.body["active"].(bool)
	return same(x.external, text(j.body, "externalId")) && same(x.name, text(j.body, "userName")) && same(x.display, text(j.body, "displayName")) &&
		(x.active == nil || !said || *x.active == active) && (j.kind != "group" || x.members == joined(j.members))
}

// changes sends who is due.
func (s *run) changes(ctx context.Context) error {
	for {
		for _, kind := range []string{"user", "group"} {
			keys, err := s.r.keysOf(ctx, `SELECT object FROM scim_out WHERE provider = ? AND due <= ? AND kind = ? ORDER BY due, object LIMIT ?`, s.pk, s.r.Store.Now().UnixMicro(), kind, batchSize)
			if err != nil {
				return err
			}
			if len(keys) == 0 {
				if kind == "group" {
					return nil
				}
				continue
			}
			err = s.batch(ctx, kind, keys)
			if fault.Is(err, fault.Invalid) && ctx.Err() == nil { // nobody else is to be sent now
				return s.putOff(ctx)
			}
			if err != nil {
				return err
			}
			break // people before groups
		}
		t, err := s.r.due(ctx, s.pk)
		if err != nil || t != 0 {
			return err
		}
		var wanted int64
		if err := s.r.Store.DB().QueryRow(ctx, `SELECT wanted FROM scim_targets WHERE provider = ?`, s.pk).Scan(&wanted); err != nil || wanted > 0 {
			return err
		}
	}
}

// putOff leaves who is due for later.
func (s *run) putOff(ctx context.Context) error {
	return s.r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE scim_out SET due = ? WHERE provider = ? AND due <= ?`, tx.Now.Add(onePauses[len(onePauses)-1]).UnixMicro(), s.pk, tx.Now.UnixMicro())
		return err
	})
}

// serves says errIdle when a provider does not work for an application.
func (r *Room) serves(ctx context.Context, pk int64) error {
	uses, err := r.Store.Assigned(ctx, provider.Family.Name, "applications")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(uses, func(u store.Assignment) bool { return u.Field != "provider" && u.PK == strconv.FormatInt(pk, 10) }) {
		return errIdle
	}
	return nil
}

// until does something at a system as often as it takes: while the system is down it is left alone for longer and longer, or for as long
// as it asks.
func (s *run) until(ctx context.Context, fn func(c *sender) error) error {
	r, w := s.r, s.w
	pauses := r.Pauses
	if pauses == nil {
		pauses = systemPauses
	}
	for try := 0; ; try++ {
		if err := r.serves(ctx, s.pk); err != nil {
			return err
		}
		if try > 0 { // it may have been mended meanwhile; what is wanted now comes after this sync
			before := s.target
			if err := s.load(ctx); err != nil {
				return err
			}
			s.target = before
		}
		c, err := r.reach(ctx, w, s.p)
		if err == nil {
			err = fn(c)
		}
		after, yes := down(err)
		if !yes || ctx.Err() != nil {
			return err
		}
		if after == 0 {
			after = pauses[min(try, len(pauses)-1)]
		}
		r.Log.WarnContext(ctx, "a system can't be kept in step now", "provider", s.p.Name, "try", try+1, "error", err, "logger", "gatehouse.scim")
		w.set(func(p *progress) { p.paused, p.why = r.Store.Now().Add(after), says(err) })
		t := time.NewTimer(after)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-w.nudge:
		case <-t.C:
		}
		t.Stop()
		w.set(func(p *progress) { p.paused = time.Time{} })
	}
}

// says gives the sentence of an error that people may read.
func says(err error) string {
	var no *refusal
	if errors.As(err, &no) {
		return no.Error()
	}
	return fault.As(err).Say
}

// reach makes the client of a provider's system, which has been asked what it can.
func (r *Room) reach(ctx context.Context, w *worker, p *Provider) (*sender, error) {
	c := &sender{
		remote: &remote{client: r.Client, base: base(p.URL), token: p.Token, agent: "Gatehouse/" + r.Version},
		method: p.Beyond().Method, noPut: &w.noPut,
		taken: func(ctx context.Context, kind, id, but string) (string, error) {
			return r.owner(ctx, p.PK, kind, id, but)
		},
	}
	now, known := r.Store.Now(), false
	w.set(func(*progress) { known = w.of == c.base && now.Sub(w.asked) <= knownFor })
	if !known {
		able, err := c.discover(ctx)
		if err != nil {
			return nil, err
		}
		w.noPut.Store(false)
		w.set(func(*progress) { w.asked, w.of, w.able = now, c.base, able })
	}
	w.set(func(p *progress) { p.why, c.able = "", w.able })
	return c, nil
}

// batch sends some people or groups as far as they are not in step.
func (s *run) batch(ctx context.Context, kind string, keys []string) error {
	return s.until(ctx, func(c *sender) error {
		p := s.p
		jobs, err := s.plan(ctx, p, kind, keys, false)
		if err != nil {
			return err
		}
		if err := s.announce(ctx, jobs); err != nil {
			return err
		}
		hard := c.all(ctx, jobs)
		if err := s.record(context.WithoutCancel(ctx), p, jobs); err != nil {
			return err
		}
		if len(s.broken) > mostBroken {
			return errBroken
		}
		return hard
	})
}

// all does jobs, creates last: a name that somebody new gets may have to be given up first. The error is of the system as a whole; who is
// not done then is done another time.
func (s *sender) all(ctx context.Context, jobs []*job) error {
	var first, then []*job
	for _, j := range jobs {
		if j.do == create {
			then = append(then, j)
		} else {
			first = append(first, j)
		}
	}
	if err := s.some(ctx, first); err != nil {
		return err
	}
	return s.some(ctx, then)
}

// some does jobs, several at once.
func (s *sender) some(ctx context.Context, jobs []*job) error {
	todo := make(chan *job)
	var all sync.WaitGroup
	var mu sync.Mutex
	var hard error
	stopped := func() bool {
		mu.Lock()
		defer mu.Unlock()
		return hard != nil
	}
	for range atOnce {
		all.Go(func() {
			for j := range todo {
				if j.err != nil || j.do == none {
					j.done = true
					continue
				}
				if stopped() {
					continue
				}
				err := s.send(ctx, j)
				_, yes := down(err)
				mu.Lock()
				if (yes || ctx.Err() != nil || errors.Is(err, errNoID)) && hard == nil {
					hard = err
				}
				mu.Unlock()
				if !yes && ctx.Err() == nil || err == nil {
					j.done, j.err = true, err
				}
			}
		})
	}
	for _, j := range jobs {
		todo <- j
	}
	close(todo)
	all.Wait()
	return hard
}

// plan decides what is to be done with some people or groups. dry leaves no events.
func (s *run) plan(ctx context.Context, p *Provider, kind string, keys []string, dry bool) ([]*job, error) {
	known, err := s.r.rows(ctx, p.PK, kind, keys)
	if err != nil {
		return nil, err
	}
	maps := s.maps[kind]
	if s.maps == nil {
		if maps, err = s.r.mappings(ctx, p, kind); err != nil {
			return nil, err
		}
	}
	var jobs []*job
	if kind == "user" {
		jobs, err = s.planUsers(ctx, p, maps, keys, known, dry)
	} else {
		jobs, err = s.planGroups(ctx, p, maps, keys, known, dry)
	}
	if err != nil {
		return nil, err
	}
	for _, j := range jobs {
		if j.err != nil || j.do != change {
			continue
		}
		if j.digest, j.err = digest(j.body); j.err != nil {
			continue
		}
		switch same := j.row.sent == j.digest && (kind != "group" || joined(j.row.members) == joined(j.members)); {
		case j.row.id == "":
			j.do = create
		case same && s.shows(j, p):
			j.do = none
		case same:
			again := *j.row
			again.sent = "" // what was sent is not what is there
			j.row = &again
		}
	}
	return jobs, nil
}

func (s *run) planUsers(ctx context.Context, p *Provider, all []*Mapping, keys []string, known map[string]*row, dry bool) ([]*job, error) {
	args := make([]any, len(keys))
	for i, k := range keys {
		args[i] = number(k)
	}
	us, err := store.All[user.User](ctx, s.r.Store, store.Query{Where: "o.pk IN (" + db.Marks(len(args)) + ")", Args: args})
	if err != nil {
		return nil, err
	}
	byKey := map[string]*user.User{}
	for _, u := range us {
		byKey[fmt.Sprint(u.PK)] = u
	}
	var members map[string]bool
	if p.FilterGroup != nil {
		list, err := s.r.keysOf(ctx, `SELECT CAST("user" AS TEXT) FROM memberships WHERE "group" = ? AND "user" IN (`+db.Marks(len(args))+`)`, append([]any{*p.FilterGroup}, args...)...)
		if err != nil {
			return nil, err
		}
		members = map[string]bool{}
		for _, k := range list {
			members[k] = true
		}
	}
	jobs := make([]*job, 0, len(keys))
	for _, k := range keys {
		j := &job{kind: "user", key: k, row: known[k], state: inStep}
		jobs = append(jobs, j)
		if j.row != nil {
			j.name = j.row.name
		}
		u := byKey[k]
		in := u != nil && u.Username != "AnonymousUser" && (!p.ExcludeService || u.Type != user.ServiceAccount && u.Type != user.InternalService) && (members == nil || members[k])
		if u != nil {
			j.name = u.Username
		}
		if !in {
			s.leave(j, p, u != nil)
			continue
		}
		j.do = change
		if j.row == nil {
			j.row = &row{object: k, state: waiting}
		}
		j.body, j.err = s.r.userBody(ctx, p, all, u, dry)
		s.count(j, dry)
	}
	return jobs, nil
}

// leave decides about somebody who is not sent any more.
func (s *run) leave(j *job, p *Provider, here bool) {
	if j.row == nil {
		return
	}
	b := p.Beyond()
	what := b.Gone
	if here {
		what = b.Leaving
	} else if j.row.state == left {
		what = keep // it was decided when they left: they are not ours any more
	}
	j.body = map[string]any{"externalId": s.r.Users.UID(number(j.key))}
	switch {
	case j.row.id == "" && j.row.asked == 0:
		j.forget = true
	case what == keep:
		j.state, j.forget = left, !here
		if j.row.state == off {
			j.state = off
		}
	case here && j.row.state == off && what == deactivate:
		j.state = off
	case what == deactivate:
		j.do, j.state, j.forget = disable, off, !here
	default:
		j.do, j.forget = erase, true
	}
}

func (s *run) planGroups(ctx context.Context, p *Provider, all []*Mapping, keys []string, known map[string]*row, dry bool) ([]*job, error) {
	gs, err := s.r.Store.Pick(ctx, store.KindOf[user.Group](s.r.Store), keys)
	if err != nil {
		return nil, err
	}
	args := []any{p.PK}
	for _, k := range keys {
		args = append(args, k)
	}
	rows, err := s.r.Store.DB().Query(ctx, `SELECT m."group", x.scim_id FROM memberships m JOIN scim_out x ON x.provider = ? AND x.kind = 'user' AND x.object = CAST(m."user" AS TEXT) AND x.scim_id <> '' AND x.state <> 'off'
		WHERE m."group" IN (`+db.Marks(len(keys))+`) ORDER BY m."user"`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	members := map[string][]string{}
	for rows.Next() {
		var g, id string
		if err := rows.Scan(&g, &id); err != nil {
			return nil, err
		}
		members[g] = append(members[g], id)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	jobs := make([]*job, 0, len(keys))
	for _, k := range keys {
		j := &job{kind: "group", key: k, row: known[k], state: inStep, members: members[k]}
		jobs = append(jobs, j)
		if j.row != nil {
			j.name = j.row.name
		}
		g, ok := gs[k].(*user.Group)
		if !ok {
			s.leaveGroup(j, p)
			continue
		}
		j.name, j.do = g.Name, change
		if j.row == nil {
			j.row = &row{object: k, state: waiting}
		}
		j.body, j.err = s.r.groupBody(ctx, p, all, g, dry)
		s.count(j, dry)
	}
	return jobs, nil
}

// leaveGroup decides about a group that is gone: one can't be switched off.
func (s *run) leaveGroup(j *job, p *Provider) {
	j.forget = true
	if j.row != nil && (j.row.id != "" || j.row.asked > 0) && p.Beyond().Gone != keep {
		j.do, j.body = erase, map[string]any{"externalId": j.key}
	}
}

// count notes a mapping that failed.
func (s *run) count(j *job, dry bool) {
	if j.err != nil && !dry {
		s.broken[j.key] = true
	}
}

// announce notes, before anything is sent, whom a create may make: if the answer is lost, they are looked for first.
func (s *run) announce(ctx context.Context, jobs []*job) error {
	if !slices.ContainsFunc(jobs, func(j *job) bool { return j.do == create && j.err == nil }) {
		return nil
	}
	return s.r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		if err := stands(tx, s.pk); err != nil {
			return err
		}
		for _, j := range jobs {
			if j.do != create || j.err != nil {
				continue
			}
			// Who was deleted since they were read, when there was no row to note it in, is due again right after.
			table := map[string]string{"user": "users", "group": "usergroups"}[j.kind]
			if _, err := tx.Exec(`INSERT INTO scim_out (provider, kind, object, name, asked, mark, due) SELECT ?, ?, ?, ?, ?, NOT here, CASE WHEN here THEN NULL ELSE 0 END FROM (SELECT EXISTS (SELECT 1 FROM `+table+` WHERE pk = ?) AS here)
				WHERE true ON CONFLICT (provider, kind, object) DO UPDATE SET asked = excluded.asked`, s.pk, j.kind, j.key, j.name, tx.Now.UnixMicro(), j.key); err != nil {
				return err
			}
		}
		return nil
	})
}

// record keeps what came of jobs, in one transaction.
func (s *run) record(ctx context.Context, p *Provider, jobs []*job) error {
	var changed []*job
	for _, j := range jobs {
		if j.done && (j.do != none || j.err != nil || j.forget && j.row != nil || j.row != nil && (j.row.due != nil || j.row.state != j.state)) {
			changed = append(changed, j)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	told := s.told
	return s.r.Store.Write(ctx, quiet(), func(tx *store.Tx) error {
		s.told = told // the function may run twice
		if err := stands(tx, s.pk); err != nil {
			return err
		}
		for _, j := range changed {
			if err := s.recordOne(tx, p, j); err != nil {
				return err
			}
		}
		sent, wrong, lines := 0, 0, []string{}
		for _, j := range changed {
			switch {
			case j.err != nil:
				wrong++
				lines = append(lines, j.name+": "+says(j.err))
			case j.do != none:
				sent++
			}
		}
		tx.AfterCommit(func() {
			s.sent, s.wrong = s.sent+sent, s.wrong+wrong
			for _, j := range changed {
				if j.err == nil && j.do != none {
					s.fresh[j.kind+" "+j.key] = true
				}
			}
			s.lines = append(s.lines, lines[:min(len(lines), max(0, mostSaid-len(s.lines)))]...)
		})
		return nil
	})
}

func (s *run) recordOne(tx *store.Tx, p *Provider, j *job) error {
	mark := int64(0)
	if j.row != nil {
		mark = j.row.mark
	}
	if j.err != nil {
		return s.recordFailure(tx, p, j, mark)
	}
	if again := j.row; j.forget && j.unsure && again.asked+s.r.settle().Microseconds() > tx.Now.UnixMicro() {
		// The system may be busy yet with a create whose answer was lost: who is not there now is looked for once more.
		_, err := tx.Exec(`UPDATE scim_out SET state = 'waiting', says = '', due = CASE WHEN mark = ? THEN ? ELSE due END WHERE provider = ? AND kind = ? AND object = ?`,
			mark, again.asked+s.r.settle().Microseconds(), s.pk, j.kind, j.key)
		return err
	}
	if j.forget {
		_, err := tx.Exec(`DELETE FROM scim_out WHERE provider = ? AND kind = ? AND object = ? AND mark = ?`, s.pk, j.kind, j.key, mark)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE scim_out SET scim_id = '', sent = '', members = '', state = 'waiting', asked = 0 WHERE provider = ? AND kind = ? AND object = ?`, s.pk, j.kind, j.key)
		return err
	}
	if j.row == nil {
		return nil
	}
	if j.do == none {
		_, err := tx.Exec(`UPDATE scim_out SET state = ?, says = '', tries = 0, name = ?, due = CASE WHEN mark = ? THEN NULL ELSE due END WHERE provider = ? AND kind = ? AND object = ?`,
			j.state, j.name, mark, s.pk, j.kind, j.key)
		return err
	}
	members := ""
	if j.kind == "group" {
		b, err := json.Marshal(append([]string{}, j.members...))
		if err != nil {
			return err
		}
		members = string(b)
	}
	if j.do == disable {
		j.digest = ""
	}
	if _, err := tx.Exec(`INSERT INTO scim_out (provider, kind, object, name, scim_id, asked, sent, members, state, told) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)
		ON CONFLICT (provider, kind, object) DO UPDATE SET name = excluded.name, scim_id = excluded.scim_id, asked = 0, sent = excluded.sent, members = excluded.members, state = excluded.state,
		says = '', tries = 0, told = excluded.told, due = CASE WHEN mark = ? THEN NULL ELSE due END`,
		s.pk, j.kind, j.key, j.name, j.id, j.digest, members, j.state, tx.Now.UnixMicro(), mark); err != nil {
		return err
	}
	if j.kind == "group" || j.row.id == j.id && j.row.state == j.state {
		return nil
	}
	// Groups name people by their ids there: who has another one, or none, changes their groups.
	_, err := tx.Exec(`INSERT INTO scim_out (provider, kind, object, name, mark, due) SELECT ?, 'group', g.pk, g.name, 1, 0 FROM memberships m JOIN usergroups g ON g.pk = m."group" WHERE m."user" = ?
		ON CONFLICT (provider, kind, object) DO UPDATE SET due = 0, mark = mark + 1`, s.pk, number(j.key))
	return err
}

// recordFailure keeps why somebody could not be sent and when that is tried again.
func (s *run) recordFailure(tx *store.Tx, p *Provider, j *job, mark int64) error {
	tries, had := 0, ""
	if j.row != nil {
		tries, had = j.row.tries, j.row.says
	}
	var due any
	if no := status(j.err); tries < len(onePauses) && (no >= 500 || no == 0 && !fault.Is(j.err, fault.Invalid) && !fault.Is(j.err, fault.Conflict)) {
		due = tx.Now.Add(onePauses[tries]).UnixMicro()
	}
	why := says(j.err)
	if _, err := tx.Exec(`INSERT INTO scim_out (provider, kind, object, name, scim_id, state, says, tries, due) VALUES (?, ?, ?, ?, ?, 'failed', ?, 1, ?)
		ON CONFLICT (provider, kind, object) DO UPDATE SET name = excluded.name, scim_id = excluded.scim_id, sent = '', state = 'failed', says = excluded.says, tries = tries + 1,
		due = CASE WHEN mark = ? THEN excluded.due ELSE due END`,
		s.pk, j.kind, j.key, j.name, j.id, why, due, mark); err != nil {
		return err
	}
	if had == why || s.told >= mostEvents {
		return nil
	}
	s.told++
	e := map[string]any{"message": fmt.Sprintf("Failed to sync %s %s: %s", j.kind, j.name, why), "provider": reference(p)}
	return s.r.Events.EmitTx(tx, event.Entry{Action: event.ConfigurationError, App: "authentik.providers.scim", Context: e})
}
