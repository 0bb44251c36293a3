package blueprint

import (
	"encoding/json"
	"net/url"
	"strings"

	"gatehouse/backend/beyond"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/user"
)

// further are the fields that a blueprint sets and no request body: by model or family and name, where the value is kept.
var further = map[string]map[string]string{
	"authentik_flows.flow":       {"background": "background_file"},
	"authentik_core.application": {"icon": "icon_file", "meta_icon": "icon_file"},
	"authentik_core.token":       {"key": "key"},
	"sources":                    {"icon": "icon_file"},
}

// ours is the attribute with the settings of an object that the release does not have.
const ours = "gatehouse"

// beyond gives those settings of a kind, nil when it has none.
func (r *Room) beyond(k *kind.Kind) beyond.Part {
	for _, p := range r.Beyond {
		if p.Kind().Model == k.Model {
			return p
		}
	}
	return nil
}

func (w *work) setBeyond(k *kind.Kind, obj any, raw json.RawMessage) error {
	p := w.r.beyond(k)
	if p == nil {
		return fault.Field(ours, "Objects of this kind have no settings that the release does not have.")
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil || body == nil {
		return fault.Field(ours, "Give a map of settings.")
	}
	return fault.Under(ours, p.Change(w.tx, obj, body))
}

const userModel = "authentik_core.user"

// extra gives the field that is behind a name that only blueprints have.
func extra(k *kind.Kind, name string) (string, bool) {
	if k.Model == userModel && name == "password" {
		return "password", true
	}
	for _, of := range []string{k.Model, k.Family.Name} {
		if to, ok := further[of][name]; ok {
			return to, true
		}
	}
	return "", false
}

func (w *work) setExtra(k *kind.Kind, obj any, name, to string, raw json.RawMessage) error {
	if k.Model == userModel {
		return nil // after the row; see password
	}
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil {
		return fault.Field(name, "Not a valid string.")
	}
	if s == nil {
		return nil
	}
	if to == "key" {
		if !w.tx.Actor.System && !w.tx.Actor.Superuser {
			return fault.Field(name, "Only a superuser's blueprint sets keys of tokens.")
		}
		if len(*s) < 16 || len(*s) > 4096 {
			return fault.Field(name, "A key has from 16 to 4,096 characters.")
		}
	} else if *s != "" {
		u, err := url.Parse(*s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" && !strings.HasPrefix(*s, "/static/") && !strings.HasPrefix(*s, "/media/") {
			return fault.Field(name, "Give an address that begins with https://, /static/ or /media/.")
		}
	}
	k.Value(obj, k.Field(to)).SetString(*s)
	return nil
}

// password sets the password of a person when the values have one.
func (w *work) password(obj any, values map[string]any) (bool, error) {
	u, ok := obj.(*user.User)
	if !ok || values["password"] == nil {
		return false, nil
	}
	plain, ok := values["password"].(string)
	if !ok {
		return false, fault.Field("password", "Not a valid string.")
	}
	return w.setPassword(u, plain)
}

// setPassword gives a person a password that was hashed before.
func (w *work) setPassword(u *user.User, plain string) (changed bool, err error) {
	if err := user.CheckNew(plain); err != nil {
		return false, err
	}
	if !w.tx.Actor.System && !w.tx.Actor.Superuser {
		return false, fault.Field("password", "Only a superuser's blueprint sets passwords.")
	}
	if w.secrets.match[[2]string{plain, u.Password}] {
		return false, nil
	}
	h := w.secrets.hashes[plain]
	if _, asked := w.secrets.match[[2]string{plain, u.Password}]; h == "" || !asked && u.Usable() {
		w.secrets.want(plain, u.Password)
		return true, nil
	}
	return true, w.r.Users.SetHash(w.tx, u, h)
}
