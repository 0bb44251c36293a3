// Package duo is the stage that sets up Duo, a service that asks a person on their phone, and the device that comes of it.
package duo

import (
	"context"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/stage"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Stage sets up a phone at Duo. The published list filters by other fields than those of its sisters, so the name is a field of its own.
type Stage struct {
	stage.Base
	stage.Setup
	FriendlyName *string `json:"friendly_name" is:"nofilter" help:"What people read where they choose what to set up. Empty: the name of the stage."`
	ClientID     string  `json:"client_id" is:"required" help:"The client ID of the Auth API application at Duo."`
	ClientSecret string  `json:"client_secret" is:"required,writeonly,secret" help:"The client secret of that application."`
	Host         string  `json:"api_hostname" is:"required" help:"The API hostname of that application."`
	AdminKey     string  `json:"admin_integration_key" is:"blank,nofilter" help:"The integration key of the Admin API application, with which people can be taken over from Duo."`
	AdminSecret  string  `json:"admin_secret_key" is:"blank,writeonly,secret" help:"The secret key of that application."`
}

// Friendly gives what people read, nil when nothing is set.
func (s *Stage) Friendly() *string { return s.FriendlyName }

// UserSettings names what people see of this stage in their own settings.
func (s *Stage) UserSettings() string { return "ak-user-settings-authenticator-duo" }

// Challenge shows the code that Duo's app takes.
type Challenge struct {
	Barcode string `json:"activation_barcode"`
	Code    string `json:"activation_code"`
	Stage   string `json:"stage_uuid"`
}

// Answer says that the phone is set up.
type Answer struct{}

// Deps is what the stage needs.
type Deps struct {
	stage.Deps
	Users *user.Directory
}

// Status is how far somebody is with setting up their phone.
type Status struct {
	Duo string `json:"duo_response" is:"required" enum:"success,waiting,invalid"`
}

// SchemaName implements kind.SchemaNamer.
func (Status) SchemaName() string { return "DuoDeviceEnrollmentStatus" }

// Import takes over one person's phone.
type Import struct {
	DuoUser  string `json:"duo_user_id" is:"required"`
	Username string `json:"username" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Import) SchemaName() string { return "AuthenticatorDuoStageManualDeviceImport" }

// Imported says what came of taking over everybody's.
type Imported struct {
	Count int64  `json:"count" is:"required,readonly"`
	Error string `json:"error" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Imported) SchemaName() string { return "AuthenticatorDuoStageDeviceImportResponse" }

// Kind is how the house knows this stage.
func Kind(d Deps) *stage.Kind {
	status := kind.Detail("POST", "enrollment_status", "", func(context.Context, *kind.Call, *kind.None) (Status, error) {
		return Status{}, fault.New(fault.Invalid, "Nobody is setting up Duo in this session.")
	})
	status.Access = kind.SignedIn
	one := kind.Detail("POST", "import_device_manual", "authentik_stages_authenticator_duo.add_duodevice", d.take)
	one.Also = []string{"authentik_core.view_user"}
	all := kind.Detail("POST", "import_devices_automatic", "authentik_stages_authenticator_duo.add_duodevice", func(context.Context, *kind.Call, *kind.None) (Imported, error) {
		return Imported{}, fault.NotYet(5, "Gatehouse can't ask Duo who is there yet. Take people over one by one.")
	})
	all.Also = one.Also
	return stage.NewLater[Stage, Challenge, Answer](d.Deps, kind.Spec{
		Path: "stages/authenticator/duo", Model: "authentik_stages_authenticator_duo.authenticatorduostage", Schema: "AuthenticatorDuoStage",
		Title: "Duo Authenticator Setup Stage", Component: "ak-stage-authenticator-duo-form", About: "Let the person set up Duo on their phone.",
		Actions: []kind.Action{status, one, all},
	}, stage.Asking{Schema: "AuthenticatorDuoChallenge", Component: "ak-stage-authenticator-duo", User: true}, nil)
}

// take stores the phone of a person who is at Duo already.
func (d Deps) take(ctx context.Context, c *kind.Call, in *Import) (kind.None, error) {
	u, err := d.Users.ByUsername(ctx, in.Username)
	if fault.Is(err, fault.NotFound) {
		return kind.None{}, fault.Whole("User does not exist.")
	}
	if err != nil {
		return kind.None{}, err
	}
	if err := d.Users.GuardTarget(ctx, u); err != nil {
		return kind.None{}, err
	}
	s := c.Object.(*Stage)
	return kind.None{}, d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(`SELECT count(*) FROM duo_devices WHERE stage = ? AND duo_user_id = ?`, s.PK, in.DuoUser).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return fault.Whole("Device exists already.")
		}
		v := store.KindOf[Device](tx.Store()).New().(*Device)
		v.Name, v.User, v.Stage, v.DuoUser, v.Confirmed = "Imported Duo Authenticator", u.PK, s.PK, in.DuoUser, true
		return tx.Create(v)
	})
}
