package server

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/arrival"
	"gatehouse/backend/auth"
	"gatehouse/backend/blueprint"
	"gatehouse/backend/brand"
	"gatehouse/backend/ca"
	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/db"
	"gatehouse/backend/device"
	"gatehouse/backend/event"
	"gatehouse/backend/expr/world"
	"gatehouse/backend/flow"
	"gatehouse/backend/geo"
	"gatehouse/backend/kind"
	"gatehouse/backend/kinds"
	"gatehouse/backend/mail"
	"gatehouse/backend/media"
	"gatehouse/backend/notify"
	"gatehouse/backend/office"
	"gatehouse/backend/outbound"
	"gatehouse/backend/passkey"
	"gatehouse/backend/policy"
	"gatehouse/backend/policy/reputation"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/provider/saml"
	scimprovider "gatehouse/backend/provider/scim"
	"gatehouse/backend/rbac"
	"gatehouse/backend/rest"
	"gatehouse/backend/seed"
	"gatehouse/backend/session"
	oauthsource "gatehouse/backend/source/oauth"
	samlsource "gatehouse/backend/source/saml"
	"gatehouse/backend/source/scim"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/email"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/text"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// rooms are the wired house without its doors.
type rooms struct {
	log      *slog.Logger
	store    *store.Store
	roles    *rbac.Room
	users    *user.Directory
	sessions *session.Room
	tokens   *token.Room
	events   *event.Log
	geo      *geo.Room
	brands   *brand.Room
	certs    *cert.Room
	ca       *ca.Room
	policies *policy.Engine
	flows    *flow.Engine
	apps     *application.Room
	oauth    *oauth2.Room
	saml     *saml.Room
	accounts *oauthsource.Room // of people at OAuth sources
	scim     *scim.Room
	scimOut  *scimprovider.Room
	abroad   *samlsource.Room // people of SAML sources
	office   *office.Room
	media    *media.Room
	tasks    *task.Room
	keys     *passkey.Room
	outgoing
	mail     *mail.Room
	notify   *notify.Room
	prints   *blueprint.Room
	stages   []*stage.Kind
	ofStages []kind.Action // operations of stages that belong to no collection
	host     *world.World
	api      *rest.API
}

// wire makes the rooms. d may be nil: then they can be described and not used.
func wire(o Options, d *db.DB, key *crypt.Key, install string, log *slog.Logger, texts *text.Tables) *rooms {
	now := time.Now
	r := &rooms{log: log}
	r.store = store.New(d, key, now)
	r.roles = &rbac.Room{Store: r.store}
	r.brands = &brand.Room{Store: r.store}
	r.events = &event.Log{Store: r.store, Logger: log, Retention: func(ctx context.Context) string {
		s, err := r.brands.Settings(ctx)
		if err != nil {
			return ""
		}
		return s.EventRetention
	}}
	r.events.Heard = append(r.events.Heard, reputation.Heard)
	r.users = &user.Directory{
		Store: r.store, Hasher: crypt.NewHasher(0), InstallID: install, Settings: r.userSettings, Ended: r.ended, Gone: r.gone,
		PasswordSet: func(tx *store.Tx, u *user.User) error {
			return r.events.EmitTx(tx, event.Entry{Action: event.PasswordSet, App: "authentik.core", User: &event.Who{PK: u.PK, Username: u.Username, Email: u.Email}})
		},
	}
	r.geo = &geo.Room{Cities: o.Config.Geo.City, Networks: o.Config.Geo.ASN, Log: log}
	for at, usual := range map[*string]string{&r.geo.Cities: "GeoLite2-City.mmdb", &r.geo.Networks: "GeoLite2-ASN.mmdb"} {
		if *at == "" {
			*at = filepath.Join(o.Config.Data, "geoip", usual)
		}
	}
	r.events.Geo = r.geo
	r.roles.UID, r.users.May, r.store.Gone = r.users.UID, r.roles.May, rbac.Gone
	r.sessions = &session.Room{Store: r.store, Users: r.users, Geo: r.geo, Told: func(tx *store.Tx, b session.Broken) error {
		return r.events.EmitTx(tx, event.Entry{Action: event.Logout, App: "authentik.events.signals", Context: b.Told()})
	}}
	r.tokens = &token.Room{Store: r.store, Users: r.users, Settings: func(ctx context.Context) token.Settings {
		s, err := r.brands.Settings(ctx)
		if err != nil {
			return token.Settings{}
		}
		return token.Settings{Duration: s.TokenDuration, Length: s.TokenLength}
	}, Viewed: r.tokenViewed, Rotated: r.tokenRotated}
	r.certs = &cert.Room{Store: r.store, Viewed: r.certViewed}
	r.ca = ca.New(r.store, now)
	r.media = &media.Room{Dir: filepath.Join(o.Config.Data, "uploads")}
	r.policies = &policy.Engine{Store: r.store, Users: r.users, Events: r.events, Log: log}
	r.flows = &flow.Engine{
		Store: r.store, Policies: r.policies, Users: r.users, Sessions: r.sessions, Tokens: r.tokens, Brands: r.brands, Events: r.events,
		Stages: map[string]*stage.Kind{}, Inlines: map[string]stage.Inline{}, Log: log, May: r.roles.May,
	}
	r.apps = &application.Room{Store: r.store, Policies: r.policies, Users: r.users, Events: r.events, Files: r.media, Caller: r.caller, May: r.roles.May}
	r.flows.Apps = r.apps.Name
	host := &world.World{
		Store: r.store, Users: r.users, Brands: r.brands, Events: r.events, Log: log, Geo: r.geo, Client: outbound.New(outbound.Options{Allow: allowed(o.Config), MaxBody: 4 << 20}), Policy: r.policies.ByName,
	}
	r.host = host
	r.oauth = &oauth2.Room{
		Store: r.store, Users: r.users, Sessions: r.sessions, Apps: r.apps, Certs: r.certs, Brands: r.brands, Flows: r.flows, Events: r.events, Host: host, May: r.roles.May, Log: log,
	}
	r.saml = &saml.Room{
		Store: r.store, Users: r.users, Sessions: r.sessions, Apps: r.apps, Certs: r.certs, Flows: r.flows, Events: r.events, Host: host, May: r.roles.May, Log: log,
	}
	r.scim = &scim.Room{Store: r.store, Users: r.users, Tokens: r.tokens, Log: log}
	r.office = &office.Room{
		Store: r.store, DB: d, Users: r.users, Tokens: r.tokens, Sessions: r.sessions, Brands: r.brands, Apps: r.apps, OIDC: r.oauth, Events: r.events, CA: r.ca,
		Config: o.Config, Version: o.Version, Install: install, Started: now(), Log: log,
		HTTPPort: portOf(o.Config.HTTP), HTTPSPort: portOf(o.Config.HTTPS),
		Certs: r.certs, Client: outbound.New(outbound.Options{Allow: allowed(o.Config), MaxBody: 1 << 20}),
	}
	r.tasks = &task.Room{Store: r.store, Events: r.events, Log: log}
	r.mail = &mail.Room{
		Store: r.store, Events: r.events, Brands: r.brands, Texts: texts, Tasks: r.tasks, Log: log, Fixed: fixedMail(o.Config), Dir: filepath.Join(o.Config.Data, "templates"),
		Picture: r.media.Picture, Base: r.office.URL, Via: email.Via(r.store),
	}
	r.notify = &notify.Room{
		Store: r.store, Events: r.events, Policies: r.policies, Users: r.users, Brands: r.brands, Mail: r.mail, Tasks: r.tasks, Texts: texts, Host: host,
		Client: outbound.New(outbound.Options{Allow: allowed(o.Config)}), Base: r.office.URL, Version: o.Version, Log: log,
	}
	r.events.Heard = append(r.events.Heard, r.notify.Heard)
	list := kinds.Rooms{
		Store: r.store, Users: r.users, Roles: r.roles, Sessions: r.sessions, Tokens: r.tokens, Events: r.events, Geo: r.geo, Brands: r.brands, Certs: r.certs, Apps: r.apps, Policies: r.policies,
		Flows: r.flows, OAuth2: r.oauth, SAML: r.saml, SCIM: r.scim, Auth: &auth.Room{Store: r.store, Users: r.users, Tokens: r.tokens}, Host: host, Files: r.media, PersonActions: r.personActions(), TenantActions: r.tenantActions(), Tasks: r.tasks, Log: log, Texts: texts, Mail: r.mail, Base: r.office.URL, TryTransport: r.notify.Try,
	}
	r.keys = r.newKeys(o, texts)
	list.Keys = r.keys
	list.SCIMOut = r.newSCIMOut(o)
	r.oauth.Client, r.oauth.Tasks = outbound.New(outbound.Options{Allow: allowed(o.Config), Redirects: -1}), r.tasks
	r.sessions.Moved, r.events.Heard = moved, append(r.events.Heard, r.oauth.Heard)
	r.oauth.Auth, r.oauth.Trusted = list.Auth, kinds.Trusted(r.store)
	list.Arrivals = &arrival.Room{Store: r.store, Users: r.users, Sessions: r.sessions, Flows: r.flows, Policies: r.policies, Events: r.events, Log: log}
	r.accounts = &oauthsource.Room{
		Store: r.store, Sessions: r.sessions, Arrivals: list.Arrivals, Events: r.events, Log: log, Client: outbound.New(outbound.Options{Allow: allowed(o.Config), MaxBody: 4 << 20}),
	}
	r.events.Heard = append(r.events.Heard, list.Arrivals.Heard)
	r.abroad = &samlsource.Room{
		Store: r.store, Arrivals: list.Arrivals, Certs: r.certs, Events: r.events, Log: log, Client: outbound.New(outbound.Options{Allow: allowed(o.Config), MaxBody: 4 << 20}),
	}
	list.Abroad = r.abroad
	r.asks(o, &list)
	r.newPrints(o, &list)
	r.stages, r.ofStages = kinds.Stages(list), kinds.Endpoints(list)
	for _, s := range r.stages {
		r.flows.Stages[s.Model] = s
	}
	for _, in := range kinds.Steps(list, r.stages) {
		r.flows.Inlines[in.Name()] = in
	}
	r.store.Use(kinds.All(list, r.stages), r.events, kinds.Aliases())
	return r
}

// newSCIMOut makes the room that keeps other systems in step.
func (r *rooms) newSCIMOut(o Options) *scimprovider.Room {
	r.scimOut = &scimprovider.Room{
		Store: r.store, Users: r.users, Events: r.events, Tasks: r.tasks, Host: r.host, May: r.roles.May, Version: o.Version, Log: r.log,
		Client: outbound.New(outbound.Options{Allow: allowed(o.Config), MaxBody: 8 << 20, Timeout: 30 * time.Second, Redirects: -1, Connections: 4}),
	}
	r.events.Heard = append(r.events.Heard, r.scimOut.Heard)
	r.tasks.Again = map[string]func(ctx context.Context, uid string) error{scimprovider.TaskName: r.scimOut.Again}
	return r.scimOut
}

// portOf gives the port of a configured address.
func portOf(address string) func() string {
	_, p, err := net.SplitHostPort(address)
	if err != nil {
		p = ""
	}
	return func() string { return p }
}

// endpoints are the operations of the API that belong to no collection.
func (r *rooms) endpoints(o Options) []kind.Action {
	out := r.keys.Endpoints()
	for _, list := range [][]kind.Action{r.beyond(), r.brands.Endpoints(), r.apps.Endpoints(), r.flows.Endpoints(), r.office.Endpoints(), device.Endpoints(r.store), r.rootEndpoints(o), r.adminEndpoints(), r.oauth.Endpoints(), r.saml.Endpoints(), r.mail.Endpoints(), r.notify.Endpoints(), r.tokens.Endpoints(), r.scim.Endpoints(), r.scimOut.Endpoints(), r.abroad.Endpoints(), r.accounts.Endpoints(), r.ofStages} {
		out = append(out, list...)
	}
	return out
}

// newAPI makes the door of the API.
func (r *rooms) newAPI(o Options, d rest.Deps) *rest.API {
	d.Store, d.Endpoints, d.Perms, d.Log, d.Version = r.store, r.endpoints(o), r.roles, r.log, o.Version
	d.Challenges, d.Streams = kinds.Challenges(r.stages), append(exports(), streams...)
	r.api = rest.New(d)
	return r.api
}

func (r *rooms) userSettings(ctx context.Context) user.Settings {
	s, err := r.brands.Settings(ctx)
	if err != nil {
		return user.Settings{Avatars: "initials"}
	}
	out := user.Settings{Avatars: s.Avatars}
	if b, err := r.brands.For(ctx, store.ActorOf(ctx).HTTP.Host); err == nil {
		out.BrandAttrs = b.Attributes
	}
	return out
}

// ended takes from a user who was switched off what still opens something.
func (r *rooms) ended(tx *store.Tx, u int64) error {
	if err := session.EndFor(tx, u, ""); err != nil {
		return err
	}
	return oauth2.EndFor(tx, u)
}

// moved has whatever knows a session by its name know the one that it goes on as.
func moved(tx *store.Tx, from, to string) error {
	if err := oauth2.Moved(tx, from, to); err != nil {
		return err
	}
	return samlsource.Moved(tx, from, to)
}

// gone forgets what a deleted user did, when the settings ask for it.
func (r *rooms) gone(tx *store.Tx, u int64) error {
	tx.AfterCommit(func() {
		ctx := context.Background()
		s, err := r.brands.Settings(ctx)
		if err == nil && s.GDPR {
			_, err = r.events.ForgetUser(ctx, u)
		}
		if err != nil {
			r.log.Error("events of a deleted user stay", "user", u, "error", err)
		}
	})
	return nil
}

func (r *rooms) tokenViewed(ctx context.Context, t *token.Token) error {
	return r.events.Emit(ctx, event.SecretView, map[string]any{"secret": event.Model(r.store.KindFor(t), t.PK, t.Identifier)})
}

func (r *rooms) tokenRotated(tx *store.Tx, t *token.Token) error {
	return r.events.EmitTx(tx, event.Entry{Action: event.SecretRotate, App: "authentik.core", Context: map[string]any{
		"token": event.Model(r.store.KindFor(t), t.PK, t.Identifier), "message": fmt.Sprintf("Token %s's secret was rotated.", t.Identifier),
	}})
}

func (r *rooms) certViewed(ctx context.Context, p *cert.Pair, what string) error {
	return r.events.Emit(ctx, event.SecretView, map[string]any{"secret": event.Model(r.store.KindFor(p), p.PK, p.Name), "type": what})
}

// caller gives who is signed in, nil when nobody.
func (r *rooms) caller(ctx context.Context) (*user.User, error) {
	pk := store.ActorOf(ctx).UserPK
	if pk == 0 {
		return nil, nil
	}
	return r.users.ByPK(ctx, pk)
}

// prepare makes what a house has from its first start. The signing key is made before the transaction.
func (r *rooms) prepare(ctx context.Context) error {
	if err := passkey.Seed(ctx, r.store); err != nil {
		return err
	}
	done, err := seed.Done(ctx, r.store)
	if err != nil || done {
		return err
	}
	certificate, err := cert.Seed(time.Now())
	if err != nil {
		return err
	}
	return seed.Run(ctx, r.store, r.prints, certificate)
}

// languages gives the folder with the office's own languages; nil when there is none.
func languages(data string) *os.Root {
	dir, err := os.OpenRoot(filepath.Join(data, "languages"))
	if err != nil {
		return nil
	}
	return dir
}
