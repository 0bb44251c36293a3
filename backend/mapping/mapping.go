// Package mapping is the socket of property mappings: expressions that make claims, attributes and fields out of a user.
//
// The kinds live with their owner (a scope mapping with oauth2); here are what they share, the collection over all of them and the test action.
package mapping

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"gatehouse/backend/expr"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of property mappings.
var Family = &kind.Family{Name: "propertymappings", Param: "pm_uuid", Title: "property mapping", All: "propertymappings/all", Typed: true}

// Base is what every mapping has.
type Base struct {
	PK         string  `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Managed    *string `json:"managed" is:"unique" help:"Set for mappings that come with Gatehouse and are kept up to date by it." group:"advanced"`
	Name       string  `json:"name" is:"required,unique,search"`
	Expression string  `json:"expression" is:"required,nofilter" format:"expression"`
}

// Kept is a mapping whose expression has to be one that the host accepts.
type Kept struct {
	Base
	host expr.Host
}

// On gives the shared part of a fresh mapping.
func On(h expr.Host) Kept { return Kept{host: h} }

// Saving implements store.Saver.
func (k *Kept) Saving(*store.Tx, any) error { return k.host.Check(k.Expression) }

// Mapping gives the shared part of any mapping.
func (b *Base) Mapping() *Base { return b }

// ExpressionUse says what the expression is for.
func (b *Base) ExpressionUse() expr.Use { return expr.Mapping }

// ExpressionNames are the variables of a mapping besides the common ones; kinds that have others say so.
func (b *Base) ExpressionNames() []expr.Name { return []expr.Name{Person} }

// Person is the variable of whoever the mapping is about.
var Person = expr.Name{Name: "user", Kind: "variable", Help: "Whom the mapping is about."}

// Variable is a further variable of a mapping.
func Variable(name, help string) expr.Name {
	return expr.Name{Name: name, Kind: "variable", Help: help}
}

// Mapping is implemented by every kind that embeds Base.
type Mapping interface{ Mapping() *Base }

// ManagedFilters are the list filters that every mapping kind shares: managed (several) and managed__isnull.
func ManagedFilters() []kind.Filter {
	return []kind.Filter{
		{Name: "managed__isnull", Type: "boolean", Where: func(v string, d kind.Dialect) (string, []any, error) {
			b, err := strconv.ParseBool(v)
			if err != nil {
				return "", nil, fault.Field("managed__isnull", "Must be a valid boolean.")
			}
			if b {
				return d.Column("managed") + " IS NULL", nil, nil
			}
			return d.Column("managed") + " IS NOT NULL", nil, nil
		}},
	}
}

// Deps is what the mapping room needs.
type Deps struct {
	Store *store.Store
	Host  expr.Host
	Users *user.Directory
}

// TestRequest is the body of the test action.
type TestRequest struct {
	User    int64          `json:"user" is:"required"`
	Context map[string]any `json:"context"`
}

// SchemaName implements kind.SchemaNamer.
func (TestRequest) SchemaName() string { return "PolicyTest" }

// SchemaName implements kind.SchemaNamer.
func (TestResult) SchemaName() string { return "PropertyMappingTestResult" }

// TestResult is what a test run gave.
type TestResult struct {
	Result     string `json:"result" is:"required,readonly"`
	Successful bool   `json:"successful" is:"required,readonly"`
}

// Kind is the base kind: the collection over all mappings.
func Kind(d Deps) *kind.Kind {
	test := kind.Detail("POST", "test", "change", func(ctx context.Context, c *kind.Call, in *TestRequest) (TestResult, error) {
		return d.test(ctx, c, in)
	})
	test.Operation = "propertymappings_all_test_create"
	test.Query = []kind.Param{{Name: "format_result", Type: "boolean"}}
	return kind.Of[Base](Family, kind.Spec{
		Path: Family.All, Model: "authentik_core.propertymapping", Schema: "PropertyMapping", Title: "Property Mapping",
		Verbs: kind.List | kind.Retrieve | kind.Delete | kind.UsedBy, Order: []string{"name"},
		Filters: ManagedFilters(), Actions: []kind.Action{test},
	}, nil)
}

// test runs a mapping for one user; only who may change the mapping may do so (CVE-2026-25227 class).
func (d Deps) test(ctx context.Context, c *kind.Call, in *TestRequest) (TestResult, error) {
	m, ok := c.Object.(Mapping)
	if !ok {
		return TestResult{}, fmt.Errorf("mapping: %T is no mapping", c.Object)
	}
	u, err := d.Users.Viewable(ctx, in.User)
	if err != nil {
		return TestResult{}, fault.New(fault.Denied, "You do not have permission to perform this action.")
	}
	vars := expr.Vars{"user": u}
	for k, v := range in.Context {
		vars[k] = v
	}
	res, err := d.Host.Run(ctx, expr.Call{Use: expr.Mapping, Name: m.Mapping().Name, Text: m.Mapping().Expression, Vars: vars, Dry: true})
	if err != nil {
		return TestResult{Result: fault.As(err).Say}, nil
	}
	v := res.Value
	out, err := json.Marshal(v)
	if c.Query.Get("format_result") == "true" {
		out, err = json.MarshalIndent(v, "", "    ")
	}
	if err != nil {
		return TestResult{Result: "The result can't be shown as JSON."}, nil
	}
	return TestResult{Result: string(out), Successful: true}, nil
}
