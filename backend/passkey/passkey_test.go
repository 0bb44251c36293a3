package passkey

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"gatehouse/backend/kind"

	"github.com/go-webauthn/webauthn/metadata"
	"github.com/google/uuid"
)

func TestPartyOf(t *testing.T) {
	for base, want := range map[string]Party{
		"https://login.office.lan:9443": {"login.office.lan", "https://login.office.lan:9443"},
		"https://Login.Office.LAN":      {"login.office.lan", "https://login.office.lan"},
		"http://localhost:9000":         {"localhost", "http://localhost:9000"},
		"https://gatehouse.local:9443":  {"gatehouse.local", "https://gatehouse.local:9443"},
	} {
		if got, err := PartyOf(base); err != nil || got != want {
			t.Errorf("%s: %v %v", base, got, err)
		}
	}
	for base, ip := range map[string]bool{"https://192.168.1.5": true, "https://192.168.1.5:9443": true, "https://[fe80::1]:9443": true, "https://gatehouse:9443": false, "": false, "https://": false} {
		_, err := PartyOf(base)
		var bad *BadAddress
		if !errors.As(err, &bad) || bad.IP != ip {
			t.Errorf("%q: %v", base, err)
		}
	}
}

// Every make of our own list is one, once, and says where its identifier is public.
func TestList(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range list {
		if id, err := uuid.Parse(k.aaguid); err != nil || id.String() != k.aaguid || !kind.UUIDText.MatchString(k.aaguid) || seen[k.aaguid] {
			t.Errorf("%s: %v", k.aaguid, err)
		}
		seen[k.aaguid] = true
		if k.name == "" || k.source == "" || strings.TrimSpace(k.name) != k.name {
			t.Errorf("%+v", k)
		}
	}
	if !slices.ContainsFunc(list, func(k known) bool { return k.name == "1Password" }) || len(list) < 60 {
		t.Error("the common makes are not there")
	}
}

// The root that blobs are held to is GlobalSign Root R46, by the fingerprint that every trust store shows.
func TestRoot(t *testing.T) {
	der, err := base64.StdEncoding.DecodeString(metadata.ProductionMDSRoot)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if sum := sha256.Sum256(der); err != nil || hex.EncodeToString(sum[:]) != "4fa3126d8d3a11d1c4855a4f807cbad6cf919d3a5a88b03bea2c6372d93c40c9" {
		t.Errorf("%x %v", sum, err)
	}
	want := x509.NewCertPool()
	want.AddCert(root)
	if pool, err := (&Room{}).roots(); err != nil || !pool.Equal(want) {
		t.Error(err)
	}
}

func TestPosted(t *testing.T) {
	for text, want := range map[string]int{`{"id":"x"}`: 1, `"{\"id\":\"x\"}"`: 1, `""`: 0} {
		var p Posted
		if err := json.Unmarshal([]byte(text), &p); err != nil || len(p) != want {
			t.Errorf("%s: %v %v", text, p, err)
		}
	}
	for _, text := range []string{`"x"`, `[]`, `7`, `"[]"`, `"\"\\\"\""`} {
		var p Posted
		if err := json.Unmarshal([]byte(text), &p); err == nil {
			t.Errorf("%s is an answer: %v", text, p)
		}
	}
}

func TestPlainHandle(t *testing.T) {
	want := []byte("0123456789abcdef")
	for _, got := range []string{"0123456789abcdef", "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZg=="} {
		if string(plainHandle([]byte(got), want)) != string(want) {
			t.Error(got)
		}
	}
	if got := plainHandle([]byte("MDEyMzQ1Njc4OWFiY2RlZw"), want); string(got) == string(want) {
		t.Error("the handle of somebody else")
	}
}
