package outpost

import (
	"context"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
)

// Settings is the answer of default_settings.
type Settings struct {
	Config map[string]any `json:"config" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Settings) SchemaName() string { return "OutpostDefaultConfig" }

// Health is what one running instance of an outpost said of itself.
type Health struct {
	UID             string    `json:"uid" is:"required,readonly"`
	LastSeen        time.Time `json:"last_seen" is:"required,readonly"`
	Version         string    `json:"version" is:"required,readonly"`
	VersionShould   string    `json:"version_should" is:"required,readonly"`
	VersionOutdated bool      `json:"version_outdated" is:"required,readonly"`
	BuildHash       string    `json:"build_hash" is:"required,readonly"`
	BuildHashShould string    `json:"build_hash_should" is:"required,readonly"`
	Hostname        string    `json:"hostname" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Health) SchemaName() string { return "OutpostHealth" }

// Kinds describes outposts and service connections.
func (r *Room) Kinds() []*kind.Kind {
	filters := []kind.Filter{
		kind.IContains("managed"), kind.IExact("managed", "string"), kind.IContains("name"), kind.IExact("name", "string"), kind.ListIs("providers_by_pk", "providers", "integer"),
		{Name: "providers__isnull", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
			none, err := kind.Bool("providers__isnull", v)
			if err != nil {
				return "", nil, err
			}
			not := ""
			if none {
				not = "NOT "
			}
			return not + "EXISTS (SELECT 1 FROM ref x WHERE x.src = o.pk AND x.field = 'providers')", nil, nil
		}},
		{Name: "service_connection__name__icontains", Type: "string", Where: func(v string, d kind.Dialect) (string, []any, error) {
			return d.Column("service_connection") + " IN (SELECT x.pk FROM object x WHERE " + d.Contains("x.name") + ")", []any{d.Pattern(v)}, nil
		}},
		kind.At("service_connection__name__iexact", "", "service_connection", "object", kind.Same("x.name")),
	}
	settings := kind.Collection("GET", "default_settings", "view", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Settings, error) {
		return Settings{Defaults(provider.Address(ctx))}, nil
	})
	// Nothing listens for outposts yet, so none has said anything of itself.
	health := kind.Detail("GET", "health", "view", func(context.Context, *kind.Call, *kind.None) ([]Health, error) { return []Health{}, nil })
	health.Operation = "outposts_instances_health_list"
	for _, f := range filters {
		health.Query = append(health.Query, kind.Param{Name: f.Name, Type: f.Type, Items: f.Items})
	}
	health.Query = append(health.Query, kind.Param{Name: "ordering", Type: "string"}, kind.Param{Name: "search", Type: "string"})
	out := []*kind.Kind{kind.Of[Outpost](Family, kind.Spec{
		Path: "outposts/instances", Model: "authentik_outposts.outpost", Schema: "Outpost", Title: "Outpost", About: "What serves providers that need a listener of their own.",
		Order: []string{"name"}, By: []string{}, Filters: filters, Present: r.present, Actions: []kind.Action{settings, health},
	}, func() *Outpost { return &Outpost{room: r} })}
	return append(out, connectionKinds()...)
}

// State is how a service connection is.
type State struct {
	Healthy bool   `json:"healthy" is:"required,readonly"`
	Version string `json:"version" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (State) SchemaName() string { return "ServiceConnectionState" }

// Connections is the shelf of service connections: places where outposts could be started.
var Connections = &kind.Family{Name: "serviceconnections", Param: "uuid", Title: "service connection", All: "outposts/service_connections/all", Typed: true}

// Connection is what every service connection has.
type Connection struct {
	PK    string `json:"pk" is:"readonly" format:"uuid"`
	Name  string `json:"name" is:"required,unique,search"`
	Local bool   `json:"local" help:"Use what runs on this machine; no address is needed then."`
}

// Docker is a Docker engine.
type Docker struct {
	Connection
	URL            string  `json:"url" is:"required" help:"http://…, https://… or unix:///var/run/docker.sock."`
	Verification   *string `json:"tls_verification" ref:"keypairs set_default" format:"uuid" group:"advanced" help:"The authority that the engine's certificate comes from."`
	Authentication *string `json:"tls_authentication" ref:"keypairs set_default" format:"uuid" group:"advanced" help:"The certificate that Gatehouse shows to it."`
}

// Kubernetes is a Kubernetes cluster.
type Kubernetes struct {
	Connection
	Kubeconfig map[string]any `json:"kubeconfig" is:"secret" type:"any" help:"The cluster's configuration. Empty: the cluster that Gatehouse runs in."`
	VerifySSL  bool           `json:"verify_ssl" default:"true" group:"advanced" help:"Refuse the cluster when its certificate is not good."`
}

// Validate implements store.Validator.
func (k *Kubernetes) Validate() error {
	if len(k.Kubeconfig) == 0 && !k.Local {
		return fault.Field("kubeconfig", "You can only use an empty kubeconfig when connecting to a local cluster.")
	}
	return nil
}

func connectionKinds() []*kind.Kind {
	// Nothing asks engines and clusters how they are, so their state is not known to be good.
	state := kind.Detail("GET", "state", "view", func(context.Context, *kind.Call, *kind.None) (State, error) { return State{}, nil })
	return []*kind.Kind{
		kind.Of[Connection](Connections, kind.Spec{
			Path: Connections.All, Model: "authentik_outposts.outpostserviceconnection", Schema: "ServiceConnection", Title: "Outpost Service-Connection",
			Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"}, By: []string{"name"}, Actions: []kind.Action{state},
		}, nil),
		kind.Of[Docker](Connections, kind.Spec{
			Path: "outposts/service_connections/docker", Model: "authentik_outposts.dockerserviceconnection", Schema: "DockerServiceConnection", Title: "Docker Service-Connection",
			Component: "ak-service-connection-docker-form", About: "Start outposts with a Docker engine.", Order: []string{"name"}, By: []string{"local", "name", "tls_authentication", "tls_verification", "url"},
		}, nil),
		kind.Of[Kubernetes](Connections, kind.Spec{
			Path: "outposts/service_connections/kubernetes", Model: "authentik_outposts.kubernetesserviceconnection", Schema: "KubernetesServiceConnection", Title: "Kubernetes Service-Connection",
			Component: "ak-service-connection-kubernetes-form", About: "Start outposts in a Kubernetes cluster.", Order: []string{"name"}, By: []string{"local", "name"},
		}, nil),
	}
}
