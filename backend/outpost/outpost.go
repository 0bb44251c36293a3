// Package outpost keeps outposts: what serves providers that need a listener of their own, inside Gatehouse or on another machine.
//
//	outpost ─▶ providers          what it serves
//	        ─▶ service account    who it is, with a token and exactly the permissions that it needs
//	        ─▶ service connection where it could be started
package outpost

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	"gatehouse/backend/rbac"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// Family is the shelf of outposts.
var Family = &kind.Family{Name: "outposts", Param: "uuid", Title: "outpost"}

// Managed marks the outpost that is part of Gatehouse; Embedded is its name.
const (
	Managed  = "goauthentik.io/outposts/embedded"
	Embedded = "authentik Embedded Outpost"
)

// Outpost serves providers of one type.
type Outpost struct {
	PK            string         `json:"pk" is:"readonly" format:"uuid"`
	Name          string         `json:"name" is:"required,unique,search"`
	Type          string         `json:"type" is:"required" enum:"proxy,ldap,radius,rac"`
	Providers     []int64        `json:"providers" is:"required" ref:"providers" help:"What it serves."`
	ProvidersObj  []any          `json:"providers_obj" is:"computed,required" schema:"Provider[]"`
	Connection    *string        `json:"service_connection" ref:"serviceconnections set_default" format:"uuid" group:"advanced" help:"Where Gatehouse starts it. Empty: you start it yourself."`
	ConnectionObj any            `json:"service_connection_obj" is:"computed,required" schema:"ServiceConnection"`
	TokenName     string         `json:"token_identifier" is:"computed,required"`
	Config        map[string]any `json:"config" is:"required" group:"advanced"`
	Managed       *string        `json:"managed" is:"unique" group:"advanced"`

	Account int64 `json:"account" is:"hidden"` // the service account; 0: it needs none

	room *Room
}

// Room keeps outposts and their accounts.
type Room struct {
	Store  *store.Store
	Tokens *token.Room
}

// served are the models of the providers that a type of outpost serves.
var served = map[string]string{
	"proxy": "authentik_providers_proxy.proxyprovider", "ldap": "authentik_providers_ldap.ldapprovider", "radius": "authentik_providers_radius.radiusprovider", "rac": "authentik_providers_rac.racprovider",
}

func (o *Outpost) embedded() bool { return o.Managed != nil && *o.Managed == Managed }

// Saving implements store.Saver: the rules of protocols.md 8.1.
func (o *Outpost) Saving(tx *store.Tx, old any) error {
	var bad fault.Fields
	before, _ := old.(*Outpost)
	if before != nil && before.embedded() {
		o.Managed = before.Managed
		if o.Name != before.Name {
			bad.Add("name", "Embedded outpost's name cannot be changed")
		}
	} else if o.embedded() && !tx.Actor.System {
		bad.Add("managed", "There is one embedded outpost only.")
	}
	if len(o.Providers) == 0 && !o.embedded() {
		bad.Add("providers", "This list may not be empty.")
	}
	for _, pk := range o.Providers {
		k, _, err := tx.GetIn(provider.Family.Name, strconv.FormatInt(pk, 10))
		if fault.Is(err, fault.NotFound) {
			continue // told with the other references
		}
		if err != nil {
			return err
		}
		if k.Model != served[o.Type] {
			bad.Add(fault.NonField, fmt.Sprintf("Outpost type %s can't be used with %s providers.", o.Type, k.Schema))
			break
		}
	}
	if o.Config == nil {
		o.Config = map[string]any{}
	}
	if why := checkConfig(o.Config); why != "" {
		bad.Add("config", "Failed to validate config: "+why)
	}
	if err := bad.Err(); err != nil || o.embedded() {
		return err
	}
	return o.giveAccount(tx)
}

// account is the name of the service account.
func (o *Outpost) account() string { return "ak-outpost-" + strings.ReplaceAll(o.PK, "-", "") }

func (o *Outpost) token() string { return "ak-outpost-" + o.PK + "-api" }

// giveAccount makes the service account and its token unless they are there. The embedded outpost needs none: it is in the same process.
func (o *Outpost) giveAccount(tx *store.Tx) error {
	house := *tx
	house.Actor = store.House
	users := store.KindOf[user.User](tx.Store())
	u, err := store.GetTx[user.User](tx, strconv.FormatInt(o.Account, 10))
	if fault.Is(err, fault.NotFound) {
		u, err = store.FindTx[user.User](tx, "username", o.account())
	}
	if fault.Is(err, fault.NotFound) {
		u = users.New().(*user.User)
		u.Username, u.Name, u.Type, u.Path = o.account(), "Outpost "+o.Name+" Service-Account", user.InternalService, "goauthentik.io/outposts"
		err = house.Create(u)
	}
	if err != nil {
		return err
	}
	o.Account = u.PK
	_, err = store.FindTx[token.Token](tx, "identifier", o.token())
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	managed := "goauthentik.io/outpost/" + o.token()
	return house.Create(o.room.Tokens.Fresh(token.Token{
		Identifier: o.token(), Intent: token.API, User: u.PK, Managed: &managed, Description: "Autogenerated by authentik for Outpost " + o.Name,
	}))
}

// Saved implements store.AfterSaver: the account may see exactly what the outpost serves.
func (o *Outpost) Saved(tx *store.Tx, _ any) error {
	if o.Account == 0 {
		return nil
	}
	if _, err := tx.Exec(`DELETE FROM permission_grants WHERE "user" = ?`, o.Account); err != nil {
		return err
	}
	grant := func(permission, object string) error { return rbac.Grant(tx, o.Account, "", permission, object) }
	if err := grant("authentik_outposts.view_outpost", o.PK); err != nil {
		return err
	}
	if err := grant("authentik_events.add_event", ""); err != nil {
		return err
	}
	if o.Type == "ldap" {
		for _, p := range []string{"authentik_core.view_user", "authentik_core.view_group"} {
			if err := grant(p, ""); err != nil {
				return err
			}
		}
	}
	for _, pk := range o.Providers {
		k, p, err := tx.GetIn(provider.Family.Name, strconv.FormatInt(pk, 10))
		if err != nil {
			return err
		}
		if err := grant(k.Perm("view"), strconv.FormatInt(pk, 10)); err != nil {
			return err
		}
		f := k.Field("certificate")
		if f == nil {
			continue
		}
		if cert, ok := k.Value(p, f).Interface().(*string); ok && cert != nil {
			if err := grant("authentik_crypto.view_certificatekeypair", *cert); err != nil {
				return err
			}
		}
	}
	return nil
}

// Deleting implements store.Deleter: the account goes with the outpost, and its token with it.
func (o *Outpost) Deleting(tx *store.Tx) error {
	if o.embedded() {
		return fault.New(fault.Invalid, "The embedded outpost is part of Gatehouse and can't be deleted.")
	}
	if err := rbac.Forget(tx, o.PK); err != nil {
		return err
	}
	users := store.KindOf[user.User](tx.Store())
	house := *tx
	house.Actor = store.House
	err := house.Delete(users, strconv.FormatInt(o.Account, 10))
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Carries says whether the caller is the account of an outpost that serves a provider.
func (r *Room) Carries(ctx context.Context, pk int64) (bool, error) {
	me := store.ActorOf(ctx).UserPK
	if me == 0 {
		return false, nil
	}
	all, err := store.All[Outpost](ctx, r.Store, store.Query{})
	if err != nil {
		return false, err
	}
	for _, o := range all {
		if o.Account != me {
			continue
		}
		for _, p := range o.Providers {
			if p == pk {
				return true, nil
			}
		}
	}
	return false, nil
}

// present fills what is computed for a page of outposts.
func (r *Room) present(ctx context.Context, rows []any, _ url.Values) error {
	var all []any
	for _, row := range rows {
		o := row.(*Outpost)
		o.TokenName, o.ProvidersObj = o.token(), []any{}
		for _, pk := range o.Providers {
			_, p, err := r.Store.GetIn(ctx, provider.Family.Name, strconv.FormatInt(pk, 10))
			if fault.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			o.ProvidersObj = append(o.ProvidersObj, p)
			all = append(all, p)
		}
		if o.Connection != nil {
			_, c, err := r.Store.GetIn(ctx, Connections.Name, *o.Connection)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return err
			}
			o.ConnectionObj = c
		}
	}
	return provider.Present(r.Store)(ctx, all, nil)
}

// defaults is what an outpost's config is when nothing else is said.
const defaults = `{"log_level": "info", "docker_labels": null, "authentik_host": "", "docker_network": null, "container_image": null, "docker_map_ports": true, "kubernetes_replicas": 1,
	"kubernetes_namespace": "default", "authentik_host_browser": "", "object_naming_template": "ak-outpost-%(name)s", "authentik_host_insecure": false, "kubernetes_json_patches": null,
	"kubernetes_service_type": "ClusterIP", "kubernetes_image_pull_secrets": [], "kubernetes_ingress_class_name": null, "kubernetes_disabled_components": [], "kubernetes_ingress_annotations": {},
	"kubernetes_ingress_secret_name": "authentik-outpost-tls"}`

// Defaults gives the config of a new outpost that reaches Gatehouse at host.
func Defaults(host string) map[string]any {
	out := map[string]any{}
	if err := json.Unmarshal([]byte(defaults), &out); err != nil {
		panic("outpost: " + err.Error())
	}
	out["authentik_host"] = host
	return out
}

// may are the types of the values that a config may have beside those of the defaults.
var may = map[string]string{"docker_labels": "dict", "docker_network": "str", "container_image": "str", "kubernetes_json_patches": "dict", "kubernetes_ingress_class_name": "str"}

// checkConfig says what is wrong with a config, "" when nothing is. Names that no outpost knows are left to those who put them there.
func checkConfig(c map[string]any) string {
	known := Defaults("")
	for name, v := range c {
		def, ok := known[name]
		if !ok {
			continue
		}
		want := typeOf(def)
		if want == "NoneType" {
			if v == nil {
				continue
			}
			want = may[name]
		}
		if got := typeOf(v); got != want {
			return fmt.Sprintf("wrong value type for field %q - should be %q instead of value of type %q", name, want, got)
		}
	}
	return ""
}

func typeOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "object"
	}
	return kind.TypeName(b)
}
