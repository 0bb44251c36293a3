package source

import (
	"context"
	"net/url"
	"strings"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/policy"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Files keeps uploaded pictures.
type Files interface {
	Save(ctx context.Context, f kind.File) (string, error)
}

// Deps is what the room's REST needs.
type Deps struct {
	Store    *store.Store
	Files    Files
	Policies *policy.Engine
	// Caller gives who is signed in, nil when nobody.
	Caller func(ctx context.Context) (*user.User, error)
}

// FilePath is the body of set_icon_url.
type FilePath struct {
	URL string `json:"url" is:"required"`
}

// UserSetting is a source that a person can connect their account with.
type UserSetting struct {
	ObjectUID    string  `json:"object_uid" is:"required"`
	Component    string  `json:"component" is:"required"`
	Title        string  `json:"title" is:"required"`
	ConfigureURL *string `json:"configure_url" is:"omitempty,notnull"`
	IconURL      *string `json:"icon_url" is:"omitempty,notnull"`
}

// Connectable is a source that people can connect their accounts with: the part of the portal that shows it, and what that needs to begin.
type Connectable interface {
	Source
	UserSettings() (component, configure string)
}

// Present fills what is computed for a page of sources.
func Present(_ context.Context, rows []any, _ url.Values) error {
	for _, r := range rows {
		s, ok := r.(Source)
		if !ok {
			continue
		}
		if file := s.Source().IconFile; file != "" {
			if !strings.Contains(file, "://") && !strings.HasPrefix(file, "/") {
				file = "/media/" + file
			}
			s.Source().Icon = &file
		}
	}
	return nil
}

func (d Deps) actions() []kind.Action {
	icon := kind.Detail("POST", "set_icon", "change", func(ctx context.Context, c *kind.Call, _ *kind.None) (kind.None, error) {
		pk := c.Object.(Source).Source().PK
		if c.Form.Get("clear") == "true" {
			return kind.None{}, d.storeIcon(ctx, pk, "")
		}
		f, ok := c.Files["file"]
		if !ok {
			return kind.None{}, fault.Field("file", "No file was submitted.")
		}
		name, err := d.Files.Save(ctx, f)
		if err != nil {
			return kind.None{}, err
		}
		return kind.None{}, d.storeIcon(ctx, pk, name)
	})
	icon.Multipart, icon.Status = true, 200
	iconURL := kind.Detail("POST", "set_icon_url", "change", func(ctx context.Context, c *kind.Call, in *FilePath) (kind.None, error) {
		u, err := url.Parse(in.URL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" && !strings.HasPrefix(in.URL, "/static/") {
			return kind.None{}, fault.Field("url", "Give an address that begins with https:// or /static/.")
		}
		return kind.None{}, d.storeIcon(ctx, c.Object.(Source).Source().PK, in.URL)
	})
	iconURL.Status = 200
	settings := kind.Collection("GET", "user_settings", "", d.userSettings)
	settings.Access, settings.Operation = kind.SignedIn, "sources_all_user_settings_list"
	return []kind.Action{icon, iconURL, settings}
}

func (d Deps) storeIcon(ctx context.Context, pk, file string) error {
	return d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		_, obj, err := tx.GetIn(Family.Name, pk)
		if err != nil {
			return err
		}
		obj.(Source).Source().IconFile = file
		return tx.Update(obj)
	})
}

// userSettings lists what the caller can connect their account with.
func (d Deps) userSettings(ctx context.Context, _ *kind.Call, _ *kind.None) ([]UserSetting, error) {
	u, err := d.Caller(ctx)
	if err != nil {
		return nil, err
	}
	page, err := d.Store.ListIn(ctx, Family.Name, store.Query{})
	if err != nil {
		return nil, err
	}
	if err := Present(ctx, page.Rows, nil); err != nil {
		return nil, err
	}
	out := []UserSetting{}
	for _, row := range page.Rows {
		c, ok := row.(Connectable)
		if !ok || !c.Source().Enabled {
			continue
		}
		b := c.Source()
		passes, _, err := d.Policies.Allowed(ctx, b.PK, b.PolicyEngineMode, u, nil)
		if err != nil {
			return nil, err
		}
		if passes {
			component, configure := c.UserSettings()
			out = append(out, UserSetting{ObjectUID: b.Slug, Component: component, Title: b.Name, ConfigureURL: &configure, IconURL: b.Icon})
		}
	}
	return out, nil
}

// Address is scheme and host that the caller uses.
func Address(ctx context.Context) string {
	h := store.ActorOf(ctx).HTTP
	return h.Scheme + "://" + h.Host
}
