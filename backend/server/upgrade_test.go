package server

import (
	"os"
	"path/filepath"
	"testing"
)

// TestUpgrade opens a small database of every released state with today's code: people sign in, secrets open, and the identifiers that
// applications know people by are the ones of then.
func TestUpgrade(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/upgrade/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no databases: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			data := t.TempDir()
			for _, name := range []string{"gatehouse.db", "key"} {
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(data, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			h := openAt(t, data, false)
			ada := h.api("GET", "core/users/2/", nil, 200)
			if ada["uid"] != "c4ddc0607a0739f22f45dae69775c274b5f4f7ff1f5d51e55592aa8cd267d5e7" {
				t.Errorf("uid %v", ada["uid"])
			}
			h.signedIn("akadmin", bootPassword)
			h.api("POST", "core/users/2/set_password/", map[string]any{"password": "lovelace-1815"}, 204)
			wiki := app{slug: "wiki", id: "wiki-client", secret: "wiki-secret-0123456789", redirect: "https://wiki.office.lan/callback"}
			tokens := h.exchange(wiki, h.signedIn("ada", "lovelace-1815").code(wiki.authorize()).Get("code"))
			if sub := claims(t, tokens["id_token"].(string))["sub"]; sub != ada["uid"] {
				t.Errorf("sub %v", sub)
			}
		})
	}
}
