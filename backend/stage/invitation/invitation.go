package invitation

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
	"gatehouse/backend/user"
)

// Family is the shelf of invitations.
var Family = &kind.Family{Name: "invitations", Param: "invite_uuid", Title: "invitation"}

// Invitation lets whoever has its key into a flow, with things that are known of them beforehand.
type Invitation struct {
	PK        string         `json:"pk" is:"readonly,nofilter" format:"uuid"`
	Name      string         `json:"name" is:"required,search" format:"slug" max:"50"`
	Expires   *time.Time     `json:"expires" is:"search" format:"date-time" help:"Until when it counts. Empty: as long as tokens do."`
	Fixed     map[string]any `json:"fixed_data" help:"What is known of the person beforehand, as the prompts of the flow would ask it."`
	Creator   int64          `json:"creator" is:"hidden" ref:"users cascade"`
	CreatedBy *user.Member   `json:"created_by" is:"computed,notnull"`
	SingleUse bool           `json:"single_use" is:"nofilter" help:"It is gone once somebody used it."`
	Flow      *string        `json:"flow" is:"nofilter" ref:"flows set_default" format:"uuid" help:"The only flow in which it counts. Empty: any with an invitation stage."`
	FlowObj   any            `json:"flow_obj" is:"computed" schema:"Flow"`

	d *Deps
}

// model is the published name of invitations.
const model = "authentik_stages_invitation.invitation"

// Invitations describes the invitations.
func Invitations(d Deps) *kind.Kind {
	return kind.Of(Family, kind.Spec{
		Path: "stages/invitation/invitations", Model: model, Schema: "Invitation", Title: "Invitation", Table: "invitations", Order: []string{"-expires"},
		About: "A link that lets people enrol.", Present: d.present,
		Filters: []kind.Filter{
			{Name: "created_by__username", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				return "o.creator IN (SELECT pk FROM users WHERE username = ?)", []any{v}, nil
			}},
			{Name: "flow__slug", Type: "string", Where: func(v string, _ kind.Dialect) (string, []any, error) {
				return "o.flow IN (SELECT pk FROM object WHERE family = 'flows' AND slug = ?)", []any{v}, nil
			}},
		},
	}, func() *Invitation { return &Invitation{d: &d} })
}

// Saving implements store.Saver: whoever makes it is its creator, and it ends some day.
func (i *Invitation) Saving(tx *store.Tx, old any) error {
	if old == nil && i.Creator == 0 {
		i.Creator = tx.Actor.UserPK
	}
	if i.Creator == 0 {
		return fault.New(fault.Invalid, "An invitation is made by somebody who is signed in.")
	}
	if i.Expires == nil {
		life, err := span.Parse(i.d.Lifetime())
		if err != nil {
			return err
		}
		at := tx.Now.Add(life)
		i.Expires = &at
	}
	return nil
}

// present shows the creators and the flows.
func (d Deps) present(ctx context.Context, rows []any, _ url.Values) error {
	users, flows := map[int64]any{}, []string{}
	for _, r := range rows {
		i := r.(*Invitation)
		users[i.Creator] = nil
		if i.Flow != nil {
			flows = append(flows, *i.Flow)
		}
	}
	if err := user.Show(ctx, d.Users, users); err != nil {
		return err
	}
	shown, err := d.Shown(ctx, flows)
	if err != nil {
		return err
	}
	for _, r := range rows {
		i := r.(*Invitation)
		if u, ok := users[i.Creator].(*user.User); ok {
			i.CreatedBy = &user.Member{PK: u.PK, Username: u.Username, Name: u.Name, IsActive: u.IsActive, LastLogin: u.LastLogin, Email: u.Email, Attributes: u.Attributes, UID: u.UID}
		}
		if i.Flow != nil {
			i.FlowObj = shown[*i.Flow]
		}
	}
	return nil
}

// CleanUp deletes invitations whose time is over. It gives how many went.
func CleanUp(ctx context.Context, s *store.Store) (n int, err error) {
	err = s.Write(ctx, store.House, func(tx *store.Tx) error {
		res, err := tx.Exec(`DELETE FROM invitations WHERE expires <= ?`, tx.Now.UnixMicro())
		if err != nil {
			return err
		}
		gone, err := res.RowsAffected()
		n = int(gone)
		return err
	})
	return n, err
}

// noFlows is the list filter for stages that are in no flow.
func noFlows() kind.Filter {
	return kind.Filter{Name: "no_flows", Type: "boolean", Where: func(v string, _ kind.Dialect) (string, []any, error) {
		none, err := strconv.ParseBool(v)
		if err != nil {
			return "", nil, fault.Field("no_flows", "Must be a valid boolean.")
		}
		const bound = "EXISTS (SELECT 1 FROM ref r JOIN object b ON b.pk = r.src WHERE r.dst = o.pk AND r.field = 'stage' AND b.kind = 'authentik_flows.flowstagebinding')"
		if none {
			return "NOT " + bound, nil, nil
		}
		return bound, nil, nil
	}}
}
