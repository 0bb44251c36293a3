// Package brand keeps how the house looks and what holds for all of it: brands by domain, the published system settings, and the
// settings of this appliance (its name on the network, who may reach the admin pages).
package brand

import (
	"context"
	"net"
	"net/url"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Family is the shelf of brands.
var Family = &kind.Family{Name: "brands", Param: "brand_uuid", Title: "brand"}

// settingsFamily is the shelf of the single rows of settings; no door serves it as a collection.
var settingsFamily = &kind.Family{Name: "settings", Param: "pk", Title: "settings"}

// Brand is how the pages look under a domain, and which flows they use.
type Brand struct {
	PK               string         `json:"brand_uuid" is:"readonly" format:"uuid"`
	Domain           string         `json:"domain" is:"required,unique,search" help:"The brand counts for addresses that end with this domain."`
	Default          bool           `json:"default" help:"The brand for every other address."`
	Title            string         `json:"branding_title" is:"search" default:"Gatehouse"`
	Logo             string         `json:"branding_logo" default:"/static/dist/assets/icons/icon_left_brand.svg"`
	Favicon          string         `json:"branding_favicon" default:"/static/dist/assets/icons/icon.png"`
	FlowAuth         *string        `json:"flow_authentication" ref:"flows protect" format:"uuid"`
	FlowInvalidation *string        `json:"flow_invalidation" ref:"flows" format:"uuid"`
	FlowRecovery     *string        `json:"flow_recovery" ref:"flows" format:"uuid"`
	FlowUnenrollment *string        `json:"flow_unenrollment" ref:"flows" format:"uuid"`
	FlowUserSettings *string        `json:"flow_user_settings" ref:"flows" format:"uuid"`
	FlowDeviceCode   *string        `json:"flow_device_code" ref:"flows" format:"uuid"`
	WebCertificate   *string        `json:"web_certificate" ref:"keypairs" format:"uuid" help:"The certificate that browsers get under this domain."`
	Attributes       map[string]any `json:"attributes" is:"nofilter" type:"any" group:"advanced"`
}

// Settings are the published system settings (protocols.md 10.7).
type Settings struct {
	PK             string `json:"pk" is:"hidden"`
	Avatars        string `json:"avatars" default:"gravatar,initials" help:"Where pictures of people come from, in order: gravatar, initials, none, attributes.NAME, or a web address with %(username)s, %(mail_hash)s or %(upn)s."`
	ChangeName     bool   `json:"default_user_change_name" default:"true" help:"People may change their own name."`
	ChangeEmail    bool   `json:"default_user_change_email" help:"People may change their own e-mail address."`
	ChangeUsername bool   `json:"default_user_change_username" help:"People may change their own username."`
	EventRetention string `json:"event_retention" default:"days=365" format:"duration" help:"How long the activity log is kept."`
	FooterLinks    []Link `json:"footer_links" type:"any" help:"Links at the foot of the sign-in pages."`
	GDPR           bool   `json:"gdpr_compliance" default:"true" help:"When a person is deleted, their activity goes too."`
	Impersonation  bool   `json:"impersonation" default:"true" help:"Admins may act as another person."`
	TokenDuration  string `json:"default_token_duration" default:"days=1" format:"duration" help:"How long new tokens last."`
	TokenLength    int    `json:"default_token_length" default:"60" min:"1" max:"2147483647" help:"How many characters new tokens have."`
}

// Link is a link at the foot of the pages.
type Link struct {
	Name string `json:"name" is:"required"`
	Href string `json:"href" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Link) SchemaName() string { return "FooterLink" }

// House are the settings of this appliance.
type House struct {
	PK           string   `json:"pk" is:"hidden"`
	Name         string   `json:"name" is:"hidden"`
	OfficeName   string   `json:"office_name"`
	ServerName   string   `json:"server_name"`
	AllowedHosts []string `json:"allowed_hosts"`
	AdminOnLAN   bool     `json:"admin_on_lan"`
	SetupDone    bool     `json:"setup_done"`
	LastBackup   int64    `json:"last_backup"` // microseconds since 1970, 0 = never
	TrustSeen    bool     `json:"trust_seen"`  // another device took the CA
}

// the keys of the single rows.
const (
	settingsPK = "00000000-0000-4000-8000-000000000001"
	housePK    = "00000000-0000-4000-8000-000000000002"
)

// Room gives brands and settings. What it read is kept until something changes.
type Room struct {
	Store *store.Store

	mu       sync.Mutex
	gen      uint64
	brands   []*Brand
	settings *Settings
	house    *House
	domains  []string // nil: not read yet

	domainsGen uint64
	changed    atomic.Uint64 // raised by every change of the domains
}

// Kinds describes brands and the rows of settings.
func (r *Room) Kinds() []*kind.Kind {
	current := kind.Collection("GET", "current", "", r.current)
	current.Access = kind.Anybody
	return []*kind.Kind{
		kind.Of[Brand](Family, kind.Spec{
			Path: "core/brands", Model: "authentik_brands.brand", Schema: "Brand", Title: "Brand", Order: []string{"domain"},
			Actions: []kind.Action{current},
		}, nil),
		kind.Of[Settings](settingsFamily, kind.Spec{Model: "authentik_tenants.tenant", Schema: "Settings", Title: "Settings", Plural: "Settings", View: true}, nil),
		kind.Of[House](settingsFamily, kind.Spec{Model: "gatehouse.house", Schema: "HouseSettings", Title: "Appliance settings", Plural: "Appliance settings"}, nil),
	}
}

// Saving implements store.Saver.
func (b *Brand) Saving(tx *store.Tx, _ any) error {
	if b.Attributes == nil {
		b.Attributes = map[string]any{}
	}
	if !b.Default {
		return nil
	}
	bs, err := store.AllTx[Brand](tx, store.Query{})
	if err != nil {
		return err
	}
	for _, o := range bs {
		if o.Default && o.PK != b.PK {
			return fault.Field("default", "Only a single brand can be set as default.")
		}
	}
	return nil
}

// Validate implements store.Validator.
func (b *Brand) Validate() error {
	for name, at := range map[string]string{"branding_logo": b.Logo, "branding_favicon": b.Favicon} {
		if u, err := url.Parse(at); err != nil || (u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") {
			return fault.Field(name, "Give a path on this server or an address that begins with https://.")
		}
	}
	return nil
}

// Validate implements store.Validator.
func (s *Settings) Validate() error {
	var bad fault.Fields
	for name, v := range map[string]string{"event_retention": s.EventRetention, "default_token_duration": s.TokenDuration} {
		if err := bad.Merge(span.Check(name, v)); err != nil {
			return err
		}
		if d, err := span.Parse(v); err == nil && d <= 0 {
			bad.Add(name, "The time has to be longer than zero.")
		}
	}
	for _, l := range s.FooterLinks {
		u, err := url.Parse(l.Href)
		if err != nil || l.Name == "" || (u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto" && (u.Scheme != "" || !strings.HasPrefix(u.Path, "/"))) {
			bad.Add("footer_links", "Each link needs a name and an address that begins with https://, http://, mailto: or /.")
			break
		}
	}
	for mode := range strings.SplitSeq(s.Avatars, ",") {
		mode = strings.TrimSpace(mode)
		if mode != "none" && mode != "gravatar" && mode != "initials" && !strings.HasPrefix(mode, "attributes.") && !strings.HasPrefix(mode, "https://") && !strings.HasPrefix(mode, "http://") {
			bad.Add("avatars", "Use gravatar, initials, none, attributes.NAME or a web address, with commas between them.")
			break
		}
	}
	return bad.Err()
}

// refresh reads everything anew when something changed since it was read.
func (r *Room) refresh(ctx context.Context) error {
	gen := r.Store.Generation()
	r.mu.Lock()
	fresh := r.settings != nil && r.gen == gen
	r.mu.Unlock()
	if fresh {
		return nil
	}
	brands, err := store.All[Brand](ctx, r.Store, store.Query{})
	if err != nil {
		return err
	}
	// The longest domain that fits wins; the default comes last.
	sort.SliceStable(brands, func(i, j int) bool {
		a, b := brands[i], brands[j]
		if a.Default != b.Default {
			return b.Default
		}
		return len(a.Domain) > len(b.Domain)
	})
	s, err := one[Settings](ctx, r.Store, settingsPK)
	if err != nil {
		return err
	}
	h, err := one[House](ctx, r.Store, housePK)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gen, r.brands, r.settings, r.house = gen, brands, s, h
	return nil
}

// one reads a single row, or gives its defaults when it was never stored.
func one[T any](ctx context.Context, s *store.Store, pk string) (*T, error) {
	v, err := store.Get[T](ctx, s, pk)
	if fault.Is(err, fault.NotFound) {
		return store.KindOf[T](s).New().(*T), nil
	}
	return v, err
}

// Settings gives the system settings; don't change what they point to.
func (r *Room) Settings(ctx context.Context) (Settings, error) {
	if err := r.refresh(ctx); err != nil {
		return Settings{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.settings, nil
}

// House gives the settings of the appliance.
func (r *Room) House(ctx context.Context) (House, error) {
	if err := r.refresh(ctx); err != nil {
		return House{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return *r.house, nil
}

// Brands gives all brands, those with the longest domain first and the default last.
func (r *Room) Brands(ctx context.Context) ([]*Brand, error) {
	if err := r.refresh(ctx); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.brands, nil
}

// For gives the brand of a Host header: the longest domain that it ends with, else the default; a brand called fallback when there is none.
func (r *Room) For(ctx context.Context, host string) (*Brand, error) {
	brands, err := r.Brands(ctx)
	if err != nil {
		return nil, err
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	for _, b := range brands {
		if b.Default || host == strings.ToLower(b.Domain) || strings.HasSuffix(host, "."+strings.ToLower(b.Domain)) {
			return b, nil
		}
	}
	b := store.KindOf[Brand](r.Store).New().(*Brand)
	b.Domain = "fallback"
	return b, nil
}

// ChangeSettings stores the system settings after change worked on a copy.
func (r *Room) ChangeSettings(tx *store.Tx, change func(s *Settings) error) error {
	return write(tx, settingsPK, func(s *Settings) { s.PK = settingsPK }, change)
}

// ChangeHouse stores the settings of the appliance after change worked on a copy.
func (r *Room) ChangeHouse(tx *store.Tx, change func(h *House) error) error {
	return write(tx, housePK, func(h *House) { h.PK, h.Name = housePK, "appliance" }, change)
}

func write[T any](tx *store.Tx, pk string, fresh func(*T), change func(*T) error) error {
	v, err := store.GetTx[T](tx, pk)
	missing := fault.Is(err, fault.NotFound)
	if err != nil && !missing {
		return err
	}
	if missing {
		v = store.KindOf[T](tx.Store()).New().(*T)
		fresh(v)
	}
	if err := change(v); err != nil {
		return err
	}
	if missing {
		return tx.Create(v)
	}
	return tx.Update(v)
}

// Theme gives the theme of the brand's attributes: automatic, light or dark.
func (b *Brand) Theme() string {
	t, _ := dig(b.Attributes, "settings", "theme", "base").(string)
	if t == "light" || t == "dark" {
		return t
	}
	return "automatic"
}

// Accent gives the colour of the brand's attributes, "" when there is none.
func (b *Brand) Accent() string {
	s, _ := dig(b.Attributes, "settings", "theme", "accent").(string)
	return s
}

// Locale gives the language of the brand's attributes, "" when there is none.
func (b *Brand) Locale() string {
	s, _ := dig(b.Attributes, "settings", "locale").(string)
	return s
}

func dig(m map[string]any, path ...string) any {
	var at any = m
	for _, p := range path {
		n, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = n[p]
	}
	return at
}
