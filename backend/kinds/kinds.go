// Package kinds is the list: every kind that the house knows, in the order that people read it. A kind that is not here does not exist.
package kinds

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"

	"gatehouse/backend/application"
	"gatehouse/backend/arrival"
	"gatehouse/backend/auth"
	"gatehouse/backend/blueprint"
	"gatehouse/backend/brand"
	"gatehouse/backend/ca"
	"gatehouse/backend/cert"
	"gatehouse/backend/duoapi"
	"gatehouse/backend/event"
	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/gateway"
	"gatehouse/backend/geo"
	"gatehouse/backend/kind"
	"gatehouse/backend/license"
	"gatehouse/backend/mail"
	"gatehouse/backend/passkey"
	"gatehouse/backend/policy"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/provider/saml"
	scimprovider "gatehouse/backend/provider/scim"
	"gatehouse/backend/rbac"
	"gatehouse/backend/session"
	"gatehouse/backend/siteverify"
	samlsource "gatehouse/backend/source/saml"
	"gatehouse/backend/source/scim"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/task"
	"gatehouse/backend/text"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Rooms are what kinds may need; each takes from it exactly what its own Deps name.
type Rooms struct {
	Store    *store.Store
	Users    *user.Directory
	Roles    *rbac.Room
	Sessions *session.Room
	Tokens   *token.Room
	Events   *event.Log
	Geo      *geo.Room
	Brands   *brand.Room
	Certs    *cert.Room
	Apps     *application.Room
	Policies *policy.Engine
	Flows    *flow.Engine
	Arrivals *arrival.Room
	OAuth2   *oauth2.Room
	SAML     *saml.Room
	SCIM     *scim.Room
	SCIMOut  *scimprovider.Room
	Abroad   *samlsource.Room // people of SAML sources
	Tasks    *task.Room
	Auth     *auth.Room
	Keys     *passkey.Room
	Gateway  *gateway.Room
	// Client asks other servers, none of this machine's own.
	Client *http.Client
	// Duo speaks to an application at Duo.
	Duo func(host, key, secret string) *duoapi.Client
	// Captcha asks a captcha service whether an answer is good.
	Captcha func(ctx context.Context, address, secret, response, ip string) (siteverify.Verdict, error)
	Host    expr.Host
	Files   flow.Files
	Mail    *mail.Room
	// Blueprints makes objects out of files.
	Blueprints *blueprint.Room
	// TryTransport sends a sample notification.
	TryTransport func(ctx context.Context, t *event.Transport) ([]string, error)
	// Base gives the address of the house, "" before it has a name.
	Base func(ctx context.Context) string
	// PersonActions are what other rooms let one do with a user.
	PersonActions []kind.Action
	// TenantActions are what other rooms let one do with the tenant.
	TenantActions []kind.Action
	Log           *slog.Logger
	Texts         *text.Tables
}

// All gives every kind.
func All(r Rooms, stages []*stage.Kind) []*kind.Kind {
	var out []*kind.Kind
	for _, list := range [][]*kind.Kind{Records(r), Policies(r), Providers(r), Sources(r), Mappings(r)} {
		out = append(out, list...)
	}
	out = append(out, stage.BaseKind(stageDeps(r), r.Flows.UserSettings()))
	for _, s := range stages {
		out = append(out, s.Kind)
	}
	return out
}

// Aliases are the words of ref tags that stand for several families: whatever policies can be bound to.
func Aliases() map[string][]string {
	return map[string][]string{"pbm": {flow.Family.Name, flow.Bindings.Name, application.Family.Name, "sources", "endpoints", event.Rules.Name}}
}

// Records are the kinds that belong to no shelf.
func Records(r Rooms) []*kind.Kind {
	var out []*kind.Kind
	out = append(out, r.Users.Kinds(r.PersonActions...)...)
	out = append(out, r.Roles.Kinds()...)
	out = append(out, r.Tokens.Kinds()...)
	out = append(out, r.Sessions.Kinds()...)
	out = append(out, r.Brands.Kinds()...)
	out = append(out, r.Certs.Kinds()...)
	out = append(out, ca.Kind())
	out = append(out, r.Apps.Kinds()...)
	out = append(out, r.Events.Kinds()...)
	out = append(out, Notices(r)...)
	out = append(out, r.Tasks.Kinds()...)
	out = append(out, r.Mail.Kinds()...)
	out = append(out, license.Kinds(license.Deps{Store: r.Store, Install: r.Users.InstallID})...)
	out = append(out, r.Blueprints.Kinds()...)
	out = append(out, r.Brands.TenantKinds(r.TenantActions...)...)
	out = append(out, r.Flows.Kinds(r.Files)...)
	return append(out, StageRecords(r)...)
}

func stageDeps(r Rooms) stage.Deps {
	return stage.Deps{Store: r.Store, Flows: r.Flows.FlowsOf, Texts: r.Texts, Log: r.Log}
}

// shown gives objects of a family by key for the answer of another, nil for those that are gone.
func shown(r Rooms, family string) func(ctx context.Context, pks []string) (map[string]any, error) {
	return func(ctx context.Context, pks []string) (map[string]any, error) {
		if err := r.Store.Warm(ctx, family, pks); err != nil {
			return nil, err
		}
		out, rows := map[string]any{}, map[*kind.Kind][]any{}
		for _, pk := range pks {
			if _, seen := out[pk]; seen {
				continue
			}
			k, obj, err := r.Store.GetIn(ctx, family, pk)
			if fault.Is(err, fault.NotFound) {
				continue // gone meanwhile
			}
			if err != nil {
				return nil, err
			}
			out[pk], rows[k] = obj, append(rows[k], obj)
		}
		for k, objs := range rows { // what is computed belongs to what is shown
			if k.Present == nil {
				continue
			}
			if err := k.Present(ctx, objs, url.Values{}); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
}
