// Package application keeps what people sign in to: name, icon, where it opens, which provider it speaks through, and who may use it.
package application

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/provider"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of applications.
var Family = &kind.Family{Name: "applications", Lookup: "slug", Param: "slug", Title: "application"}

// Application is something that people sign in to.
type Application struct {
	PK           string  `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name         string  `json:"name" is:"required,search"`
	Slug         string  `json:"slug" is:"required,unique,search" format:"slug" max:"50" help:"The part of the addresses that names the application."`
	Provider     *int64  `json:"provider" is:"unique,nofilter" ref:"providers set_null"`
	ProviderObj  any     `json:"provider_obj" is:"computed,required" schema:"Provider"`
	Backchannel  []int64 `json:"backchannel_providers" is:"nofilter" ref:"providers" group:"advanced"`
	BackObj      []any   `json:"backchannel_providers_obj" is:"computed,required" schema:"Provider[]"`
	LaunchURL    *string `json:"launch_url" is:"computed,required"`
	NewTab       bool    `json:"open_in_new_tab" is:"nofilter"`
	MetaLaunch   string  `json:"meta_launch_url" is:"blank" format:"uri-template" help:"Where the application opens. Empty: what its provider knows."`
	Icon         *string `json:"meta_icon" is:"computed,required"`
	Description  string  `json:"meta_description" is:"blank,search"`
	Publisher    string  `json:"meta_publisher" is:"blank,search"`
	PolicyEngine string  `json:"policy_engine_mode" is:"nofilter" enum:"all,any" default:"any" group:"advanced" help:"Whether one binding that lets a person in is enough, or all have to."`
	Group        string  `json:"group" is:"blank,search" help:"The heading under which the application stands in the portal."`

	IconFile string `json:"icon_file" is:"hidden"`
	// Template is what the application is called in the catalogue, TemplateURL where it lives; "" for one that is not of the catalogue.
	Template    string `json:"template" is:"hidden"`
	TemplateURL string `json:"template_url" is:"hidden"`
}

// Files keeps uploaded pictures.
type Files interface {
	Save(ctx context.Context, f kind.File) (string, error)
}

// Room answers about applications.
type Room struct {
	Store    *store.Store
	Policies *policy.Engine
	Users    *user.Directory
	Events   *event.Log
	Files    Files
	// Caller gives who is signed in, nil when nobody.
	Caller func(ctx context.Context) (*user.User, error)
	// May says whether the caller holds a permission on an object.
	May func(ctx context.Context, a store.Actor, permission, object string) (bool, error)

	names store.Memo[string, string] // by key
}

// FilePath is the body of set_icon_url.
type FilePath struct {
	URL string `json:"url" is:"required"`
}

// Kinds describes applications.
func (r *Room) Kinds() []*kind.Kind {
	check := kind.Detail("GET", "check_access", "", r.checkAccess)
	check.Access, check.Query = kind.SignedIn, []kind.Param{{Name: "for_user", Type: "integer"}}
	metrics := kind.Detail("GET", "metrics", "view", func(ctx context.Context, c *kind.Call, _ *kind.None) ([]event.Coordinate, error) {
		return r.Events.Chart(ctx, 7*24*time.Hour, 21, url.Values{"action": {event.AuthorizeApp}, "context_authorized_app": {c.Object.(*Application).PK}})
	})
	metrics.Also, metrics.Operation = []string{"authentik_events.view_event"}, "core_applications_metrics_list"
	icon := kind.Detail("POST", "set_icon", "change", r.setIcon)
	icon.Multipart, icon.Status = true, 200
	iconURL := kind.Detail("POST", "set_icon_url", "change", func(ctx context.Context, c *kind.Call, in *FilePath) (kind.None, error) {
		u, err := url.Parse(in.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" && !strings.HasPrefix(in.URL, "/static/") {
			return kind.None{}, fault.Field("url", "Give an address that begins with https:// or /static/.")
		}
		return kind.None{}, r.storeIcon(ctx, c.Object.(*Application).PK, in.URL)
	})
	iconURL.Status = 200
	return []*kind.Kind{kind.Of[Application](Family, kind.Spec{
		Path: "core/applications", Model: "authentik_core.application", Schema: "Application", Title: "Application", Order: []string{"name"},
		Present: r.present, Visible: r.visible, Actions: []kind.Action{check, metrics, icon, iconURL},
		Params: []kind.Param{{Name: "for_user", Type: "integer"}, {Name: "superuser_full_list", Type: "boolean"}},
	}, nil)}
}

// launchScheme is how an address may begin (RFC 3986 3.1). Browsers skip tabs, line ends and what is no letter before a scheme, so that
// only the plain form can be told apart; "%(…)s" in it is no scheme.
var launchScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)

// Validate implements store.Validator.
func (a *Application) Validate() error {
	if a.MetaLaunch == "" {
		return nil
	}
	scheme, _, ok := strings.Cut(a.MetaLaunch, ":")
	if !ok {
		return fault.Field("meta_launch_url", "Enter a valid URL.")
	}
	if !launchScheme.MatchString(scheme) {
		return fault.Field("meta_launch_url", "An address that begins so can't be opened safely.")
	}
	switch strings.ToLower(scheme) {
	case "javascript", "data", "vbscript", "file", "blob", "about", "view-source":
		return fault.Field("meta_launch_url", "An address that begins so can't be opened safely.")
	}
	return nil
}

// present fills what is computed for a page of applications.
func (r *Room) present(ctx context.Context, rows []any, _ url.Values) error {
	me, err := r.Caller(ctx)
	if err != nil {
		return err
	}
	var all []any
	var providers []string
	for _, row := range rows {
		a := row.(*Application)
		for _, pk := range a.Backchannel {
			providers = append(providers, strconv.FormatInt(pk, 10))
		}
		if a.Provider != nil {
			providers = append(providers, strconv.FormatInt(*a.Provider, 10))
		}
	}
	if err := r.Store.Warm(ctx, provider.Family.Name, providers); err != nil {
		return err
	}
	for _, row := range rows {
		a := row.(*Application)
		a.Icon, a.BackObj = iconURL(a.IconFile), []any{}
		if a.Provider != nil {
			if a.ProviderObj, err = r.provider(ctx, *a.Provider); err != nil {
				return err
			}
			if a.ProviderObj != nil {
				all = append(all, a.ProviderObj)
			}
		}
		for _, pk := range a.Backchannel {
			p, err := r.provider(ctx, pk)
			if err != nil {
				return err
			}
			if p != nil {
				a.BackObj = append(a.BackObj, p)
				all = append(all, p)
			}
		}
		a.LaunchURL = r.launchURL(ctx, a, me)
	}
	return provider.Present(r.Store)(ctx, all, nil)
}

func (r *Room) provider(ctx context.Context, pk int64) (any, error) {
	_, obj, err := r.Store.GetIn(ctx, provider.Family.Name, strconv.FormatInt(pk, 10))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return obj, err
}

func iconURL(file string) *string {
	if file == "" {
		return nil
	}
	if !strings.Contains(file, "://") && !strings.HasPrefix(file, "/") {
		file = "/media/" + file
	}
	return &file
}

// launchURL gives where the application opens for a person, nil when that is not known (protocols.md 11.2).
func (r *Room) launchURL(ctx context.Context, a *Application, u *user.User) *string {
	to := a.MetaLaunch
	if to == "" {
		if l, ok := a.ProviderObj.(provider.Launcher); ok {
			to = l.LaunchURL(ctx, a.Slug)
		}
	}
	if to == "" {
		return nil
	}
	if u != nil && strings.Contains(to, "%(") {
		out := strings.NewReplacer(
			"%(username)s", url.PathEscape(u.Username), "%(email)s", url.PathEscape(u.Email), "%(name)s", url.PathEscape(u.Name), "%(uuid)s", u.UUID,
			"%(id)s", strconv.FormatInt(u.PK, 10), "%(pk)s", strconv.FormatInt(u.PK, 10), "%(path)s", url.PathEscape(u.Path), "%(type)s", u.Type,
		).Replace(to)
		if !strings.Contains(out, "%(") {
			to = out
		}
	}
	return &to
}

// Launch gives where an application opens for a person, "" when that is not known. NotFound when there is no such application.
func (r *Room) Launch(ctx context.Context, slug string, u *user.User) (string, *Application, error) {
	a, err := store.Find[Application](ctx, r.Store, "slug", slug)
	if err != nil {
		return "", nil, err
	}
	if a.Provider != nil {
		if a.ProviderObj, err = r.provider(ctx, *a.Provider); err != nil {
			return "", nil, err
		}
	}
	if to := r.launchURL(ctx, a, u); to != nil {
		return *to, a, nil
	}
	return "", a, nil
}

// Name gives the name of an application by its key, "" when there is none.
func (r *Room) Name(ctx context.Context, pk string) (string, error) {
	return r.names.Get(r.Store, pk, func() (string, error) {
		a, err := store.Get[Application](ctx, r.Store, pk)
		if fault.Is(err, fault.NotFound) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		return a.Name, nil
	})
}

// ForProvider gives the application of a provider. NotFound when it has none.
func (r *Room) ForProvider(ctx context.Context, pk int64) (*Application, error) {
	return store.Find[Application](ctx, r.Store, "provider", strconv.FormatInt(pk, 10))
}

// Speaking gives an application and the provider through which it speaks. NotFound when it has none of that kind; protocol is its name.
func Speaking[P any](ctx context.Context, s *store.Store, slug, protocol string) (*Application, *P, error) {
	a, err := store.Find[Application](ctx, s, "slug", slug)
	if err != nil {
		return nil, nil, err
	}
	if a.Provider == nil {
		return nil, nil, fault.New(fault.NotFound, "This application does not speak "+protocol+".")
	}
	p, err := store.Get[P](ctx, s, strconv.FormatInt(*a.Provider, 10))
	return a, p, err
}

// Allowed asks the policies whether a person may use an application; messages say why not. extra are facts for expression policies.
func (r *Room) Allowed(ctx context.Context, a *Application, u *user.User, extra map[string]any) (bool, []string, error) {
	return r.Policies.Allowed(ctx, a.PK, a.PolicyEngine, u, extra)
}

// visible leaves the applications that the caller may use. Superusers may ask for the whole list, and whoever may see another's
// applications for theirs.
func (r *Room) visible(ctx context.Context, rows []any, q url.Values) ([]any, error) {
	actor := store.ActorOf(ctx)
	if q.Get("superuser_full_list") == "true" && actor.Superuser {
		return rows, nil
	}
	u, err := r.Caller(ctx)
	if err != nil {
		return nil, err
	}
	if v := q.Get("for_user"); v != "" {
		pk, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return nil, fault.Field("for_user", "input must be numerical")
		}
		ok, err := r.May(ctx, actor, "authentik_core.view_user_applications", v)
		if err != nil {
			return nil, err
		}
		other, err := r.Users.ByPK(ctx, pk)
		if !ok || fault.Is(err, fault.NotFound) {
			return nil, fault.Field("for_user", "User not found")
		}
		if err != nil {
			return nil, err
		}
		u = other
	}
	out := []any{}
	for _, row := range rows {
		ok, _, err := r.Allowed(ctx, row.(*Application), u, nil)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, row)
		}
	}
	return out, nil
}

func (r *Room) checkAccess(ctx context.Context, c *kind.Call, _ *kind.None) (policy.TestResult, error) {
	a, actor := c.Object.(*Application), store.ActorOf(ctx)
	u, err := r.Caller(ctx)
	if err != nil {
		return policy.TestResult{}, err
	}
	if v := c.Query.Get("for_user"); v != "" && actor.Superuser {
		pk, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return policy.TestResult{}, fault.Field("for_user", "for_user must be numerical")
		}
		if u, err = r.Users.ByPK(ctx, pk); err != nil {
			return policy.TestResult{}, fault.Field("for_user", "User not found")
		}
	}
	ok, messages, err := r.Allowed(ctx, a, u, nil)
	out := policy.TestResult{Passing: ok, Messages: []string{}, LogMessages: []policy.LogEvent{}}
	if actor.Superuser && messages != nil {
		out.Messages = messages
	}
	return out, err
}

func (r *Room) setIcon(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
	pk := c.Object.(*Application).PK
	if c.Form.Get("clear") == "true" {
		return kind.None{}, r.storeIcon(ctx, pk, "")
	}
	f, ok := c.Files["file"]
	if !ok {
		return kind.None{}, fault.Field("file", "No file was submitted.")
	}
	name, err := r.Files.Save(ctx, f)
	if err != nil {
		return kind.None{}, err
	}
	return kind.None{}, r.storeIcon(ctx, pk, name)
}

func (r *Room) storeIcon(ctx context.Context, pk, file string) error {
	return r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		a, err := store.GetTx[Application](tx, pk)
		if err != nil {
			return err
		}
		a.IconFile = file
		return tx.Update(a)
	})
}

// Transaction is the body of the transactional create: an application with its provider.
type Transaction struct {
	App      map[string]any `json:"app" is:"required" schema:"Application"`
	Model    string         `json:"provider_model" is:"required" enum:"authentik_providers_ldap.ldapprovider,authentik_providers_oauth2.oauth2provider,authentik_providers_proxy.proxyprovider,authentik_providers_rac.racprovider,authentik_providers_radius.radiusprovider,authentik_providers_saml.samlprovider,authentik_providers_scim.scimprovider"`
	Provider map[string]any `json:"provider" is:"required" schema:"any:providers"`
}

// SchemaName implements kind.SchemaNamer.
func (Transaction) SchemaName() string { return "TransactionApplication" }

// Applied is the answer of the transactional create.
type Applied struct {
	Applied bool     `json:"applied" is:"required"`
	Logs    []string `json:"logs" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Applied) SchemaName() string { return "TransactionApplicationResponse" }

// Endpoints are the operations on applications that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	both := kind.Do("PUT", "core/transactional/applications", func(ctx context.Context, _ *kind.Call, in *Transaction) (Applied, error) {
		err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
			_, _, err := Together(tx, in.App, in.Model, in.Provider)
			return err
		})
		return Applied{Applied: err == nil, Logs: []string{}}, err
	})
	both.Perm, both.Also = "authentik_core.add_application", []string{"authentik_core.add_provider"}
	both.Operation = "core_transactional_applications_update"
	return []kind.Action{both}
}

// Together makes an application and its provider in one transaction, from bodies as their own endpoints take them. Faults come under
// "app" and "provider".
func Together(tx *store.Tx, app map[string]any, model string, prov map[string]any) (*Application, any, error) {
	pk := tx.Store().Kind(strings.ToLower(model))
	if pk == nil || pk.Family != provider.Family || pk.IsBase() {
		return nil, nil, fault.Field("provider_model", "\""+model+"\" is not a valid choice.")
	}
	p := pk.New()
	if err := fill(pk, prov, p); err != nil {
		return nil, nil, fault.Under("provider", err)
	}
	if err := tx.Create(p); err != nil {
		return nil, nil, fault.Under("provider", err)
	}
	ak := store.KindOf[Application](tx.Store())
	a := ak.New().(*Application)
	if err := fill(ak, app, a); err != nil {
		return nil, nil, fault.Under("app", err)
	}
	n := pk.Value(p, pk.PKField()).Int()
	a.Provider = &n
	if err := tx.Create(a); err != nil {
		return nil, nil, fault.Under("app", err)
	}
	return a, p, nil
}

// fill decodes a body that was decoded once already.
func fill(k *kind.Kind, body map[string]any, onto any) error {
	raw := make(map[string]json.RawMessage, len(body))
	for name, v := range body {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		raw[name] = b
	}
	_, err := kind.Decode(k.Fields, raw, reflect.ValueOf(onto).Elem(), true)
	return err
}
