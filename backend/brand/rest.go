package brand

import (
	"context"

	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Current is the brand of the address that was asked.
type Current struct {
	MatchedDomain    string  `json:"matched_domain" is:"required"`
	Title            string  `json:"branding_title" is:"required"`
	Logo             string  `json:"branding_logo" is:"required"`
	Favicon          string  `json:"branding_favicon" is:"required"`
	FooterLinks      []Link  `json:"ui_footer_links" is:"required,readonly"`
	Theme            string  `json:"ui_theme" is:"required,readonly" enum:"automatic,light,dark" default:"automatic"`
	FlowAuth         *string `json:"flow_authentication" is:"omitempty,notnull"`
	FlowInvalidation *string `json:"flow_invalidation" is:"omitempty,notnull"`
	FlowRecovery     *string `json:"flow_recovery" is:"omitempty,notnull"`
	FlowUnenrollment *string `json:"flow_unenrollment" is:"omitempty,notnull"`
	FlowUserSettings *string `json:"flow_user_settings" is:"omitempty,notnull"`
	FlowDeviceCode   *string `json:"flow_device_code" is:"omitempty,notnull"`
	Locale           string  `json:"default_locale" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Current) SchemaName() string { return "CurrentBrand" }

func (r *Room) current(ctx context.Context, _ *kind.Call, _ *kind.None) (Current, error) {
	b, err := r.For(ctx, store.ActorOf(ctx).HTTP.Host)
	if err != nil {
		return Current{}, err
	}
	s, err := r.Settings(ctx)
	if err != nil {
		return Current{}, err
	}
	out := Current{
		MatchedDomain: b.Domain, Title: b.Title, Logo: b.Logo, Favicon: b.Favicon, FooterLinks: s.FooterLinks, Theme: b.Theme(), Locale: b.Locale(),
	}
	if out.FooterLinks == nil {
		out.FooterLinks = []Link{}
	}
	for from, to := range map[*string]**string{
		b.FlowAuth: &out.FlowAuth, b.FlowInvalidation: &out.FlowInvalidation, b.FlowRecovery: &out.FlowRecovery, b.FlowUnenrollment: &out.FlowUnenrollment,
		b.FlowUserSettings: &out.FlowUserSettings, b.FlowDeviceCode: &out.FlowDeviceCode,
	} {
		if from == nil {
			continue
		}
		slug, err := r.Store.Slug(ctx, *from)
		if err != nil {
			return Current{}, err
		}
		if slug != "" {
			*to = &slug
		}
	}
	return out, nil
}

// Endpoints are the published system settings.
func (r *Room) Endpoints() []kind.Action {
	get := kind.Do("GET", "admin/settings", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Settings, error) { return r.Settings(ctx) })
	get.Perm, get.Operation = "authentik_rbac.view_system_settings", "admin_settings_retrieve"
	change := func(method, op string) kind.Action {
		a := kind.Do(method, "admin/settings", func(ctx context.Context, c *kind.Call, _ *Settings) (Settings, error) {
			var out Settings
			err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
				return r.ChangeSettings(tx, func(s *Settings) error {
					if err := c.Apply(s); err != nil {
						return err
					}
					out = *s
					return nil
				})
			})
			return out, err
		})
		a.Perm, a.Operation, a.Status = "authentik_rbac.edit_system_settings", op, 200
		return a
	}
	return []kind.Action{get, change("PUT", "admin_settings_update"), change("PATCH", "admin_settings_partial_update")}
}
