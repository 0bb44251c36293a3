package server

import (
	"context"
	"net/url"
	"os"
	"runtime"
	"time"

	"gatehouse/backend/event"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// RootConfig is what a page may know of the server before anybody signed in.
type RootConfig struct {
	ErrorReporting  ErrorReporting `json:"error_reporting" is:"required"`
	Capabilities    []string       `json:"capabilities" is:"required" enum:"can_save_media,can_geo_ip,can_asn,can_impersonate,can_debug,is_enterprise"`
	CacheTimeout    int            `json:"cache_timeout" is:"required"`
	CacheFlows      int            `json:"cache_timeout_flows" is:"required"`
	CachePolicies   int            `json:"cache_timeout_policies" is:"required"`
	CacheReputation int            `json:"cache_timeout_reputation" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (RootConfig) SchemaName() string { return "Config" }

// ErrorReporting says where errors are sent: nowhere.
type ErrorReporting struct {
	Enabled bool    `json:"enabled" is:"required,readonly"`
	DSN     string  `json:"sentry_dsn" is:"required,readonly"`
	Env     string  `json:"environment" is:"required,readonly"`
	PII     bool    `json:"send_pii" is:"required,readonly"`
	Rate    float64 `json:"traces_sample_rate" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (ErrorReporting) SchemaName() string { return "ErrorReportingConfig" }

// Version tells which version runs.
type Version struct {
	Current     string `json:"version_current" is:"required,readonly"`
	Latest      string `json:"version_latest" is:"required,readonly"`
	LatestValid bool   `json:"version_latest_valid" is:"required,readonly"`
	Build       string `json:"build_hash" is:"required,readonly"`
	Outdated    bool   `json:"outdated" is:"required,readonly"`
}

// System tells what the server runs on.
type System struct {
	Headers  map[string]string `json:"http_headers" is:"required,readonly"`
	Host     string            `json:"http_host" is:"required,readonly"`
	Secure   bool              `json:"http_is_secure" is:"required,readonly"`
	Runtime  Runtime           `json:"runtime" is:"required,readonly"`
	Brand    string            `json:"brand" is:"required,readonly"`
	Time     time.Time         `json:"server_time" is:"required,readonly" format:"date-time"`
	Disabled bool              `json:"embedded_outpost_disabled" is:"required,readonly"`
	Outpost  string            `json:"embedded_outpost_host" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (System) SchemaName() string { return "SystemInfo" }

// Runtime is the machine. The published names of two members are those of another language's parts.
type Runtime struct {
	Python       string `json:"python_version" is:"required"`
	Gunicorn     string `json:"gunicorn_version" is:"required"`
	Environment  string `json:"environment" is:"required"`
	Architecture string `json:"architecture" is:"required"`
	Platform     string `json:"platform" is:"required"`
	Uname        string `json:"uname" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Runtime) SchemaName() string { return "SystemInfoRuntime" }

// wireVersion is the release whose API is spoken; clients compare it with their own.
const wireVersion = "2024.4.2"

// rootEndpoints are the operations about the server itself.
func (r *rooms) rootEndpoints(o Options) []kind.Action {
	config := kind.Do("GET", "root/config", func(ctx context.Context, _ *kind.Call, _ *kind.None) (RootConfig, error) {
		s, err := r.brands.Settings(ctx)
		out := RootConfig{Capabilities: []string{"can_save_media", "is_enterprise"}, ErrorReporting: ErrorReporting{Env: "gatehouse"}}
		if s.Impersonation {
			out.Capabilities = append(out.Capabilities, "can_impersonate")
		}
		out.CacheTimeout, out.CacheFlows, out.CachePolicies, out.CacheReputation = 300, 300, 300, 300
		return out, err
	})
	config.Access = kind.Anybody
	version := kind.Do("GET", "admin/version", func(context.Context, *kind.Call, *kind.None) (Version, error) {
		return Version{Current: wireVersion, Latest: wireVersion, Build: o.Version}, nil
	})
	version.Access = kind.SignedIn
	system := func(method, op string) kind.Action {
		a := kind.Do(method, "admin/system", func(ctx context.Context, _ *kind.Call, _ *kind.None) (System, error) {
			actor := store.ActorOf(ctx)
			host, err := os.Hostname()
			return System{
				Headers: map[string]string{"Host": actor.HTTP.Host, "User-Agent": actor.HTTP.UserAgent}, Host: actor.HTTP.Host, Secure: actor.HTTP.Scheme == "https",
				Runtime: Runtime{Environment: "gatehouse " + o.Version, Architecture: runtime.GOARCH, Platform: runtime.GOOS, Uname: host + " " + runtime.Version()},
				Brand:   actor.Brand.Name, Time: time.Now().UTC(), Disabled: true,
			}, err
		})
		a.Perm, a.Operation, a.Status = "authentik_rbac.view_system_info", op, 200
		return a
	}
	logins := kind.Do("GET", "admin/metrics", func(ctx context.Context, _ *kind.Call, _ *kind.None) (LoginMetrics, error) {
		m, err := r.metrics(ctx, url.Values{})
		return LoginMetrics(m), err
	})
	logins.Perm = "authentik_events.view_event"
	return []kind.Action{config, version, system("GET", "admin_system_retrieve"), system("POST", "admin_system_create"), logins}
}

// LoginMetrics are everybody's sign-ins over a week.
type LoginMetrics struct {
	Logins         []event.Coordinate `json:"logins" is:"required,readonly"`
	LoginsFailed   []event.Coordinate `json:"logins_failed" is:"required,readonly"`
	Authorizations []event.Coordinate `json:"authorizations" is:"required,readonly"`
}
