package server

import (
	"time"

	"gatehouse/backend/outbound"
	"gatehouse/backend/passkey"
	"gatehouse/backend/text"
)

// newKeys makes the room of passkeys and security keys.
func (r *rooms) newKeys(o Options, texts *text.Tables) *passkey.Room {
	return &passkey.Room{
		Store: r.store, Users: r.users, Events: r.events, Texts: texts, Address: r.office.URL,
		Client: outbound.New(outbound.Options{Allow: allowed(o.Config), Timeout: 2 * time.Minute, MaxBody: passkey.LongestBlob}),
	}
}
