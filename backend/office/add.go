package office

import (
	"context"

	"gatehouse/backend/application"
	"gatehouse/backend/cert"
	"gatehouse/backend/fault"
	"gatehouse/backend/store"
)

// Form is what an admin says of every application that they add, whatever it speaks.
type Form struct {
	Name        string   `json:"name" is:"required"`
	Slug        string   `json:"slug" is:"blank" max:"50"`
	LaunchURL   string   `json:"launch_url" is:"blank"`
	Description string   `json:"description" is:"blank"`
	Publisher   string   `json:"publisher" is:"blank"`
	Group       string   `json:"group" is:"blank"`
	Consent     bool     `json:"consent" default:"false"`
	Access      string   `json:"access" is:"required" enum:"everyone,chosen"`
	Groups      []string `json:"groups" format:"uuid"`
	Users       []int64  `json:"users"`
}

// checkAccess holds that somebody may use the application.
func (f *Form) checkAccess() error {
	if f.Access == "chosen" && len(f.Groups) == 0 && len(f.Users) == 0 {
		return fault.Field("access", "Choose who may use the application, or choose everyone.")
	}
	return nil
}

// add stores what build makes and who may use it, and shows it.
func (r *Room) add(ctx context.Context, f *Form, build func(tx *store.Tx) (*application.Application, error)) (App, error) {
	var slug string
	err := r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		a, err := build(tx)
		if err != nil {
			return err
		}
		slug = a.Slug
		if f.Access == "everyone" {
			return nil
		}
		return bind(tx, a.PK, f.Users, f.Groups)
	})
	if err != nil {
		return App{}, err
	}
	return r.showApp(ctx, slug)
}

// members gives what the form says of the application and of its provider, by the names of their fields.
func (f *Form) members(tx *store.Tx) (slug string, app, provider map[string]any, err error) {
	flow := implicitFlow
	if f.Consent {
		flow = explicitFlow
	}
	auth, err := tx.Find(tx.Store().Kind("authentik_flows.flow"), "slug", flow)
	if err != nil {
		return "", nil, nil, fault.Wrap(fault.Invalid, "The authorization flow "+flow+" is gone. Restore it under Advanced.", err)
	}
	if slug = f.Slug; slug == "" {
		if slug, err = slugFor(tx, f.Name); err != nil {
			return "", nil, nil, err
		}
	} else if _, err := store.FindTx[application.Application](tx, "slug", slug); err == nil { // else the provider's name would be said to be taken
		return "", nil, nil, fault.Field("slug", "This field must be unique.")
	} else if !fault.Is(err, fault.NotFound) {
		return "", nil, nil, err
	}
	app = map[string]any{"name": f.Name, "slug": slug, "meta_launch_url": f.LaunchURL, "meta_description": f.Description, "meta_publisher": f.Publisher, "group": f.Group}
	return slug, app, map[string]any{"name": f.Name + " (" + slug + ")", "authorization_flow": tx.Store().KindFor(auth).PK(auth)}, nil
}

// houseKey gives the certificate that the house signs with unless another is chosen.
func houseKey(tx *store.Tx) (string, error) {
	pair, err := store.FindTx[cert.Pair](tx, "name", cert.SelfSignedName)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "The certificate "+cert.SelfSignedName+" is gone. Make another and choose it in the provider's settings.", err)
	}
	return pair.PK, nil
}
