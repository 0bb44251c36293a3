package web

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"

	"gatehouse/backend/ca"
	"gatehouse/backend/crypt"
	"gatehouse/backend/office"
	"gatehouse/backend/web/page"
)

// Trust is the page that brings the certificate authority to other devices, and the files on it. It is open to everybody: a certificate
// is public, and its fingerprint is to be compared with the one that the admin sees.
type Trust struct {
	*Screen
	Office *office.Room
	CA     *ca.Room
}

// ServeHTTP implements http.Handler.
func (t *Trust) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET")
		http.Error(w, "Use GET.", http.StatusMethodNotAllowed)
		return
	}
	i := t.CA.Info()
	if i == nil {
		t.NotFound(w, r)
		return
	}
	switch r.URL.Path {
	case "/trust/ca.pem":
		t.file(w, r, "application/x-pem-file", "gatehouse-ca.pem", []byte(i.CAPEM))
	case "/trust/ca.crt":
		t.file(w, r, "application/x-x509-ca-cert", "gatehouse-ca.crt", i.DER())
	case "/trust/ca.mobileconfig":
		t.file(w, r, "application/x-apple-aspen-config", "gatehouse.mobileconfig", profile(i))
	case "/", "/trust", "/trust/":
		t.page(w, r, i)
	default:
		t.NotFound(w, r)
	}
}

func (t *Trust) page(w http.ResponseWriter, r *http.Request, i *ca.Info) {
	ctx := r.Context()
	d := page.Trust{Fingerprint: i.CASHA256, Until: i.CAEnd.Format("2006-01-02"), URL: t.Office.URL(ctx)}
	h, err := t.Office.Brands.House(ctx)
	if err == nil {
		d.Name = h.ServerName
	}
	if d.Name == "" {
		d.Name = Hostname(r.Host)
	}
	d.Around = t.around(w, r)
	t.write(w, r, http.StatusOK, func(b *bytes.Buffer) error { return t.Pages.Trust(b, d) })
}

func (t *Trust) file(w http.ResponseWriter, r *http.Request, mime, name string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", mime)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.Method == http.MethodHead {
		return
	}
	if !fromLoopback(r) {
		if err := t.Office.TrustSeen(r.Context()); err != nil {
			t.Log.WarnContext(r.Context(), "can't note that a device took the certificate", "error", err)
		}
	}
	_, _ = w.Write(b) // the caller has gone away
}

// profile is a configuration profile with the certificate as a trusted root (Apple, Configuration Profile Reference: com.apple.security.root).
func profile(i *ca.Info) []byte {
	block, _ := pem.Decode([]byte(i.CAPEM))
	if block == nil {
		return nil
	}
	id := crypt.NamedUUID(i.CASHA256)
	return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
<key>PayloadType</key><string>Configuration</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>gatehouse.trust.%[1]s</string>
<key>PayloadUUID</key><string>%[1]s</string>
<key>PayloadDisplayName</key><string>Gatehouse certificate</string>
<key>PayloadContent</key><array><dict>
<key>PayloadType</key><string>com.apple.security.root</string>
<key>PayloadVersion</key><integer>1</integer>
<key>PayloadIdentifier</key><string>gatehouse.trust.root.%[1]s</string>
<key>PayloadUUID</key><string>%[2]s</string>
<key>PayloadDisplayName</key><string>Gatehouse certificate authority</string>
<key>PayloadContent</key><data>%[3]s</data>
</dict></array>
</dict></plist>
`, id, crypt.NamedUUID(i.CASHA256+" root"), base64Std(block.Bytes))
}
