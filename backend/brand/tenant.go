package brand

import (
	"context"
	"regexp"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// The shelves of the tenant and of its names.
var (
	Tenants = &kind.Family{Name: "tenants", Param: "tenant_uuid", Title: "tenant"}
	Domains = &kind.Family{Name: "domains", Key: kind.Int, Param: "id", Title: "domain"}
)

// Tenant is this house. There is one.
type Tenant struct {
	PK     string `json:"tenant_uuid" is:"readonly" format:"uuid"`
	Schema string `json:"schema_name" is:"required,unique,search" max:"63" help:"The name that the release gives the tenant's tables; it stays as it is."`
	Name   string `json:"name" is:"required,unique,search" help:"What the tenant is called."`
	Ready  bool   `json:"ready" help:"Whether the tenant answers; it always does."`
}

// Domain is a name under which the house answers besides its configured one.
type Domain struct {
	ID      int64  `json:"id" is:"readonly"`
	Domain  string `json:"domain" is:"required,unique,search" max:"253" help:"The host name, without a port."`
	Primary bool   `json:"is_primary" default:"true" help:"Whether this is the tenant's main name."`
	Tenant  string `json:"tenant" is:"required" ref:"tenants cascade" format:"uuid" help:"The tenant that answers."`

	room *Room
}

// TenantKinds describes the tenant and its names; more is what rooms above let one do with it.
func (r *Room) TenantKinds(more ...kind.Action) []*kind.Kind {
	return []*kind.Kind{
		kind.Of[Tenant](Tenants, kind.Spec{
			Path: "tenants/tenants", Model: "authentik_tenants.tenant", Schema: "Tenant", Title: "Tenant", Table: "tenants", Order: []string{"name"}, By: []string{},
			About: "This house: there is one.", Verbs: kind.AllVerbs &^ kind.UsedBy, Unlisted: true, Actions: more,
		}, nil),
		kind.Of(Domains, kind.Spec{
			Path: "tenants/domains", Model: "authentik_tenants.domain", Schema: "Domain", Title: "Domain", Table: "tenant_domains", Order: []string{"domain"}, By: []string{},
			About: "A name under which the house answers.", Verbs: kind.AllVerbs &^ kind.UsedBy, Unlisted: true,
		}, func() *Domain { return &Domain{room: r} }),
	}
}

// hostName is a name that a Host header may have.
var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// Deleting implements store.Deleter.
func (d *Domain) Deleting(tx *store.Tx) error {
	tx.AfterCommit(func() { d.room.changed.Add(1) })
	return nil
}

// Saving implements store.Saver.
func (d *Domain) Saving(tx *store.Tx, _ any) error {
	tx.AfterCommit(func() { d.room.changed.Add(1) })
	d.Domain = strings.ToLower(d.Domain)
	if !hostName.MatchString(d.Domain) {
		return fault.Field("domain", "Enter a host name such as login.example.com.")
	}
	return nil
}

// Saving implements store.Saver: the tenant can be renamed and nothing else.
func (t *Tenant) Saving(_ *store.Tx, old any) error {
	before, ok := old.(*Tenant)
	if !ok {
		return fault.New(fault.Invalid, "Gatehouse serves one tenant. Install it once more for another.")
	}
	var bad fault.Fields
	if t.Schema != before.Schema {
		bad.Add("schema_name", "The schema of the tenant can't be changed.")
	}
	if !t.Ready {
		bad.Add("ready", "The tenant always answers.")
	}
	return bad.Err()
}

// Deleting implements store.Deleter.
func (t *Tenant) Deleting(*store.Tx) error {
	return fault.New(fault.Conflict, "The only tenant can't be deleted.")
}

// EnsureTenant writes the tenant of this installation when it is not there yet.
func EnsureTenant(ctx context.Context, s *store.Store, install string) error {
	var n int
	if err := s.DB().QueryRow(ctx, `SELECT count(*) FROM tenants`).Scan(&n); err != nil || n > 0 {
		return err
	}
	return s.Write(ctx, store.House, func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO tenants (tenant_uuid, schema_name, name, ready) VALUES (?, 'public', 'Default', 1) ON CONFLICT DO NOTHING`, install)
		return err
	})
}

// TenantDomains gives the names of the tenant.
func (r *Room) TenantDomains(ctx context.Context) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if gen := r.changed.Load(); r.domains == nil || r.domainsGen != gen {
		domains, err := tenantDomains(ctx, r.Store)
		if err != nil {
			return nil, err
		}
		r.domains, r.domainsGen = domains, gen
	}
	return r.domains, nil
}

func tenantDomains(ctx context.Context, s *store.Store) ([]string, error) {
	rows, err := s.DB().Query(ctx, `SELECT domain FROM tenant_domains ORDER BY domain`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []string{}
	for rows.Next() {
		var d string
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}
