package passkey_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"gatehouse/backend/device"
	"gatehouse/backend/fault"
	"gatehouse/backend/passkey"
	"gatehouse/backend/passkey/keytest"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/stagetest"
	"gatehouse/backend/store"
)

const yubikey = "cb69481e-8ff7-4039-93ec-0a2729a154a8"

func open(t *testing.T) (*stagetest.House, *passkey.Room, context.Context) {
	t.Helper()
	r := &passkey.Room{}
	h := stagetest.Open(t, func(h *stagetest.House) stagetest.Made {
		r.Store, r.Users, r.Events, r.Texts = h.Store, h.Users, h.Events, h.Stage.Texts
		made := stagetest.Made{}
		made.Kinds = append(made.Kinds, passkey.Types(), passkey.Devices(h.Store))
		return made
	})
	return h, r, store.WithActor(t.Context(), store.House)
}

// said gives what a fault says about the file, "" for no error.
func said(err error) string {
	if err == nil {
		return ""
	}
	if f := fault.As(err); len(f.Fields["file"]) == 1 {
		return f.Fields["file"][0]
	}
	return err.Error()
}

func name(t *testing.T, r *passkey.Room, aaguid string) string {
	t.Helper()
	m, err := device.Types(t.Context(), r.Store, []string{aaguid})
	if err != nil {
		t.Fatal(err)
	}
	if len(m) == 0 {
		return ""
	}
	return m[0].Description
}

func TestImport(t *testing.T) {
	h, r, ctx := open(t)
	if err := passkey.Seed(t.Context(), h.Store); err != nil {
		t.Fatal(err)
	}
	service, maker := keytest.NewService(t), keytest.NewMaker(t)
	r.Roots = service.Roots()
	const fresh, gone = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
	entries := []keytest.Entry{{AAGUID: yubikey, Name: "The service's name", Maker: maker}, {AAGUID: fresh, Name: "A new make"}, {AAGUID: gone, Name: "A revoked make", Status: "REVOKED"}}
	good := service.Blob(7, "2099-01-01", entries, map[string]any{"aaid": "4e4e#4005"}, map[string]any{"aaguid": "nonsense"}, "nonsense")
	for n, tt := range map[string]struct {
		blob []byte
		want string
	}{
		"nothing":           {nil, "This is no metadata blob of the FIDO Alliance."},
		"a page of text":    {[]byte("<html>..</html>"), "This is no metadata blob of the FIDO Alliance."},
		"another signer":    {keytest.NewService(t).Blob(7, "2099-01-01", entries), "The blob is not signed by the FIDO Alliance, or its signature is too old. Fetch the newest one."},
		"a changed payload": {changed(good), "The blob was changed after the FIDO Alliance signed it."},
		"no date":           {service.Blob(7, "soon", entries), "The blob is signed, but can't be read."},
	} {
		if got := said(second(r.Import(ctx, tt.blob))); got != tt.want {
			t.Errorf("%s: %q", n, got)
		}
	}
	// The root is that of a public authority: the name in the certificate says whose signature it is.
	service.Name = "mds.example.com"
	if got := said(second(r.Import(ctx, service.Blob(7, "2099-01-01", entries)))); !strings.HasPrefix(got, "The blob is not signed") {
		t.Error(got)
	}
	service.Name, service.Until = "mds.fidoalliance.org", time.Now().Add(-time.Minute)
	if got := said(second(r.Import(ctx, service.Blob(7, "2099-01-01", entries)))); !strings.HasPrefix(got, "The blob is not signed") {
		t.Error(got)
	}
	service.Until = time.Time{}
	bare, err := r.State(ctx)
	if st := bare; err != nil || st.Number != 0 || st.Taken != nil || st.Makes < 60 || st.Own != st.Makes-2 || st.Named != 0 || h.Count("webauthn_metadata", "1 = 1") != 0 {
		t.Errorf("%+v %v", st, err)
	}

	st, err := r.Import(ctx, append(append([]byte("\n"), good...), '\n'))
	if err != nil || st.Number != 7 || st.Entries != 3 || st.Skipped != 3 || st.Stale || st.Taken == nil || st.Renewal != "2099-01-01" {
		t.Fatalf("%+v %v", st, err)
	}
	if a, b, c, d := name(t, r, yubikey), name(t, r, fresh), name(t, r, gone), name(t, r, "bada5566-a7aa-401f-bd96-45619a55120d"); a != "The service's name" || b != "A new make" || c != "" || d != "1Password" {
		t.Errorf("%q %q %q %q", a, b, c, d)
	}
	// Of those that have a name now the service named all that it knows, the house the rest.
	if st.Own+st.Named != st.Makes-2 || st.Named != 2 || st.Own != bare.Own-1 {
		t.Errorf("%+v, before %+v", st, bare)
	}
	if v, err := r.Vouched(ctx, []string{yubikey, fresh}); err != nil || !v[yubikey] || v[fresh] {
		t.Errorf("%v %v", v, err)
	}
	if n := h.Count("webauthn_metadata", "entry LIKE '%aWNvbg%'"); n != 0 {
		t.Error("pictures are kept")
	}
	if es := h.Heard("custom_webauthn_metadata"); len(es) != 1 || es[0].Context["number"] != 7.0 {
		t.Errorf("%v", es)
	}
	// An older one would bring back what was revoked since; the same one again does no harm. Makes stay on the list.
	if got := said(second(r.Import(ctx, service.Blob(6, "2099-01-01", entries)))); got != "This is list 6; the newer list 7 is there." {
		t.Error(got)
	}
	if got := said(second(r.Import(ctx, good))); got != "" {
		t.Error(got)
	}
	if _, err := r.Import(ctx, service.Blob(8, "2026-12-01", nil)); err != nil || name(t, r, fresh) != "A new make" || h.Count("webauthn_metadata", "1 = 1") != 0 {
		t.Error(err)
	}
	h.Wait(365 * 24 * time.Hour)
	if st, err := r.State(ctx); err != nil || !st.Stale {
		t.Errorf("%+v %v", st, err)
	}
	// What the house names by itself does not take the place of a name that is there.
	if err := passkey.Seed(t.Context(), h.Store); err != nil || name(t, r, yubikey) != "The service's name" {
		t.Error(err)
	}
}

func second(_ passkey.Metadata, err error) error { return err }

// changed turns one entry's name into another, without signing it again.
func changed(blob []byte) []byte {
	parts := bytes.Split(blob, []byte("."))
	payload, err := base64.RawURLEncoding.DecodeString(string(parts[1]))
	if err != nil {
		panic(err) // the test made it
	}
	payload = bytes.Replace(payload, []byte("REVOKED"), []byte("REVOKER"), 1)
	parts[1] = []byte(base64.RawURLEncoding.EncodeToString(payload))
	return bytes.Join(parts, []byte("."))
}

func TestUpdateFromTheNetwork(t *testing.T) {
	h, r, ctx := open(t)
	service := keytest.NewService(t)
	r.Roots = service.Roots()
	blob, status := service.Blob(3, "2099-01-01", []keytest.Entry{{AAGUID: yubikey, Name: "From the network"}}), http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write(blob)
	}))
	defer srv.Close()
	r.Source, r.Client = srv.URL, srv.Client()
	var update func() (any, error)
	for _, a := range r.Endpoints() {
		if a.Path == "gatehouse/webauthn/metadata/update" {
			update = func() (any, error) { return a.Do(ctx, nil, nil) }
		}
	}
	got, err := update()
	if err != nil || got.(passkey.Metadata).Number != 3 || name(t, r, yubikey) != "From the network" {
		t.Errorf("%v %v", got, err)
	}
	status = http.StatusBadGateway
	for _, why := range []string{"answered with status 502.", "refuses the connection."} {
		_, err = update()
		if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || !strings.HasPrefix(f.Say, "The list can't be fetched from "+srv.URL+": the server "+why) || !strings.HasSuffix(f.Say, "import the file here.") {
			t.Errorf("%v", err)
		}
		srv.Close()
	}
	if h.Count("webauthn_blob", "number = 3") != 1 {
		t.Error("what was there is gone")
	}
}

// Whose key answers; and of two answers that are checked side by side the earlier one does not count once the later is stored.
func TestProve(t *testing.T) {
	h, r, ctx := open(t)
	r.Address = func(context.Context) string { return "" }
	ada := h.User("ada", "")
	b := h.SignedIn(ada)
	brand, err := h.Brands.For(ctx, "login.office.lan")
	if err != nil {
		t.Fatal(err)
	}
	const origin = "https://login.office.lan"
	turn := &stage.Turn{Ctx: ctx, Session: b.Session(), Now: h.Now(), User: ada, Brand: brand, Request: stage.Request{Base: origin}}
	key := keytest.NewKey(t, yubikey, origin)
	o, err := r.Enrol(turn, passkey.Enrolment{Stage: "x", UserVerification: "preferred", ResidentKey: "preferred"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Enrolled(turn, "x", key.Create(o))
	if err != nil {
		t.Fatal(err)
	}
	d.Name = "Key"
	h.Write(func(tx *store.Tx) error { return tx.Create(d) })
	var proofs []*passkey.Proof
	for range 2 {
		if o, err = r.Ask(turn, passkey.Question{Stage: "x", UserVerification: "preferred", Devices: []*passkey.Device{d}}); err != nil {
			t.Fatal(err)
		}
		p, err := r.Prove(turn, "x", ada.PK, key.Get(o))
		if err != nil || !p.Verified {
			t.Fatal(p, err)
		}
		proofs = append(proofs, p)
	}
	// Whose key it has to be, and that it is set up to the end.
	if o, err = r.Ask(turn, passkey.Question{Stage: "x", UserVerification: "preferred"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Prove(turn, "x", ada.PK+1, key.Get(o)); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("the key of somebody else: %v", err)
	}
	set := func(confirmed int) {
		h.Write(func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE webauthn_devices SET confirmed = ?`, confirmed)
			return err
		})
	}
	set(0)
	if o, err = r.Ask(turn, passkey.Question{Stage: "x", UserVerification: "preferred"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Prove(turn, "x", 0, key.Get(o)); !errors.Is(err, passkey.ErrUnknown) {
		t.Errorf("a key that is not set up to the end: %v", err)
	}
	set(1)
	write := func(p *passkey.Proof) error {
		return h.Store.Write(ctx, store.House, func(tx *store.Tx) error { return p.Write(tx) })
	}
	if err := write(proofs[1]); err != nil {
		t.Error(err)
	}
	if err := write(proofs[0]); !fault.Is(err, fault.Conflict) {
		t.Errorf("an earlier counter is stored over a later one: %v", err)
	}
	h.Write(func(tx *store.Tx) error { return tx.Delete(h.Store.KindFor(d), d.Offered().PK) })
	if err := write(proofs[1]); !fault.Is(err, fault.Conflict) {
		t.Errorf("a deleted key proves somebody: %v", err)
	}
}
