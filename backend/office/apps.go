package office

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"gatehouse/backend/application"
	"gatehouse/backend/catalog"
	"gatehouse/backend/cert"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/provider"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/provider/saml"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// NewApp is an OpenID Connect application as an admin describes it in one form. One of the catalogue needs its address only.
type NewApp struct {
	Form
	Template     string `json:"template" is:"blank" max:"50"`
	URL          string `json:"url" is:"blank" max:"500"`
	RedirectURIs string `json:"redirect_uris" is:"blank"`
	ClientType   string `json:"client_type" enum:"confidential,public" default:"confidential"`
	Signing      string `json:"signing" enum:"rs256,es256,hs256" default:"rs256"`
	ClientID     string `json:"client_id" is:"blank" max:"255"`
	ClientSecret string `json:"client_secret" is:"blank,raw" max:"255"`
	IconURL      string `json:"icon_url" is:"blank"`
}

// App is an application with everything that the other side asks for.
type App struct {
	Application any      `json:"application" is:"required" schema:"Application"`
	Provider    any      `json:"provider" is:"required,nullable" schema:"OAuth2Provider"`
	SAML        any      `json:"saml" is:"required,nullable" schema:"SAMLProvider"` // instead of provider
	Values      []Value  `json:"values" is:"required"`
	Guide       *Guide   `json:"guide" is:"required"`
	Warnings    []string `json:"warnings" is:"required"`
	Access      Access   `json:"access" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (App) SchemaName() string { return "HouseApp" }

// Value is something that the other side asks for, by the name that it has there. Where it goes to and the page that says so are known of
// applications of the catalogue only.
type Value struct {
	ID     string `json:"id" is:"required"`
	Label  string `json:"label" is:"required"`
	Value  string `json:"value" is:"required"`
	Secret bool   `json:"secret"`
	Help   string `json:"help" is:"required"`
	Where  string `json:"where" is:"required"`
	Source string `json:"source" is:"required"`
}

// Access is who may use an application.
type Access struct {
	Everyone bool      `json:"everyone"`
	Users    []Person  `json:"users" is:"required"`
	Groups   []GroupOf `json:"groups" is:"required"`
	Sentence string    `json:"sentence" is:"required"`
}

// Person is a user by name.
type Person struct {
	PK       int64  `json:"pk" is:"required"`
	Username string `json:"username" is:"required"`
	Name     string `json:"name" is:"required"`
}

// GroupOf is a group by name.
type GroupOf struct {
	PK   string `json:"pk" is:"required" format:"uuid"`
	Name string `json:"name" is:"required"`
}

// SetAccess is the body that says who may use an application.
type SetAccess struct {
	Everyone bool     `json:"everyone"`
	Users    []int64  `json:"users"`
	Groups   []string `json:"groups" format:"uuid"`
}

// Reach is one application as one person meets it.
type Reach struct {
	Slug    string `json:"slug" is:"required"`
	Name    string `json:"name" is:"required"`
	Passing bool   `json:"passing"`
	Reason  string `json:"reason" is:"required"`
}

// Reaches is what one person can open.
type Reaches struct {
	Results []Reach `json:"results" is:"required"`
}

const (
	explicitFlow = "default-provider-authorization-explicit-consent"
	implicitFlow = "default-provider-authorization-implicit-consent"
)

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slugFor makes the part of the addresses out of a name; it is made unique by a number.
func slugFor(tx *store.Tx, name string) (string, error) {
	stem := strings.Trim(notSlug.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if stem == "" {
		stem = "app"
	}
	if len(stem) > 40 {
		stem = strings.Trim(stem[:40], "-")
	}
	for n := 1; ; n++ {
		slug := stem
		if n > 1 {
			slug += "-" + strconv.Itoa(n)
		}
		_, err := store.FindTx[application.Application](tx, "slug", slug)
		if fault.Is(err, fault.NotFound) {
			return slug, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func (r *Room) addApp(ctx context.Context, _ *kind.Call, in *NewApp) (App, error) {
	t, err := in.fromCatalog()
	if err != nil {
		return App{}, err
	}
	if err := in.checkAccess(); err != nil {
		return App{}, err
	}
	var key *cert.Pair
	if in.Signing == "es256" {
		if key, err = r.newECKey(in.Name); err != nil {
			return App{}, err
		}
	}
	return r.add(ctx, &in.Form, func(tx *store.Tx) (*application.Application, error) { return makeApp(tx, in, t, key) })
}

// makeApp stores application and provider; t is what the catalogue says, nil for an application of which it says nothing. Faults come back
// under the names of the form.
func makeApp(tx *store.Tx, in *NewApp, t *catalog.Template, key *cert.Pair) (*application.Application, error) {
	_, app, p, err := in.members(tx)
	if err != nil {
		return nil, err
	}
	scopes, err := store.AllTx[oauth2.ScopeMapping](tx, store.Query{})
	if err != nil {
		return nil, err
	}
	mappings := []string{}
	for _, m := range scopes {
		switch m.ScopeName {
		case "openid", "email", "profile", "offline_access":
			if m.Managed != nil {
				mappings = append(mappings, m.PK)
			}
		}
	}
	p["client_type"], p["redirect_uris"], p["property_mappings"] = in.ClientType, in.RedirectURIs, mappings
	if in.ClientID != "" {
		p["client_id"] = in.ClientID
	}
	if in.ClientSecret != "" {
		p["client_secret"] = in.ClientSecret
	}
	if t != nil {
		needs(t, in, p)
	}
	switch in.Signing {
	case "rs256":
		if p["signing_key"], err = houseKey(tx); err != nil {
			return nil, err
		}
	case "es256":
		k := *key
		if err := tx.Create(&k); err != nil {
			return nil, err
		}
		p["signing_key"] = k.PK
	}
	a, _, err := application.Together(tx, app, oauth2.Model, p)
	if err != nil {
		return nil, ungroup(err)
	}
	if in.IconURL != "" {
		if !strings.HasPrefix(in.IconURL, "https://") && !strings.HasPrefix(in.IconURL, "/static/") {
			return nil, fault.Field("icon_url", "Give an address that begins with https://.")
		}
		a.IconFile = in.IconURL
	}
	if t != nil {
		a.Template, a.TemplateURL = t.Slug, in.URL
	}
	if in.IconURL != "" || t != nil {
		if err := tx.Update(a); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// ungroup gives the faults of application and provider the names that the one form has.
func ungroup(err error) error {
	var f *fault.Error
	if !errors.As(err, &f) || len(f.Fields) == 0 {
		return err
	}
	out := *f
	out.Fields = map[string][]string{}
	for name, ms := range f.Fields {
		_, field, _ := strings.Cut(name, fault.Inside)
		switch field {
		case "meta_launch_url":
			field = "launch_url"
		case "":
			field = name
		}
		out.Fields[field] = append(out.Fields[field], ms...)
	}
	return &out
}

// bind lets people and groups use an application.
func bind(tx *store.Tx, app string, users []int64, groups []string) error {
	order := 0
	for _, u := range users {
		b := store.KindOf[policy.Binding](tx.Store()).New().(*policy.Binding)
		b.Target, b.User, b.Order = app, &u, order
		if err := tx.Create(b); fault.Is(err, fault.Invalid) {
			return fault.Field("users", fmt.Sprintf("There is no user %d.", u))
		} else if err != nil {
			return err
		}
		order++
	}
	for _, g := range groups {
		b := store.KindOf[policy.Binding](tx.Store()).New().(*policy.Binding)
		b.Target, b.Group, b.Order = app, &g, order
		if err := tx.Create(b); fault.Is(err, fault.Invalid) {
			return fault.Field("groups", "There is no group "+g+".")
		} else if err != nil {
			return err
		}
		order++
	}
	return nil
}

func (r *Room) setAccess(ctx context.Context, c *kind.Call, in *SetAccess) (Access, error) {
	a, err := store.Find[application.Application](ctx, r.Store, "slug", c.Key)
	if err != nil {
		return Access{}, err
	}
	if !in.Everyone && len(in.Users) == 0 && len(in.Groups) == 0 {
		return Access{}, fault.Field("everyone", "Choose at least one person or group, or everyone.")
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		bs, err := store.AllTx[policy.Binding](tx, bindingsOf(a.PK))
		if err != nil {
			return err
		}
		k := store.KindOf[policy.Binding](r.Store)
		for _, b := range bs {
			if b.Policy != nil { // set under Advanced: stays
				continue
			}
			if err := tx.Delete(k, b.PK); err != nil {
				return err
			}
		}
		if in.Everyone {
			return nil
		}
		return bind(tx, a.PK, in.Users, in.Groups)
	})
	if err != nil {
		return Access{}, err
	}
	return r.access(ctx, a)
}

func bindingsOf(target string) store.Query {
	return store.Query{Where: "o.pk IN (SELECT src FROM ref WHERE family = 'pbm' AND dst = ?)", Args: []any{target}, Order: []string{"order"}}
}

// access tells who may use an application, in a sentence too.
func (r *Room) access(ctx context.Context, a *application.Application) (Access, error) {
	out := Access{Users: []Person{}, Groups: []GroupOf{}}
	bs, err := store.All[policy.Binding](ctx, r.Store, bindingsOf(a.PK))
	if err != nil {
		return out, err
	}
	rules := 0
	for _, b := range bs {
		switch {
		case !b.Enabled:
		case b.User != nil && !b.Negate:
			u, err := r.Users.ByPK(ctx, *b.User)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return out, err
			}
			out.Users = append(out.Users, Person{u.PK, u.Username, u.Name})
		case b.Group != nil && !b.Negate:
			g, err := store.Get[user.Group](ctx, r.Store, *b.Group)
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return out, err
			}
			out.Groups = append(out.Groups, GroupOf{g.PK, g.Name})
		default:
			rules++
		}
	}
	out.Everyone = len(out.Users) == 0 && len(out.Groups) == 0 && rules == 0
	out.Sentence = sentence(out, rules, a.PolicyEngine)
	return out, nil
}

func sentence(a Access, rules int, mode string) string {
	if a.Everyone {
		return "Everyone with an account can use this application."
	}
	var who []string
	for _, u := range a.Users {
		who = append(who, u.Username)
	}
	for _, g := range a.Groups {
		who = append(who, "members of "+g.Name)
	}
	if rules > 0 {
		who = append(who, fmt.Sprintf("whoever passes %d further rules", rules))
		if rules == 1 {
			who[len(who)-1] = "whoever passes one further rule"
		}
	}
	last := " and "
	if mode == policy.All {
		return "Only people of whom all of this is true can use this application: " + join(who, ", ", last) + "."
	}
	text := join(who, ", ", last) + " can use this application."
	return strings.ToUpper(text[:1]) + text[1:]
}

func join(parts []string, sep, last string) string {
	if len(parts) < 2 {
		return strings.Join(parts, sep)
	}
	return strings.Join(parts[:len(parts)-1], sep) + last + parts[len(parts)-1]
}

func (r *Room) getApp(ctx context.Context, c *kind.Call, _ *kind.None) (App, error) {
	return r.showApp(ctx, c.Key)
}

// showApp gives an application with every value that the other side asks for.
func (r *Room) showApp(ctx context.Context, slug string) (App, error) {
	a, err := store.Find[application.Application](ctx, r.Store, "slug", slug)
	if err != nil {
		return App{}, err
	}
	out := App{Application: a, Values: []Value{}, Warnings: []string{}}
	if err := r.Store.KindFor(a).Present(ctx, []any{a}, nil); err != nil {
		return out, err
	}
	if out.Access, err = r.access(ctx, a); err != nil {
		return out, err
	}
	if p, ok := a.ProviderObj.(*saml.Provider); ok {
		err := r.showSAML(ctx, a, p, &out)
		return out, err
	}
	p, ok := a.ProviderObj.(*oauth2.Provider)
	if !ok {
		out.Provider = nil
		return out, nil
	}
	if err := provider.Present(r.Store)(ctx, []any{p}, nil); err != nil {
		return out, err
	}
	out.Provider = p
	out.Warnings = append(out.Warnings, p.Warnings()...)
	base := r.base(ctx)
	may, err := r.Apps.May(ctx, store.ActorOf(ctx), "authentik_providers_oauth2.change_oauth2provider", strconv.FormatInt(p.PK, 10))
	if err != nil {
		return out, err
	}
	if t := catalog.Find(a.Template); t != nil {
		out.Guide = guideOf(t, a.TemplateURL)
		out.Values, err = r.templateValues(ctx, t, a.TemplateURL, p, base, may)
		return out, err
	}
	out.Values, err = r.values(ctx, p, base, may)
	return out, err
}

// base is scheme and host that the other side is to use.
func (r *Room) base(ctx context.Context) string {
	if u := r.URL(ctx); u != "" {
		return u
	}
	h := store.ActorOf(ctx).HTTP
	return h.Scheme + "://" + h.Host
}
