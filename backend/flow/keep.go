package flow

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/session"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
)

func remembered(s *session.Session) string {
	text, err := s.Data.Text()
	if err != nil {
		return ""
	}
	return text
}

func (r *run) load() error {
	kept, err := r.stored(r.ctx, r.sess.UUID)
	if err != nil || kept.flow != r.flow.PK {
		return err
	}
	stored, history, err := r.unseal(kept)
	if err != nil {
		return nil // of another version or another key: plan anew
	}
	r.history = history
	if len(stored) == 0 {
		return nil
	}
	p := &stage.Plan{}
	if json.Unmarshal(stored, p) != nil {
		return nil
	}
	r.body = stored
	if p.Context == nil {
		p.Context = map[string]any{}
	}
	r.plan = p
	return nil
}

// restore takes up the plan of a link. The link works once; one that does not work is as if it were not there.
func (r *run) restore(key string) error {
	var t *token.Token
	err := r.Store.Write(r.ctx, store.House, func(tx *store.Tx) (err error) {
		t, err = r.Tokens.Take(tx, key, token.Verification)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		return err
	})
	if err != nil || t == nil || t.Plan == nil {
		return err
	}
	p, err := stage.Carried(r.Store.Key(), *t.Plan)
	if err != nil || p.Flow != r.flow.PK {
		return nil
	}
	// A link is for the person that it was made for, whoever the plan came to be about.
	if pk, _, ok := p.UserPK(); ok && pk != t.User {
		return nil
	}
	came := stage.Ref("authentik_flows.flowtoken", t.PK)
	came["identifier"] = t.Identifier
	p.Context[stage.Restored] = came
	r.plan, r.history = p, nil
	return nil
}

// note keeps the plan as it is for the inspector.
func (r *run) note() {
	b, err := json.Marshal(r.plan)
	if err != nil {
		return
	}
	r.history, r.noted = append(r.history, b), true
	if len(r.history) > maxHistory {
		r.history = r.history[len(r.history)-maxHistory:]
	}
}

// interests says whether anybody may want to know how a plan was before the steps that are left: of one that was made for this request and
// ends with it, only whoever may look into the flow does, and nobody when it ends with a form that leaves nothing behind.
func (r *run) interests(left []stage.Step) (bool, error) {
	switch {
	case !r.direct || len(left) > 1 || len(left) == 1 && left[0].Inline != AutosubmitStep:
		return true, nil
	case len(left) == 1:
		return false, nil
	}
	return r.looks()
}

// looks says whether who is signed in may look into the flow.
func (r *run) looks() (bool, error) {
	if r.signed == nil || r.May == nil {
		return false, nil
	}
	return r.May(r.ctx, store.ActorOf(r.ctx), inspectPermission, r.flow.PK)
}

// save stores plan and session, with what stages collected, in one transaction. write runs first.
func (r *run) save(write func(tx *store.Tx) error) error {
	return r.store(false, write)
}

// jot stores how far somebody came who only has to begin anew should the power fail just now: nothing was promised to them.
func (r *run) jot() error { return r.store(!r.firm, nil) }

// store is save; soon says that nobody relies on it yet. Turns whose session changes come along.
func (r *run) store(soon bool, write func(tx *store.Tx) error, turns ...*stage.Turn) error {
	if write == nil && len(r.effects) == 0 && remembered(r.sess) == r.data && r.stands() {
		return nil
	}
	over := r.last() && !r.kept
	ends := over && r.sess.UUID != ""
	if ends { // what has no plan, as most who are sent straight on, needs none deleted
		k, err := r.stored(r.ctx, r.sess.UUID)
		if err != nil {
			return err
		}
		ends = k.flow != ""
	}
	effects := r.effects
	var sess, started *session.Session
	var key string
	var ended bool
	var kept []byte // the plan, if it is kept
	if soon && !r.kept && len(r.plan.Steps) > 0 && !r.last() {
		if done, err := r.rest(write, turns); done || err != nil {
			return err
		}
	}
	err := r.Store.WriteBare(r.ctx, store.ActorOf(r.ctx), func(tx *store.Tx) error {
		sess, started, key, ended, kept = r.sess, nil, "", false, nil
		stored := r.data
		if soon {
			tx.Soon()
		}
		if write != nil {
			if err := write(tx); err != nil {
				return err
			}
			for _, t := range turns {
				if t.Started != nil {
					sess, started, key = t.Started, t.Started, t.Key
					stored = remembered(sess)
				}
				ended = ended || t.Ended
			}
		}
		for _, f := range effects {
			if err := f(tx); err != nil {
				return err
			}
		}
		if ended && started == nil {
			sess = &session.Session{}
			stored = ""
		}
		if r.last() && !r.kept {
			if sess.UUID == "" {
				return nil
			}
			if started == nil && (ends || !over) { // a session that began has none; the one before took its own along
				if err := Cancel(tx, sess); err != nil {
					return err
				}
			}
			return saveData(tx, sess, stored)
		}
		if len(r.plan.Steps) == 0 {
			if sess.UUID == "" {
				return nil
			}
			if err := r.keepPlan(tx, sess.UUID, r.flow.PK, whole(nil, r.history)); err != nil {
				return err
			}
			return saveData(tx, sess, stored)
		}
		// After the writing, which may have told the plan of a user that it made.
		var err error
		if kept, err = json.Marshal(r.plan); err != nil {
			return err
		}
		if sess.UUID == "" {
			fresh, k, err := r.Sessions.Start(tx, store.ActorOf(r.ctx).HTTP)
			if err != nil {
				return err
			}
			stored = remembered(fresh)
			fresh.Data = sess.Data
			sess, started, key = fresh, fresh, k
		}
		if err := r.keepPlan(tx, sess.UUID, r.flow.PK, whole(kept, r.history)); err != nil {
			return err
		}
		return saveData(tx, sess, stored)
	})
	if refused := (*session.Refused)(nil); errors.As(err, &refused) && !fault.Is(err, fault.Unavailable) {
		r.Sessions.Drop(refused.UUID) // what it counted on is gone: the person begins anew
	}
	if err != nil {
		return err
	}
	r.effects, r.firm, r.body, r.noted = nil, false, kept, false
	r.data = remembered(sess)
	r.settled = r.last()
	if started != nil {
		r.out.Started, r.out.Key, r.out.Ended = started, key, false
	} else if ended {
		r.out.Started, r.out.Key, r.out.Ended = nil, "", true
	}
	if sess != r.sess {
		r.sess = sess
		if r.signed, err = r.Sessions.User(r.ctx, sess); err != nil {
			return err
		}
	}
	return nil
}

// errMoved says that a step whose writing nobody waits for began or ended a session.
var errMoved = errors.New("flow: what a step writes for later has to do with another session")

// rest keeps plan and session in memory, where the session lives there, or may begin to. What the step writes (a code that is used up) is done in
// the transaction that stores what it leads to, and may refuse it then. done is false when all of it has to be stored now.
func (r *run) rest(write func(tx *store.Tx) error, turns []*stage.Turn) (done bool, err error) {
	uuid, jobs := r.sess.UUID, r.effects
	if write != nil {
		jobs = append(slices.Clip(jobs), func(tx *store.Tx) error {
			if err := write(tx); err != nil {
				return err
			}
			for _, t := range turns {
				if t.Started != nil || t.Ended {
					return errMoved
				}
			}
			return nil
		})
	}
	plan, err := json.Marshal(r.plan)
	if err != nil {
		return false, err
	}
	p := session.Resting{Flow: r.flow.PK, Plain: whole(plan, r.history)}
	if uuid != "" {
		if !r.Sessions.Rest(uuid, r.sess.Data, p, jobs) {
			return false, nil
		}
	} else {
		fresh, key, ok := r.Sessions.Begin(store.ActorOf(r.ctx).HTTP, r.sess.Data, p, jobs)
		if !ok {
			return false, nil
		}
		r.sess, r.out.Started, r.out.Key, r.out.Ended = fresh, fresh, key, false
	}
	r.effects, r.firm, r.body, r.noted, r.settled = nil, false, plan, false, false
	r.data = remembered(r.sess)
	return true, nil
}

// over ends the plan. For whoever may look into the flow the way that it took stays until they begin another one, without its secrets.
func (r *run) over() error {
	r.plan.Steps = nil
	if len(r.history) == 0 {
		return nil
	}
	may, err := r.looks()
	if err != nil || !may {
		return err
	}
	for i, b := range r.history {
		p := &stage.Plan{}
		if err := json.Unmarshal(b, p); err != nil {
			return err
		}
		p.Context = event.Clean(p.Context)
		if r.history[i], err = json.Marshal(p); err != nil {
			return err
		}
	}
	r.kept = true
	return nil
}

// last says whether nothing is left that has to be stored: no step, or in a plan that was made for this request the form that sends the
// person elsewhere. Who comes again comes with the request, and is planned for anew.
func (r *run) last() bool {
	n := len(r.plan.Steps)
	return n == 0 || r.direct && n == 1 && r.plan.Steps[0].Inline == AutosubmitStep
}

// stands says whether the plan is stored as it is now, or gone as it has to be.
func (r *run) stands() bool {
	if r.last() {
		return r.settled && !r.kept
	}
	if r.body == nil || r.noted {
		return false
	}
	b, err := json.Marshal(r.plan)
	return err == nil && bytes.Equal(b, r.body)
}

// resting is a plan as it rests.
type resting struct {
	flow   string
	sealed []byte
	plain  []byte // of a session that lives in memory
}

// stored gives the plan of a session; the zero value when there is none.
func (e *Engine) stored(ctx context.Context, uuid string) (resting, error) {
	if p, late := e.Sessions.Late(uuid); late {
		return resting{flow: p.Flow, plain: p.Plain}, nil
	}
	return e.plans.Get(e.Store, session.Plans, uuid, func() (k resting, err error) {
		err = e.Store.DB().QueryRow(ctx, `SELECT flow, body FROM plans WHERE session = ?`, uuid).Scan(&k.flow, &k.sealed)
		if errors.Is(err, sql.ErrNoRows) {
			return resting{}, nil
		}
		return k, err
	})
}

// keepPlan stores the plan of a session in the place of what it had.
func (e *Engine) keepPlan(tx *store.Tx, uuid, flow string, plain []byte) error {
	k := resting{flow: flow, sealed: e.Store.Key().SealBytes(plain, session.Plans)}
	e.plans.Wrote(tx, session.Plans, uuid, k)
	_, err := tx.Exec(`INSERT INTO plans (session, flow, body, updated) VALUES (?, ?, ?, ?) ON CONFLICT (session) DO UPDATE SET flow = excluded.flow, body = excluded.body, updated = excluded.updated`,
		uuid, k.flow, k.sealed, tx.Now.UnixMicro())
	return err
}

// saveData stores what a session remembers unless it is what is stored.
func saveData(tx *store.Tx, s *session.Session, stored string) error {
	if remembered(s) == stored {
		return nil
	}
	return session.Save(tx, s)
}

// Begin stores a plan in the session of the browser (a new one when there is none) and gives the address of the flow's page.
func (e *Engine) Begin(tx *store.Tx, s *session.Session, f *Flow, p *stage.Plan, query string) (to string, started *session.Session, key string, err error) {
	plan, err := json.Marshal(p)
	if err != nil {
		return "", nil, "", err
	}
	if s == nil || s.UUID == "" {
		if s, key, err = e.Sessions.Start(tx, tx.Actor.HTTP); err != nil {
			return "", nil, "", err
		}
		started = s
	}
	if err := e.keepPlan(tx, s.UUID, f.PK, whole(plan, nil)); err != nil {
		return "", nil, "", err
	}
	return PageURL(f.Slug, query), started, key, nil
}

// Cancel drops the plan of a session.
func Cancel(tx *store.Tx, s *session.Session) error {
	if s == nil {
		return nil
	}
	tx.Touched(session.Plans, s.UUID)
	_, err := tx.Exec(`DELETE FROM plans WHERE session = ?`, s.UUID)
	return err
}

// Keep ends the plan of a session unless it is one of f.
func (e *Engine) Keep(ctx context.Context, s *session.Session, f *Flow) error {
	k, err := e.stored(ctx, s.UUID)
	if err != nil || k.flow == "" || k.flow == f.PK {
		return err
	}
	return e.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		tx.Touched(session.Plans, s.UUID)
		_, err := tx.Exec(`DELETE FROM plans WHERE session = ? AND flow <> ?`, s.UUID, f.PK)
		return err
	})
}
