package server

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/crypt"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/session"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/email"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Self is a person as they see themselves.
type Self struct {
	PK          int64          `json:"pk" is:"required,readonly"`
	Username    string         `json:"username" is:"required,readonly" max:"150"`
	Name        string         `json:"name" is:"required,readonly"`
	IsActive    bool           `json:"is_active" is:"required,readonly"`
	IsSuperuser bool           `json:"is_superuser" is:"required,readonly"`
	Groups      []SelfGroup    `json:"groups" is:"required,readonly"`
	Email       string         `json:"email" is:"required,readonly" format:"email" max:"254"`
	Avatar      string         `json:"avatar" is:"required,readonly"`
	UID         string         `json:"uid" is:"required,readonly"`
	Settings    map[string]any `json:"settings" is:"required,readonly"`
	Type        string         `json:"type" enum:"internal,external,service_account,internal_service_account"`
	Permissions []string       `json:"system_permissions" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Self) SchemaName() string { return "UserSelf" }

// SelfGroup is a group of theirs.
type SelfGroup struct {
	Name string `json:"name" is:"required,readonly"`
	PK   string `json:"pk" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (SelfGroup) SchemaName() string { return "UserSelfGroups" }

// SessionUser is who acts, and who really does while impersonating.
type SessionUser struct {
	User     Self  `json:"user" is:"required"`
	Original *Self `json:"original" is:"omitempty,notnull"`
}

// Metrics are a person's sign-ins over a week.
type Metrics struct {
	Logins         []event.Coordinate `json:"logins" is:"required,readonly"`
	LoginsFailed   []event.Coordinate `json:"logins_failed" is:"required,readonly"`
	Authorizations []event.Coordinate `json:"authorizations" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Metrics) SchemaName() string { return "UserMetrics" }

// personActions are what rooms above the users let one do with them.
func (r *rooms) personActions() []kind.Action {
	me := kind.Collection("GET", "me", "", r.me)
	me.Access = kind.SignedIn
	metrics := kind.Detail("GET", "metrics", "view", func(ctx context.Context, c *kind.Call, _ *kind.None) (Metrics, error) {
		return r.metrics(ctx, url.Values{"user_pk": {c.Key}})
	})
	metrics.Also = []string{"authentik_events.view_event"}
	recovery := kind.Detail("POST", "recovery", "authentik_core.reset_user_password", r.recovery)
	mail := kind.Detail("POST", "recovery_email", "authentik_core.reset_user_password", r.recoveryMail)
	mail.Query = []kind.Param{{Name: "email_stage", Type: "string", Required: true}}
	impersonate := kind.Detail("POST", "impersonate", "authentik_core.impersonate", r.impersonate)
	impersonate.Status, impersonate.Refused, impersonate.Answers = 204, 401, map[int]string{401: "Access denied"}
	end := kind.Collection("GET", "impersonate_end", "", r.impersonateEnd)
	end.Access = kind.SignedIn
	return []kind.Action{me, metrics, recovery, mail, impersonate, end, r.tokens.ServiceAccount()}
}

func (r *rooms) metrics(ctx context.Context, by url.Values) (Metrics, error) {
	var out Metrics
	for action, to := range map[string]*[]event.Coordinate{event.Login: &out.Logins, event.LoginFailed: &out.LoginsFailed, event.AuthorizeApp: &out.Authorizations} {
		by.Set("action", action)
		c, err := r.events.Chart(ctx, 7*24*time.Hour, 21, by)
		if err != nil {
			return out, err
		}
		*to = c
	}
	return out, nil
}

func (r *rooms) self(ctx context.Context, pk int64) (Self, error) {
	u, err := r.users.ByPK(ctx, pk)
	if err != nil {
		return Self{}, err
	}
	super, err := r.users.Superuser(ctx, pk)
	if err != nil {
		return Self{}, err
	}
	groups, err := r.users.AllGroups(ctx, pk)
	if err != nil {
		return Self{}, err
	}
	attrs, err := r.users.Attributes(ctx, u)
	if err != nil {
		return Self{}, err
	}
	settings, _ := attrs["settings"].(map[string]any)
	if settings == nil {
		settings = map[string]any{}
	}
	perms, err := r.roles.Of(ctx, pk, "authentik_rbac.")
	if err != nil {
		return Self{}, err
	}
	out := Self{
		PK: u.PK, Username: u.Username, Name: u.Name, IsActive: u.IsActive, IsSuperuser: super, Groups: []SelfGroup{}, Email: u.Email, Avatar: r.users.Avatar(ctx, u),
		UID: r.users.UID(u.PK), Settings: settings, Type: u.Type, Permissions: perms,
	}
	for _, g := range groups {
		out.Groups = append(out.Groups, SelfGroup{g.Name, g.PK})
	}
	return out, nil
}

func (r *rooms) me(ctx context.Context, _ *kind.Call, _ *kind.None) (SessionUser, error) {
	a := store.ActorOf(ctx)
	me, err := r.self(ctx, a.UserPK)
	if err != nil || a.Original == nil {
		return SessionUser{User: me}, err
	}
	o, err := r.self(ctx, a.Original.UserPK)
	return SessionUser{User: me, Original: &o}, err
}

// recovery makes a link that takes a person through the brand's recovery flow.
func (r *rooms) recovery(ctx context.Context, c *kind.Call, _ *kind.None) (flow.Link, error) {
	h := store.ActorOf(ctx).HTTP
	at, _, err := r.recoveryLink(ctx, c.Object.(*user.User), nil)
	return flow.Link{Link: h.Scheme + "://" + h.Host + at}, err
}

// recoveryLink makes the path of such a link, and its token; what more gives happens in the transaction that stores the token.
func (r *rooms) recoveryLink(ctx context.Context, u *user.User, more func(at string, t *token.Token) (func(tx *store.Tx) error, error)) (string, *token.Token, error) {
	if err := r.users.GuardTarget(ctx, u); err != nil {
		return "", nil, err
	}
	b, err := r.brands.For(ctx, store.ActorOf(ctx).HTTP.Host)
	if err != nil {
		return "", nil, err
	}
	if b.FlowRecovery == nil {
		return "", nil, fault.Whole("No recovery flow set.")
	}
	f, err := r.flows.ByKey(ctx, *b.FlowRecovery)
	if err != nil {
		return "", nil, err
	}
	p, err := r.flows.Plan(ctx, f, flow.PlanOptions{Pending: u})
	var no *flow.NotApplicable
	if errors.As(err, &no) || errors.Is(err, flow.ErrEmpty) {
		return "", nil, fault.Whole("Recovery flow not applicable to user")
	}
	if err != nil {
		return "", nil, err
	}
	plan, err := stage.Carry(r.store.Key(), p)
	if err != nil {
		return "", nil, err
	}
	settings, err := r.brands.Settings(ctx)
	if err != nil {
		return "", nil, err
	}
	life, err := span.Parse(settings.TokenDuration)
	if err != nil || life <= 0 {
		life = 24 * time.Hour
	}
	ends := r.store.Now().Add(life)
	t := &token.Token{
		Identifier: r.users.UID(u.PK) + "-password-reset", Intent: token.Verification, User: u.PK, Description: "Recovery link", Flow: &f.PK, Plan: &plan,
		Key: crypt.ID(max(settings.TokenLength, 40)), Expires: &ends,
	}
	at := flow.PageURL(f.Slug, "flow_token="+url.QueryEscape(t.Key))
	var further func(tx *store.Tx) error
	if more != nil {
		if further, err = more(at, t); err != nil {
			return "", nil, err
		}
	}
	return at, t, r.store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := token.Drop(tx, t.Identifier); err != nil {
			return err
		}
		kept := *t
		if err := r.tokens.Make(tx, &kept); err != nil || further == nil {
			return err
		}
		return further(tx)
	})
}

// recoveryMail sends a person such a link, in the words and by the mail server of an email stage. It names the house by its configured
// name only, whatever the caller's address was.
func (r *rooms) recoveryMail(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
	u := c.Object.(*user.User)
	if u.Email == "" {
		return kind.None{}, fault.Whole("User does not have an email address set.")
	}
	k, pk := r.store.Kind("authentik_stages_email.emailstage"), c.Query.Get("email_stage")
	if kind.UUIDText.MatchString(pk) {
		pk = kind.Dashed(pk)
	}
	obj, err := r.store.Get(ctx, k, "pk", pk)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return kind.None{}, err
	}
	sees, merr := r.roles.May(ctx, store.ActorOf(ctx), k.Perm("view"), pk)
	if merr != nil {
		return kind.None{}, merr
	}
	if err != nil || !sees {
		return kind.None{}, fault.Whole("Email stage does not exist.")
	}
	_, _, err = r.recoveryLink(ctx, u, func(at string, t *token.Token) (func(tx *store.Tx) error, error) {
		h := store.ActorOf(ctx).HTTP
		base := r.office.URL(ctx)
		if base == "" {
			base = h.Scheme + "://" + h.Host
		}
		d := email.Draft(obj.(*email.Stage), u, u.Email, base+at, *t.Expires, t.Key)
		if d.Brand, err = r.brands.For(ctx, h.Host); err != nil {
			return nil, err
		}
		l, err := r.mail.Compose(ctx, d)
		if f := fault.As(err); err != nil && (f.Kind == fault.Unavailable || f.Kind == fault.Invalid && len(f.Fields) == 0) {
			return nil, fault.Whole(f.Say)
		}
		return func(tx *store.Tx) error { return r.mail.Queue(tx, l) }, err
	})
	return kind.None{}, err
}

func (r *rooms) impersonate(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
	a, s, u := store.ActorOf(ctx), session.Of(ctx), c.Object.(*user.User)
	settings, err := r.brands.Settings(ctx)
	if err != nil {
		return kind.None{}, err
	}
	switch {
	case !settings.Impersonation:
		return kind.None{}, fault.New(fault.Denied, "Impersonation is switched off in the settings.")
	case s == nil:
		return kind.None{}, fault.New(fault.Denied, "Impersonation works in a browser session only.")
	case u.PK == a.UserPK:
		return kind.None{}, fault.New(fault.Denied, "You are this person already.")
	}
	if err := r.users.GuardTarget(ctx, u); err != nil {
		return kind.None{}, err
	}
	return kind.None{}, r.store.Write(ctx, a, func(tx *store.Tx) error {
		if err := session.Impersonate(tx, s, u.PK); err != nil {
			return err
		}
		return r.events.EmitTx(tx, event.Entry{Action: event.ImpersonationStart, App: "authentik.core", Context: map[string]any{
			"impersonated": event.Model(r.store.KindFor(u), strconv.FormatInt(u.PK, 10), u.Username),
		}})
	})
}

func (r *rooms) impersonateEnd(ctx context.Context, _ *kind.Call, _ *kind.None) (kind.None, error) {
	a, s := store.ActorOf(ctx), session.Of(ctx)
	if s == nil || a.Original == nil {
		return kind.None{}, nil
	}
	return kind.None{}, r.store.Write(ctx, a, func(tx *store.Tx) error {
		if err := session.Impersonate(tx, s, 0); err != nil {
			return err
		}
		return r.events.EmitTx(tx, event.Entry{Action: event.ImpersonationEnd, App: "authentik.core", User: &event.Who{PK: a.Original.UserPK, Username: a.Original.Username, Email: a.Original.Email}})
	})
}
