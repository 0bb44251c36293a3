package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/mail"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// write is one thing that is told, ready for the transaction.
type write func(tx *store.Tx) error

// bound is a rule with the bindings of its policies.
type bound struct {
	*event.Rule
	bindings []*policy.Binding
}

// Narrow is a policy that passes for one action only; it says "" when it may pass for others.
type Narrow interface{ OnlyAction() string }

// ruleSet is what the configuration says of rules; nobody changes it.
type ruleSet struct {
	rules    []*bound
	policies map[string]bool // that are bound to any rule
	actions  []string        // with few: the only ones that a rule can pass for
	few      bool
}

func (r *Room) read(ctx context.Context) (*ruleSet, error) {
	out := &ruleSet{}
	var err error
	if out.rules, out.policies, err = r.rules(ctx); err != nil {
		return nil, err
	}
	out.actions, out.few, err = r.actions(ctx, out.rules)
	return out, err
}

// look puts the events after one id up to another to the rules.
func (r *Room) look(ctx context.Context, after, upTo int64) ([]write, error) {
	all, err := r.memo.Get(r.Store, "", func() (*ruleSet, error) { return r.read(ctx) })
	if err != nil || len(all.rules) == 0 {
		return nil, err
	}
	q := store.Query{Where: "o.id > ? AND o.id <= ?", Args: []any{after, upTo}}
	if all.few { // most events concern no rule: they are not even read
		if len(all.actions) == 0 {
			return nil, nil
		}
		q.Where += " AND o.action IN (" + db.Marks(len(all.actions)) + ")"
		for _, a := range all.actions {
			q.Args = append(q.Args, a)
		}
	}
	events, err := store.All[event.Event](ctx, r.Store, q)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(events, func(a, b *event.Event) int { return cmp.Compare(a.PK, b.PK) }) // keys rise with time
	var out []write
	for _, e := range events {
		if e.Context[event.QuietMark] == true || all.policies[asked(e)] {
			continue
		}
		for _, rule := range all.rules {
			told, err := r.ask(ctx, rule, e)
			if err != nil {
				return nil, err
			}
			out = append(out, told...)
		}
	}
	return out, nil
}

// asked gives the key of the policy that an event tells of, "" for none.
func asked(e *event.Event) string {
	s, _ := e.Context["policy_uuid"].(string)
	return strings.ReplaceAll(s, "-", "")
}

// rules gives the rules that could tell somebody something, and every policy that is bound to any rule: events of those are not told, for
// the telling would raise them again.
func (r *Room) rules(ctx context.Context) (out []*bound, policies map[string]bool, err error) {
	rules, err := store.All[event.Rule](ctx, r.Store, store.Query{Order: []string{"name"}})
	if err != nil {
		return nil, nil, err
	}
	policies = map[string]bool{}
	for _, rule := range rules {
		bs, err := store.All[policy.Binding](ctx, r.Store, store.Query{
			Where: "o.pk IN (SELECT src FROM ref WHERE family = 'pbm' AND dst = ?)", Args: []any{rule.PK}, Order: []string{"order"},
		})
		if err != nil {
			return nil, nil, err
		}
		enabled := bs[:0:0]
		for _, b := range bs {
			if b.Policy != nil {
				policies[strings.ReplaceAll(*b.Policy, "-", "")] = true
			}
			if b.Enabled {
				enabled = append(enabled, b)
			}
		}
		if rule.Group != nil && len(rule.Transports) > 0 && len(enabled) > 0 {
			out = append(out, &bound{rule, enabled})
		}
	}
	return out, policies, nil
}

// actions gives the only actions that rules can pass for; few is false when a rule may pass for any.
func (r *Room) actions(ctx context.Context, rules []*bound) (out []string, few bool, err error) {
	for _, rule := range rules {
		for _, b := range rule.bindings {
			if b.Policy == nil || b.Negate || b.FailureResult {
				return nil, false, nil
			}
			_, obj, err := r.Store.GetIn(ctx, policy.Family.Name, *b.Policy)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return nil, false, err
			}
			n, ok := obj.(Narrow)
			if !ok || n.OnlyAction() == "" {
				return nil, false, nil
			}
			if p, ok := obj.(policy.Shared); ok && p.Policy().ExecutionLogging {
				return nil, false, nil
			}
			out = append(out, n.OnlyAction())
		}
	}
	slices.Sort(out)
	return slices.Compact(out), true, nil
}

// ask puts an event to a rule and gives what is told then.
func (r *Room) ask(ctx context.Context, rule *bound, e *event.Event) ([]write, error) {
	who, err := r.person(ctx, e)
	if err != nil {
		return nil, err
	}
	res, err := r.Policies.Evaluate(ctx, rule.PK, policy.Any, &policy.Request{User: who, Obj: rule.Rule, Context: map[string]any{"event": e}}, false)
	if err != nil || !res.Passing {
		return nil, err
	}
	members, err := r.members(ctx, *rule.Group)
	if err != nil || len(members) == 0 {
		return nil, err
	}
	var out []write
	for _, pk := range rule.Transports {
		t, err := store.Get[event.Transport](ctx, r.Store, pk)
		if fault.Is(err, fault.NotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		to := members
		if t.SendOnce {
			to = members[:1]
		}
		for _, u := range to {
			w, err := r.tell(ctx, t, Notice{Severity: rule.Severity, Body: Body(e), Event: e, User: u})
			if err != nil {
				return nil, err
			}
			if w != nil {
				out = append(out, w)
			}
		}
	}
	return out, nil
}

// person gives whom an event is of, while they exist.
func (r *Room) person(ctx context.Context, e *event.Event) (*user.User, error) {
	pk, ok := e.User["pk"].(float64)
	if !ok || pk == 0 {
		return nil, nil
	}
	u, err := r.Users.ByPK(ctx, int64(pk))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return u, err
}

// members gives the people who are in a group itself and may sign in, the oldest account first.
func (r *Room) members(ctx context.Context, group string) ([]*user.User, error) {
	return store.All[user.User](ctx, r.Store, store.Query{
		Where: `o.pk IN (SELECT "user" FROM memberships WHERE "group" = ?) AND o.is_active = 1`, Args: []any{group}, Order: []string{"pk"},
	})
}

// Notice is what one person is told.
type Notice struct {
	PK       string // of the delivery; "" when it is a trial
	Severity string
	Body     string
	Event    *event.Event // nil when it is gone
	User     *user.User
}

// maxBody is how much of an event's context a notification holds, in bytes.
const maxBody = 4000

// Body is what a notification says of an event: its message, else everything it knows.
func Body(e *event.Event) string {
	if m, ok := e.Context["message"].(string); ok && m != "" {
		return clip(m, maxBody)
	}
	b, err := json.Marshal(e.Context)
	if err != nil {
		return e.Action
	}
	return clip(fmt.Sprintf("%s: %s", e.Action, b), maxBody)
}

// clip cuts a text to so many bytes, between letters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// tell gives what a transport does for one person; nil when it does nothing.
func (r *Room) tell(ctx context.Context, t *event.Transport, n Notice) (write, error) {
	switch t.Mode {
	case event.Local:
		return func(tx *store.Tx) error {
			return event.Notify(tx, n.User.PK, n.Severity, n.Body, n.Event.PK)
		}, nil
	case event.Email:
		if n.User.Email == "" {
			return nil, nil
		}
		l, err := r.letter(ctx, t, n)
		if err != nil {
			return nil, r.failed(ctx, t, err)
		}
		return func(tx *store.Tx) error { return r.Mail.Queue(tx, l) }, nil
	}
	return func(tx *store.Tx) error {
		tx.AfterCommit(func() { ring(r.waiting) })
		_, err := tx.Exec(`INSERT INTO notices (pk, created, transport, "user", event, severity, body, state, tries, due, finished, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, NULL, '')`,
			crypt.UUIDv7(tx.Now), tx.Now.UnixMicro(), t.PK, n.User.PK, n.Event.PK, n.Severity, n.Body, mail.Queued, tx.Now.UnixMicro())
		return err
	}, nil
}
