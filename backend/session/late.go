package session

import (
	"context"
	"slices"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/store"
)

// A flow that only began is of no worth to anybody yet, and most of those who sign in are through before a second has passed. So a session
// in which nobody signed in lives in memory first, with the plan of its flow: it is stored once it is a second old, once anything else than its
// flow has to do with it, and when the house closes. Who signs in before leaves nothing of it on the disk. Should the process end by
// violence within that second, the person begins anew. Docs: docs/decisions/2026-11-30-late-sessions.md.

const (
	// lateFor is how long a session may stay in memory only.
	lateFor = time.Second
	// mostLate is how many may at once; the next ones are stored right away.
	mostLate = 1000
	// together is how many are stored in one transaction: others write in between.
	together = 100
)

// Resting is the plan of a flow as it rests in a session.
type Resting struct {
	Flow  string // its key
	Plain []byte // what is sealed where it is stored
}

// Job is something that is stored with a session, or before it.
type Job = func(tx *store.Tx) error

// late is a session that lives in memory. Room.mu guards it.
type late struct {
	row
	plan  Resting
	jobs  []Job
	since time.Time
	// A transaction has stored it, or let it go; it is there for readers until that is committed.
	stored, gone bool
	by           *store.Tx // the last one that looked at it
}

// Begin gives a session in which nobody signed in yet, as Start does, without storing it, and keeps the plan of its flow with it. The
// jobs are done when it is stored, or before what comes of it. ok is false when it has to be stored at once, by Start.
func (r *Room) Begin(h store.HTTP, d Data, p Resting, jobs []Job) (s *Session, key string, ok bool) {
	if r.holds(h.ClientIP, 1) >= anonymousPerAddress {
		return nil, "", false
	}
	data, err := d.Text()
	if err != nil {
		return nil, "", false
	}
	now := r.Store.Now()
	key = crypt.Token()
	l := &late{row: row{s: fresh(key, now, h), data: data}, plan: p, jobs: jobs, since: now}
	l.s.Expires = l.s.Created.Add(anonymousLife)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.late) >= mostLate || r.closed || r.stuck {
		return nil, "", false
	}
	if r.late == nil {
		r.late = map[string]*late{}
		r.Store.Watch(table, r.land)
		r.Store.Watch(Plans, r.land)
	}
	switch {
	case r.soon == nil:
		r.soon = time.AfterFunc(lateFor, r.flush)
	case len(r.late) == 0:
		r.soon.Reset(lateFor)
	}
	r.late[l.s.UUID] = l
	whole := l.s
	whole.Data = d
	return &whole, key, true
}

// fresh gives a session that begins.
func fresh(key string, now time.Time, h store.HTTP) Session {
	now = time.UnixMicro(now.UnixMicro()).UTC() // as it is read
	return Session{UUID: named(key), Created: now, LastUsed: now, LastIP: h.ClientIP, UserAgent: clip(h.UserAgent, 512)}
}

// Rest keeps what a session remembers and the plan of its flow as they are now, and more jobs, when the session lives in memory; else it
// does nothing and says so. The caller sees to it that nobody else goes on with the flow meanwhile.
func (r *Room) Rest(uuid string, d Data, p Resting, jobs []Job) (ok bool) {
	data, err := d.Text()
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.late[uuid]
	if l == nil || l.stored || l.gone {
		return false
	}
	jobs = append(slices.Clip(l.jobs), jobs...)
	l.data, l.plan, l.jobs = data, p, jobs
	return true
}

// Late says whether a session lives in memory, and gives the plan that rests with it. Nobody may change it.
func (r *Room) Late(uuid string) (p Resting, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.late[uuid]; l != nil {
		return l.plan, true
	}
	return Resting{}, false
}

// Refused is the error of a transaction that was to do what a session in memory left to it, and could not: another one used up what it
// counted on.
type Refused struct {
	UUID string // of the session
	Err  error
}

// Error implements error.
func (r *Refused) Error() string { return r.Err.Error() }

// Unwrap gives the error of the job.
func (r *Refused) Unwrap() error { return r.Err }

// Drop ends a session that lives in memory.
func (r *Room) Drop(uuid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.late, uuid)
}

// do does what a session left to the transaction that has to do with it.
func (l *late) do(tx *store.Tx) error {
	for _, job := range l.jobs {
		if err := job(tx); err != nil {
			return &Refused{l.s.UUID, err}
		}
	}
	return nil
}

// recent gives a session that lives in memory; ok is false when it does not.
func (r *Room) recent(uuid string) (s *Session, ok bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.late[uuid]; l != nil {
		s, err := l.session()
		return s, true, err
	}
	return nil, false, nil
}

// from gives the sessions of an address that live in memory; a key that is none's when there are none.
func (r *Room) from(ip string) []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	uuids := []any{""}
	for uuid, l := range r.late {
		if l.s.LastIP == ip {
			uuids = append(uuids, uuid)
		}
	}
	return uuids
}

// land stores sessions that live in memory, all of them when no key is given, in a transaction that has to do with them.
func (r *Room) land(tx *store.Tx, keys []any) error {
	for _, l := range r.lookAt(tx, keys) {
		res, err := tx.Exec(insert+` ON CONFLICT (uuid) DO NOTHING`, l.values()...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		if n == 0 {
			continue // a transaction before this one stored it
		}
		if _, err := tx.Exec(`INSERT INTO plans (session, flow, body, updated) VALUES (?, ?, ?, ?) ON CONFLICT (session) DO NOTHING`,
			l.s.UUID, l.plan.Flow, r.Store.Key().SealBytes(l.plan.Plain, Plans), tx.Now.UnixMicro()); err != nil {
			return err
		}
		if err := l.do(tx); err != nil {
			return err
		}
	}
	return nil
}

// lookAt gives those of some sessions, of all when no key is given, that live in memory. From the commit on they are stored, or gone, by this
// transaction or one before it: what is in memory is not what counts any more.
func (r *Room) lookAt(tx *store.Tx, keys []any) (found []*late) {
	r.mu.Lock()
	defer r.mu.Unlock()
	see := func(l *late) {
		if l == nil || l.gone || l.by == tx {
			return
		}
		found = append(found, l)
		r.mark(tx, l, &l.stored)
	}
	if len(keys) == 0 {
		for _, l := range r.late {
			see(l)
		}
	}
	for _, k := range keys {
		if uuid, ok := k.(string); ok {
			see(r.late[uuid])
		}
	}
	return found
}

// mark notes that a transaction stores a session or lets it go, until it fails. Nobody changes the session from then on. Room.mu is held.
func (r *Room) mark(tx *store.Tx, l *late, what *bool) {
	*what, l.by = true, tx
	tx.Anyhow(func(err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if err != nil && l.by == tx { // else another has seen to it since
			*what = false
		}
	})
	tx.AfterCommit(func() { r.forget(l) })
}

func (r *Room) forget(l *late) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late[l.s.UUID] == l {
		delete(r.late, l.s.UUID)
	}
}

// leave lets a session go that was never stored, and does what it left to do. It says whether it was one.
func (r *Room) leave(tx *store.Tx, uuid string) (left bool, err error) {
	r.mu.Lock()
	l := r.late[uuid]
	if l == nil || l.stored {
		r.mu.Unlock()
		return false, nil
	}
	r.mark(tx, l, &l.gone)
	r.mu.Unlock()
	return true, l.do(tx)
}

// flush stores what is old enough.
func (r *Room) flush() {
	_ = r.store(context.Background(), lateFor) // what can't be stored now is stored next time
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.late) > 0 && !r.closed {
		r.soon.Reset(lateFor / 4)
	}
}

// Flush stores what lives in memory now.
func (r *Room) Flush(ctx context.Context) error { return r.store(ctx, 0) }

// Close stores what lives in memory. From then on every session is stored at once.
func (r *Room) Close(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	return r.Flush(ctx)
}

// store stores what has lived in memory for an age. Where it can't, sessions are stored as they begin from then on, so that people hear of it.
func (r *Room) store(ctx context.Context, age time.Duration) (err error) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.stuck = err != nil
	}()
	for {
		some := r.aged(age)
		if len(some) == 0 {
			return nil
		}
		var broken []any
		if err := r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
			tx.Soon()
			broken = nil
			for _, uuid := range some {
				if err := tx.Try(func() error { return r.land(tx, []any{uuid}) }); err != nil {
					broken = append(broken, uuid)
				}
			}
			return nil
		}); err != nil {
			return err
		}
		for _, uuid := range broken { // a job of it refuses: whoever it was begins anew
			r.Drop(uuid.(string))
		}
	}
}

// aged gives sessions that have lived in memory for an age, the oldest first and as many as go into one transaction.
func (r *Room) aged(age time.Duration) (uuids []any) {
	now := r.Store.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var some []*late
	for uuid, l := range r.late {
		switch old := now.Sub(l.since); {
		case l.gone && old > 10*lateFor: // whoever let it go could not say so
			delete(r.late, uuid)
		case old >= age && !l.gone:
			some = append(some, l)
		}
	}
	slices.SortFunc(some, func(a, b *late) int { return a.since.Compare(b.since) })
	for _, l := range some[:min(len(some), together)] {
		uuids = append(uuids, l.s.UUID)
	}
	return uuids
}
