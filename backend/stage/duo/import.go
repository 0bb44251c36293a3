package duo

import (
	"context"
	"errors"
	"reflect"

	"gatehouse/backend/duoapi"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

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

// imported is the name of a phone that was taken over.
const imported = "Imported Duo Authenticator"

func (d *Deps) actions() []kind.Action {
	const add = "authentik_stages_authenticator_duo.add_duodevice"
	status := kind.Detail("POST", "enrollment_status", "", d.status)
	status.Access = kind.InSession // who sets up is often not signed in yet
	one := kind.Detail("POST", "import_device_manual", add, d.take)
	one.Also = []string{"authentik_core.view_user"}
	all := kind.Detail("POST", "import_devices_automatic", add, d.takeAll)
	all.Also, all.Refuses = one.Also, reflect.TypeFor[Imported]()
	return []kind.Action{status, one, all}
}

// take stores the phone of a person who is at Duo already.
func (d *Deps) take(ctx context.Context, c *kind.Call, in *Import) (kind.None, error) {
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
	err = d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		return c.Object.(*Stage).store(tx, imported, u.PK, in.DuoUser, "Device exists already.")
	})
	if fault.Is(err, fault.Conflict) {
		err = fault.Whole(fault.As(err).Say)
	}
	return kind.None{}, err
}

// takeAll stores the phones of everybody at Duo whose name is that of a person here. Whom the caller may not change, and who is taken over
// already, is left out. When Duo stops answering, what was stored stays, and the count tells of it.
func (d *Deps) takeAll(ctx context.Context, c *kind.Call, _ *kind.None) (Imported, error) {
	s, out := c.Object.(*Stage), Imported{}
	refuse := func(say string) (Imported, error) {
		out.Error = say
		return out, kind.Refuse(out)
	}
	if s.AdminKey == "" || s.AdminSecret == "" {
		return refuse("Duo tells who is there only to an Admin API application. Put its integration key and secret key into this stage.")
	}
	err := s.d.Client(s.Host, s.AdminKey, s.AdminSecret).Users(ctx, func(at duoapi.User) error {
		u, err := d.Users.ByUsername(ctx, at.Username)
		if err == nil {
			u, err = d.Users.Viewable(ctx, u.PK)
		}
		if err == nil {
			err = d.Users.GuardTarget(ctx, u)
		}
		if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Denied) {
			return nil
		}
		if err != nil {
			return err
		}
		err = d.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error { return s.store(tx, imported, u.PK, at.ID, "Device exists already.") })
		if fault.Is(err, fault.Conflict) {
			return nil
		}
		if err == nil {
			out.Count++
		}
		return err
	})
	var no *duoapi.Failure
	switch {
	case errors.As(err, &no):
		return refuse(no.Error())
	case fault.Is(err, fault.Unavailable):
		return refuse(fault.As(err).Say)
	}
	return out, err
}
