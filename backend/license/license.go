// Package license answers for the release's licences: Gatehouse needs none, keeps none, and everything is open without one.
package license

import (
	"context"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Family is the shelf of licences. It is always empty.
var Family = &kind.Family{Name: "licenses", Param: "license_uuid", Title: "license"}

// License is what a key of the release would be.
type License struct {
	PK       string    `json:"license_uuid" is:"readonly,nofilter" format:"uuid"`
	Name     string    `json:"name" is:"readonly,required,search"`
	Key      string    `json:"key" is:"required,secret,nofilter" help:"Gatehouse needs no licence and takes none."`
	Expiry   time.Time `json:"expiry" is:"readonly,required,nofilter" format:"date-time"`
	Internal int64     `json:"internal_users" is:"readonly,required,nofilter"`
	External int64     `json:"external_users" is:"readonly,required,nofilter"`
}

// Saving implements store.Saver: the keys of the release are for another program.
func (l *License) Saving(*store.Tx, any) error {
	return fault.Field("key", "Unable to verify license")
}

// InstallID names the installation.
type InstallID struct {
	InstallID string `json:"install_id" is:"required"`
}

// Forecast is how many people there are and, from those of the last month, may be in a year.
type Forecast struct {
	Internal         int64 `json:"internal_users" is:"required"`
	External         int64 `json:"external_users" is:"required"`
	ForecastInternal int64 `json:"forecasted_internal_users" is:"required"`
	ForecastExternal int64 `json:"forecasted_external_users" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Forecast) SchemaName() string { return "LicenseForecast" }

// Summary says that everything is open.
type Summary struct {
	Internal    int64     `json:"internal_users" is:"required"`
	External    int64     `json:"external_users" is:"required"`
	Valid       bool      `json:"valid" is:"required"`
	WarnAdmin   bool      `json:"show_admin_warning" is:"required"`
	WarnUser    bool      `json:"show_user_warning" is:"required"`
	ReadOnly    bool      `json:"read_only" is:"required"`
	LatestValid time.Time `json:"latest_valid" is:"required" format:"date-time"`
	Has         bool      `json:"has_license" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Summary) SchemaName() string { return "LicenseSummary" }

// Deps is what the room needs.
type Deps struct {
	Store   *store.Store
	Install string
}

// Kinds describes licences.
func Kinds(d Deps) []*kind.Kind {
	id := kind.Collection("GET", "get_install_id", "view", func(context.Context, *kind.Call, *kind.None) (InstallID, error) {
		return InstallID{d.Install}, nil
	})
	forecast := kind.Collection("GET", "forecast", "view", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Forecast, error) {
		var f Forecast
		var in, ex int64
		err := d.Store.DB().QueryRow(ctx, `SELECT `+people+`,
			coalesce(sum(is_active = 1 AND type = 'internal' AND date_joined >= ?), 0), coalesce(sum(is_active = 1 AND type = 'external' AND date_joined >= ?), 0) FROM users`,
			since(d.Store.Now()), since(d.Store.Now())).Scan(&f.Internal, &f.External, &in, &ex)
		f.ForecastInternal, f.ForecastExternal = in*12, ex*12
		return f, err
	})
	summary := kind.Collection("GET", "summary", "", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Summary, error) {
		s := Summary{Valid: true, Has: true, LatestValid: d.Store.Now().UTC()}
		return s, d.Store.DB().QueryRow(ctx, `SELECT `+people+` FROM users`).Scan(&s.Internal, &s.External)
	})
	summary.Access = kind.SignedIn
	return []*kind.Kind{kind.Of[License](Family, kind.Spec{
		Path: "enterprise/license", Model: "authentik_enterprise.license", Schema: "License", Title: "License", Order: []string{"name"},
		About: "A licence of the release. Gatehouse needs none.", Actions: []kind.Action{id, forecast, summary},
	}, nil)}
}

// people counts those who can sign in, by sort.
const people = `coalesce(sum(is_active = 1 AND type = 'internal'), 0), coalesce(sum(is_active = 1 AND type = 'external'), 0)`

// since is where the last month begins.
func since(now time.Time) int64 { return now.Add(-30 * 24 * time.Hour).UnixMicro() }
