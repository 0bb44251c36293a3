package server

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"testing"
	"time"
)

// cookie gives the value of a cookie of the house.
func (b *browser) cookie(name string) string {
	b.h.t.Helper()
	u, err := url.Parse(b.h.base)
	if err != nil {
		b.h.t.Fatal(err)
	}
	for _, c := range b.c.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	b.h.t.Fatalf("no cookie %s", name)
	return ""
}

// A cookie that was given before cookies made the UUIDs of sessions goes on to open its session, until that ends.
func TestCookiesOfBefore(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	b := h.signedIn("akadmin", bootPassword)
	const me, then = "/api/v3/core/users/me/", "018f0000-0000-7000-8000-000000000001"
	sum := sha256.Sum256([]byte(b.cookie("authentik_session")))
	h.write(`UPDATE sessions SET uuid = ?, key_hash = ? WHERE "user" IS NOT NULL`, then, hex.EncodeToString(sum[:]))
	if a := b.get(me); a.status != 200 {
		t.Errorf("with the cookie of before: %d %s", a.status, a.body)
	}
	if a := h.browser().get(me, "Cookie", "authentik_session="+b.cookie("authentik_session")+"x"); a.status != 403 {
		t.Errorf("with another: %d %s", a.status, a.body)
	}
	h.api("DELETE", "core/authenticated_sessions/"+then+"/", nil, 204)
	if a := b.get(me); a.status != 403 {
		t.Errorf("after its end: %d %s", a.status, a.body)
	}
}

// Sessions whose time is over go with their plans, however many they are; the others stay.
func TestCleanUpOfSessions(t *testing.T) {
	t.Parallel()
	h := open(t, true)
	b := h.signedIn("akadmin", bootPassword)
	on := h.browser()
	on.flow("/api/v3/flows/executor/default-authentication-flow/?query=", nil)
	old := time.Now().Add(-time.Minute).UnixMicro()
	const many = 1203
	h.write(fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		INSERT INTO sessions (uuid, created, last_used, expires, last_ip, last_user_agent, data) SELECT 'old ' || i, 0, 0, ?, '10.0.0.1', '', '{}' FROM n`, many), old)
	h.write(`INSERT INTO plans (session, flow, body, updated) SELECT uuid, 'f', x'00', 0 FROM sessions WHERE uuid LIKE 'old %'`)
	n, err := h.s.rooms.sessions.CleanUp(t.Context())
	if err != nil || n != many {
		t.Errorf("%d went, %v", n, err)
	}
	if n := h.number(`SELECT count(*) FROM sessions WHERE uuid LIKE 'old %'`) + h.number(`SELECT count(*) FROM plans WHERE session LIKE 'old %'`); n != 0 {
		t.Errorf("%d are left", n)
	}
	if n := h.number(`SELECT count(*) FROM plans`); n != 1 {
		t.Errorf("%d plans under way", n)
	}
	if a := b.get("/api/v3/core/users/me/"); a.status != 200 {
		t.Errorf("who is signed in: %d", a.status)
	}
}
