package session

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/geo"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"

	"github.com/mileusna/useragent"
)

// Family is the shelf of sessions in which somebody signed in.
var Family = &kind.Family{Name: "sessions", Param: "uuid", Title: "session"}

// Authenticated is a session as its owner and admins see it.
type Authenticated struct {
	UUID      string       `json:"uuid" is:"nofilter" format:"uuid"`
	Current   bool         `json:"current" is:"computed,required"`
	UserAgent Agent        `json:"user_agent" is:"computed,required"`
	GeoIP     *geo.Place   `json:"geo_ip" is:"computed,required"`
	ASN       *geo.Network `json:"asn" is:"computed,required"`
	User      int64        `json:"user" is:"required,nofilter" ref:"users cascade"`
	LastIP    string       `json:"last_ip" is:"required,search"`
	LastAgent string       `json:"last_user_agent" is:"search"`
	LastUsed  time.Time    `json:"last_used" is:"readonly,required,nofilter" format:"date-time"`
	Expires   *time.Time   `json:"expires" is:"nofilter" format:"date-time"`
}

// Agent is what the User-Agent header tells.
type Agent struct {
	Device  Device  `json:"device" is:"required"`
	OS      OS      `json:"os" is:"required"`
	Browser Browser `json:"user_agent" is:"required"`
	String  string  `json:"string" is:"required"`
}

// Device is the thing in somebody's hand.
type Device struct {
	Brand  string `json:"brand" is:"required"`
	Family string `json:"family" is:"required"`
	Model  string `json:"model" is:"required"`
}

// OS is its operating system.
type OS struct {
	Family     string `json:"family" is:"required"`
	Major      string `json:"major" is:"required"`
	Minor      string `json:"minor" is:"required"`
	Patch      string `json:"patch" is:"required"`
	PatchMinor string `json:"patch_minor" is:"required"`
}

// Browser is the program.
type Browser struct {
	Family string `json:"family" is:"required"`
	Major  string `json:"major" is:"required"`
	Minor  string `json:"minor" is:"required"`
	Patch  string `json:"patch" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Agent) SchemaName() string { return "SessionUserAgent" }

// SchemaName implements kind.SchemaNamer.
func (Device) SchemaName() string { return "SessionUserAgentDevice" }

// SchemaName implements kind.SchemaNamer.
func (OS) SchemaName() string { return "SessionUserAgentOS" }

// SchemaName implements kind.SchemaNamer.
func (Browser) SchemaName() string { return "SessionUserAgentBrowser" }

// Kinds describes sessions.
func (r *Room) Kinds() []*kind.Kind {
	return []*kind.Kind{kind.Of[Authenticated](Family, kind.Spec{
		Path: "core/authenticated_sessions", Model: "authentik_core.authenticatedsession", Schema: "AuthenticatedSession", Title: "Authenticated Session",
		Table: "sessions", Where: `o."user" IS NOT NULL`, Owner: "user", Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"-last_used"},
		Filters: []kind.Filter{{Name: "user__username", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			return `o."user" IN (SELECT pk FROM users WHERE username = ?)`, []any{v}, nil
		}}},
		Present: func(ctx context.Context, rows []any, _ url.Values) error {
			mine := store.ActorOf(ctx).Session
			for _, row := range rows {
				s := row.(*Authenticated)
				s.Current = s.UUID == mine
				s.UserAgent = ParseAgent(s.LastAgent)
				s.GeoIP = r.Geo.Place(s.LastIP)
				s.ASN, _ = r.Geo.Network(s.LastIP)
			}
			return nil
		},
	}, nil)}
}

// ParseAgent reads a User-Agent header into the published shape.
func ParseAgent(header string) Agent {
	ua := useragent.Parse(header)
	a := Agent{String: header}
	a.Browser = Browser{Family: or(ua.Name, "Other"), Major: num(ua.VersionNo.Major), Minor: num(ua.VersionNo.Minor), Patch: num(ua.VersionNo.Patch)}
	a.OS = OS{Family: or(ua.OS, "Other"), Major: num(ua.OSVersionNo.Major), Minor: num(ua.OSVersionNo.Minor), Patch: num(ua.OSVersionNo.Patch)}
	a.Device = Device{Family: or(ua.Device, "Other"), Model: ua.Device}
	if ua.OS == useragent.MacOS || ua.OS == useragent.IOS {
		a.Device.Brand = "Apple"
		if ua.OS == useragent.MacOS {
			a.Device.Family, a.Device.Model = "Mac", "Mac"
		}
	}
	return a
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func num(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
