package passkey

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/outbound"
	"gatehouse/backend/store"

	"github.com/go-webauthn/webauthn/metadata"
)

// LongestBlob bounds a metadata blob, in bytes; the newest has 10 MB.
const LongestBlob = 30 << 20

// Metadata is the state of what the house knows from the FIDO Alliance.
type Metadata struct {
	Number  int        `json:"number" is:"required,nullable"` // of the blob that was taken in last, 0 for none
	Renewal string     `json:"next_update" is:"required"`     // when the next one was to come, as a date, "" for no blob
	Taken   *time.Time `json:"taken" is:"required" format:"date-time"`
	Entries int        `json:"entries" is:"required"`      // makes in it
	Skipped int        `json:"skipped" is:"required"`      // entries that are of no use here
	Stale   bool       `json:"stale" is:"required"`        // a newer one is there by now
	Source  string     `json:"source" is:"required"`       // where it comes from
	Makes   int        `json:"device_types" is:"required"` // rows of the list: makes and marks
	Own     int        `json:"own" is:"required"`          // makes that the house names by itself
	Named   int        `json:"imported" is:"required"`     // makes that a blob named, this one or one before
}

// SchemaName implements kind.SchemaNamer.
func (Metadata) SchemaName() string { return "GatehousePasskeyMetadata" }

// Endpoints let an admin look at the metadata and take in a blob: from a file, or from the network.
func (r *Room) Endpoints() []kind.Action {
	const view, change = "authentik_stages_authenticator_webauthn.view_webauthndevicetype", "authentik_stages_authenticator_webauthn.change_webauthndevicetype"
	get := kind.Do("GET", "gatehouse/webauthn/metadata", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Metadata, error) { return r.State(ctx) })
	get.Perm, get.Summary = view, "What the house knows about makes of passkeys and security keys."
	put := kind.Do("POST", "gatehouse/webauthn/metadata", func(ctx context.Context, c *kind.Call, _ *kind.None) (Metadata, error) {
		f, ok := c.Files["file"]
		if !ok {
			return Metadata{}, fault.Field("file", "No file was submitted.")
		}
		b, err := io.ReadAll(io.LimitReader(f.Body, LongestBlob+1))
		if err != nil {
			return Metadata{}, err
		}
		return r.Import(ctx, b)
	})
	put.Perm, put.Multipart, put.Status, put.Summary = change, true, 200, "Takes in a metadata blob of the FIDO Alliance from a file."
	update := kind.Do("POST", "gatehouse/webauthn/metadata/update", func(ctx context.Context, _ *kind.Call, _ *kind.None) (Metadata, error) {
		b, err := r.fetch(ctx)
		if err != nil {
			return Metadata{}, err
		}
		return r.Import(ctx, b)
	})
	update.Perm, update.Status, update.Summary = change, 200, "Fetches the newest metadata blob from the FIDO Alliance and takes it in."
	return []kind.Action{get, put, update}
}

// State tells which blob was taken in last.
func (r *Room) State(ctx context.Context) (Metadata, error) {
	out := Metadata{Source: r.source()}
	var taken int64
	err := r.Store.DB().QueryRow(ctx, `SELECT number, renewal, taken, entries, skipped FROM webauthn_blob`).Scan(&out.Number, &out.Renewal, &taken, &out.Entries, &out.Skipped)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return out, err
	default:
		at := time.UnixMicro(taken).UTC()
		next, err := time.Parse(time.DateOnly, out.Renewal)
		out.Taken, out.Stale = &at, err == nil && r.Store.Now().After(next.AddDate(0, 0, 1))
	}
	args := []any{Unknown, OnlyAttested}
	for _, k := range list {
		if k.aaguid != Unknown && k.aaguid != OnlyAttested {
			args = append(args, k.aaguid)
		}
	}
	var named int
	err = r.Store.DB().QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE aaguid NOT IN (?, ?)),
		count(*) FILTER (WHERE aaguid IN (`+db.Marks(len(list)-2)+`) AND aaguid NOT IN (SELECT aaguid FROM webauthn_metadata)) FROM webauthn_types`,
		args...).Scan(&out.Makes, &named, &out.Own)
	out.Named = named - out.Own
	return out, err
}

func (r *Room) source() string {
	if r.Source != "" {
		return r.Source
	}
	return metadata.ProductionMDSURL
}

// fetch gets the newest blob. An Unavailable fault says what to do without a network.
func (r *Room) fetch(ctx context.Context) ([]byte, error) {
	fail := func(why string, cause error) error {
		return fault.Wrap(fault.Unavailable, fmt.Sprintf("The list can't be fetched from %s: the server %s Fetch it on a computer with internet and import the file here.", r.source(), why), cause)
	}
	lost := func(err error) error {
		f := outbound.Say("", err)
		why, _, _ := strings.Cut(f.Say, ". ") // what one can do about it is another thing here
		return fail(strings.TrimSuffix(strings.TrimSpace(why), ".")+".", f)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.source(), nil)
	if err != nil {
		return nil, err
	}
	res, err := r.Client.Do(req)
	if err != nil {
		return nil, lost(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fail(fmt.Sprintf("answered with status %d.", res.StatusCode), nil)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, LongestBlob+1))
	if err != nil {
		return nil, lost(err)
	}
	return b, nil
}

func (r *Room) roots() (*x509.CertPool, error) {
	if r.Roots != nil {
		return r.Roots, nil
	}
	der, err := base64.StdEncoding.DecodeString(metadata.ProductionMDSRoot)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	return pool, nil
}

// Import takes in a metadata blob: its makes join the list, and their trust anchors count from now on. Makes never leave the list: a
// stage that takes nothing but a make that is gone would take every make. Invalid for a blob that is not signed as it has to be, or older
// than the one that is there.
func (r *Room) Import(ctx context.Context, b []byte) (Metadata, error) {
	if len(b) > LongestBlob {
		return Metadata{}, fault.New(fault.TooLarge, "The file is larger than a metadata blob can be.")
	}
	roots, err := r.roots()
	if err != nil {
		return Metadata{}, err
	}
	m, err := readBlob(b, roots, r.Store.Now())
	if err != nil {
		return Metadata{}, err
	}
	rows := make([]string, len(m.Entries))
	for i := range m.Entries {
		e, err := json.Marshal(m.Entries[i])
		if err != nil {
			return Metadata{}, err
		}
		rows[i] = string(e)
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		if err := newer(tx, m.Number); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM webauthn_metadata`); err != nil {
			return err
		}
		for i, e := range m.Entries {
			id := strings.ToLower(e.AaGUID)
			if _, err := tx.Exec(`INSERT INTO webauthn_metadata (aaguid, entry) VALUES (?, ?) ON CONFLICT (aaguid) DO UPDATE SET entry = excluded.entry`, id, rows[i]); err != nil {
				return err
			}
			if slices.ContainsFunc(e.StatusReports, func(s metadata.StatusReportJSON) bool { return broken(s.Status) }) || id == Unknown || id == OnlyAttested {
				continue
			}
			if err := name(tx, id, e.MetadataStatement.Description, true); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(`INSERT INTO webauthn_blob (one, number, renewal, taken, entries, skipped) VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET
			number = excluded.number, renewal = excluded.renewal, taken = excluded.taken, entries = excluded.entries, skipped = excluded.skipped`,
			m.Number, m.Renewal, tx.Now.UnixMicro(), len(m.Entries), m.Skipped); err != nil {
			return err
		}
		return r.Events.EmitTx(tx, event.Entry{Action: "custom_webauthn_metadata", App: "authentik.stages.authenticator_webauthn", Context: map[string]any{
			"message": "The list of makes of passkeys was brought up to date.", "number": m.Number, "entries": len(m.Entries),
		}})
	})
	if err != nil {
		return Metadata{}, err
	}
	return r.State(ctx)
}

// newer refuses a blob that is older than the one that is there: it would bring back makes that were revoked since.
func newer(tx *store.Tx, number int) error {
	rows, err := tx.Query(`SELECT number FROM webauthn_blob`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var have int
		if err := rows.Scan(&have); err != nil {
			return err
		}
		if number < have {
			return fault.Field("file", fmt.Sprintf("This is list %d; the newer list %d is there.", number, have))
		}
	}
	return rows.Err()
}

// name gives a make its name; over says whether it takes the place of another.
func name(tx *store.Tx, aaguid, description string, over bool) error {
	then := `NOTHING`
	if over {
		then = `UPDATE SET description = excluded.description`
	}
	_, err := tx.Exec(`INSERT INTO webauthn_types (aaguid, description, icon) VALUES (?, ?, '') ON CONFLICT (aaguid) DO `+then, aaguid, description)
	return err
}
