package validate

import (
	"encoding/json"
	"slices"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/span"
	"gatehouse/backend/stage"
)

// proof is what a browser carries of a second factor that was proven, so that it is not asked for again for a while. It is sealed: only
// this house makes it, and only for the person, the device and the stage in it.
type proof struct {
	User   int64     `json:"user"`
	Class  string    `json:"class"`
	Device string    `json:"device"`
	Until  time.Time `json:"until"`
}

// sealedFor is what a proof is bound to.
const sealedFor = "authentik_mfa"

// carry gives the browser a proof, when the stage says for how long one counts, and tells whether it did. The published shortest time is a second.
func (s *Stage) carry(t *stage.Turn, d device.Device) bool {
	life := span.Must(s.Threshold)
	if life < time.Second {
		return false
	}
	b, err := json.Marshal(proof{d.User, d.Class, d.PK, t.Now.Add(life)})
	if err != nil {
		return false // a proof is made of plain values
	}
	v, err := s.d.Store.Key().Seal(b, sealedFor, s.PK)
	if err == nil {
		t.Prove(v, life)
	}
	return err == nil
}

// lately says whether the browser carries a proof of this person's that counts: of this stage, of a device that it takes now, and not
// older than the stage allows now.
func (s *Stage) lately(t *stage.Turn, offers []offer) bool {
	life := span.Must(s.Threshold)
	if life < time.Second || t.Proven == "" {
		return false
	}
	b, err := s.d.Store.Key().Open(t.Proven, sealedFor, s.PK)
	var p proof
	if err != nil || json.Unmarshal(b, &p) != nil || p.User != t.User.PK || !t.Now.Before(p.Until) || p.Until.After(t.Now.Add(life)) {
		return false
	}
	return slices.ContainsFunc(offers, func(o offer) bool {
		return o.DeviceClass() == p.Class && slices.ContainsFunc(o.devices, func(d device.Device) bool { return d.PK == p.Device })
	})
}
