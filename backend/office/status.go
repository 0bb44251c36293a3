package office

import (
	"context"
	"fmt"
	"runtime/metrics"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/brand"
	"gatehouse/backend/db"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// Status says whether all is well and what to do next.
type Status struct {
	Version      string     `json:"version" is:"required"`
	Started      time.Time  `json:"started" is:"required" format:"date-time"`
	Uptime       int64      `json:"uptime_seconds" is:"required"`
	DataDir      string     `json:"data_dir" is:"required"`
	Database     int64      `json:"database_bytes" is:"required"`
	DiskFree     int64      `json:"disk_free_bytes" is:"required"`
	Memory       int64      `json:"memory_bytes" is:"required"`
	Users        int64      `json:"users" is:"required"`
	Sessions     int64      `json:"active_sessions" is:"required"`
	Applications int64      `json:"applications" is:"required"`
	CertExpires  *time.Time `json:"certificate_expires" is:"required" format:"date-time"`
	LastBackup   *time.Time `json:"last_backup" is:"required" format:"date-time"`
	NoFactor     int64      `json:"second_factor_missing" is:"required"`
	Checks       []Check    `json:"checks" is:"required"`
	Steps        []Step     `json:"steps" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Status) SchemaName() string { return "HouseStatus" }

// Check is one thing that is well or not.
type Check struct {
	ID    string `json:"id" is:"required"`
	State string `json:"state" is:"required" enum:"good,notice,warning,danger"`
	Text  string `json:"text" is:"required"`
	Help  string `json:"help" is:"required"`
	Link  string `json:"link" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Check) SchemaName() string { return "HouseCheck" }

// Step is something to do for a house that is new.
type Step struct {
	ID   string `json:"id" is:"required"`
	Done bool   `json:"done"`
	Text string `json:"text" is:"required"`
	Link string `json:"link" is:"required"`
}

// SchemaName implements kind.SchemaNamer.
func (Step) SchemaName() string { return "HouseStep" }

const (
	lowDisk     = 1 << 30   // bytes: a warning below
	noDisk      = 100 << 20 // bytes: danger below
	oldBackup   = 8 * 24 * time.Hour
	certWarning = 14 * 24 * time.Hour
)

func (r *Room) status(ctx context.Context, _ *kind.Call, _ *kind.None) (Status, error) {
	now := r.Store.Now()
	s := Status{Version: r.Version, Started: r.Started, Uptime: int64(now.Sub(r.Started).Seconds()), DataDir: r.Config.Data, Database: r.DB.Size(), Memory: memory()}
	h, err := r.Brands.House(ctx)
	if err != nil {
		return s, err
	}
	for _, c := range []struct {
		query string
		args  []any
		to    *int64
	}{
		{`SELECT count(*) FROM users WHERE type <> 'internal_service_account'`, nil, &s.Users},
		{`SELECT count(*) FROM sessions WHERE "user" IS NOT NULL AND expires > ?`, []any{now.UnixMicro()}, &s.Sessions},
		{`SELECT count(*) FROM object WHERE family = 'applications'`, nil, &s.Applications},
		{`SELECT count(*) FROM users WHERE is_active = 1 AND type IN ('internal', 'external')`, nil, &s.NoFactor},
	} {
		if err := r.DB.QueryRow(ctx, c.query, c.args...).Scan(c.to); err != nil {
			return s, err
		}
	}
	free, _, err := db.DiskFree(r.Config.Data)
	if err != nil {
		return s, err
	}
	s.DiskFree = int64(min(free, 1<<62))
	if h.LastBackup > 0 {
		t := time.UnixMicro(h.LastBackup).UTC()
		s.LastBackup = &t
	}
	if i := r.CA.Info(); i != nil {
		s.CertExpires = &i.End
	}
	s.Checks = r.checks(s, now)
	s.Steps = r.steps(ctx, s)
	return s, nil
}

func (r *Room) checks(s Status, now time.Time) []Check {
	out := []Check{{ID: "server", State: "good", Text: "The server is running.", Help: "Since " + s.Started.Local().Format("2 January, 15:04") + ", version " + s.Version + ".", Link: "/settings"}}
	cert := Check{ID: "certificate", State: "good", Text: "The server's certificate is good.", Help: "It is renewed by itself.", Link: "/settings/certificates"}
	switch {
	case s.CertExpires == nil:
		cert.State, cert.Text = "danger", "There is no server certificate."
	case s.CertExpires.Sub(now) < 0:
		cert.State, cert.Text, cert.Help = "danger", "The server's certificate has expired.", "Restart Gatehouse; it makes a new one."
	case s.CertExpires.Sub(now) < certWarning:
		cert.State, cert.Text = "warning", fmt.Sprintf("The server's certificate ends in %d days.", int(s.CertExpires.Sub(now).Hours()/24))
	}
	backup := Check{ID: "backup", State: "good", Text: "The last backup is recent.", Help: "Keep the file and its passphrase on another device.", Link: "/settings/backup"}
	switch {
	case s.LastBackup == nil:
		backup.State, backup.Text, backup.Help = "warning", "There is no backup yet.", "One file holds everything. Take it now and keep it on another device."
	case now.Sub(*s.LastBackup) > oldBackup:
		backup.State, backup.Text = "notice", fmt.Sprintf("The last backup is %d days old.", int(now.Sub(*s.LastBackup).Hours()/24))
	}
	disk := Check{ID: "disk", State: "good", Text: "There is enough free space.", Help: gigabytes(s.DiskFree) + " free where the data is.", Link: "/settings"}
	switch {
	case s.DiskFree < noDisk:
		disk.State, disk.Text = "danger", "The disk is almost full. Sign-ins will fail soon."
	case s.DiskFree < lowDisk:
		disk.State, disk.Text = "warning", "The disk is getting full."
	}
	return append(out, cert, backup, disk, clock(now))
}

// clock compares the wall clock with the time of the build: a machine that lost its clock makes tokens that nobody accepts.
func clock(now time.Time) Check {
	c := Check{ID: "clock", State: "good", Text: "The clock is plausible.", Help: "Sign-ins depend on the right time: let the computer set it by itself.", Link: "/settings"}
	if now.Year() < 2026 {
		c.State, c.Text = "danger", "The computer's clock is wrong. Applications will refuse sign-ins."
	}
	return c
}

func gigabytes(n int64) string { return fmt.Sprintf("%.1f GB", float64(n)/(1<<30)) }

func (r *Room) steps(ctx context.Context, s Status) []Step {
	trusted := false
	h, err := r.Brands.House(ctx)
	if err == nil {
		trusted = h.TrustSeen
	}
	return []Step{
		{"add_user", s.Users > 1, "Add the people of your office", "/people/users/new"},
		{"add_application", s.Applications > 0, "Add the first application", "/apps/new"},
		{"trust_ca", trusted, "Let other devices trust Gatehouse's certificate", "/settings/certificates"},
		{"backup", s.LastBackup != nil, "Take the first backup", "/settings/backup"},
	}
}

// memory gives the bytes that the process holds from the system.
func memory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64())
}

// HouseSettings are the settings of the appliance on the wire.
type HouseSettings struct {
	Office     string   `json:"office_name" is:"blank" max:"100"`
	ServerName string   `json:"server_name" max:"253"`
	Hosts      []string `json:"allowed_hosts"`
	AdminOnLAN bool     `json:"admin_on_lan"`
	HTTPSURL   string   `json:"https_url" is:"readonly"`
	HTTPURL    string   `json:"http_url" is:"readonly"`
	InstallID  string   `json:"install_id" is:"readonly"`
	CA         *CAInfo  `json:"ca" is:"readonly"`
	TrustURL   string   `json:"trust_url" is:"readonly"`
}

// CAInfo is what people may know of the certificate authority.
type CAInfo struct {
	Subject     string    `json:"subject" is:"required"`
	SHA256      string    `json:"sha256" is:"required"`
	Expires     time.Time `json:"expires" is:"required" format:"date-time"`
	Names       []string  `json:"names" is:"required"`
	LeafExpires time.Time `json:"leaf_expires" is:"required" format:"date-time"`
}

func (r *Room) houseSettings(ctx context.Context) (HouseSettings, error) {
	h, err := r.Brands.House(ctx)
	if err != nil {
		return HouseSettings{}, err
	}
	out := HouseSettings{
		Office: h.OfficeName, ServerName: h.ServerName, Hosts: h.AllowedHosts, AdminOnLAN: h.AdminOnLAN, HTTPSURL: r.URL(ctx), InstallID: r.Install, TrustURL: r.TrustURL(ctx),
	}
	if out.Hosts == nil {
		out.Hosts = []string{}
	}
	if h.ServerName != "" {
		out.HTTPURL = "http://" + withPort(h.ServerName, r.HTTPPort(), "80")
	}
	if i := r.CA.Info(); i != nil {
		out.CA = &CAInfo{Subject: i.Subject, SHA256: i.CASHA256, Expires: i.CAEnd, Names: i.Names, LeafExpires: i.End}
	}
	return out, nil
}

func (r *Room) changeSettings(ctx context.Context, c *kind.Call, _ *HouseSettings) (HouseSettings, error) {
	old, err := r.houseSettings(ctx)
	if err != nil {
		return old, err
	}
	in := old
	if err := c.Apply(&in); err != nil {
		return old, err
	}
	var bad fault.Fields
	name, err := CheckName(in.ServerName)
	if err := bad.Merge(err); err != nil {
		return old, err
	}
	for i, h := range in.Hosts {
		clean, err := CheckName(h)
		if err != nil {
			bad.Add("allowed_hosts", h+": write a name with a dot, of letters, digits and dashes.")
			continue
		}
		in.Hosts[i] = clean
	}
	if err := bad.Err(); err != nil {
		return old, err
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		return r.Brands.ChangeHouse(tx, func(h *brand.House) error {
			h.OfficeName, h.ServerName, h.AllowedHosts, h.AdminOnLAN = in.Office, name, in.Hosts, in.AdminOnLAN
			return nil
		})
	})
	if err != nil {
		return old, err
	}
	if err := r.Certify(ctx); err != nil {
		return old, err
	}
	return r.houseSettings(ctx)
}

// reaches tells what one person can open, and why.
func (r *Room) reaches(ctx context.Context, c *kind.Call, _ *kind.None) (Reaches, error) {
	out := Reaches{Results: []Reach{}}
	var pk int64
	if _, err := fmt.Sscan(c.Query.Get("user"), &pk); err != nil {
		return out, fault.Field("user", "Name a user by number.")
	}
	u, err := r.Users.ByPK(ctx, pk)
	if err != nil {
		return out, err
	}
	apps, err := store.All[application.Application](ctx, r.Store, store.Query{Order: []string{"name"}})
	if err != nil {
		return out, err
	}
	for _, a := range apps {
		ok, messages, err := r.Apps.Allowed(ctx, a, u, nil)
		if err != nil {
			return out, err
		}
		acc, err := r.access(ctx, a)
		if err != nil {
			return out, err
		}
		out.Results = append(out.Results, Reach{Slug: a.Slug, Name: a.Name, Passing: ok && u.IsActive, Reason: r.reason(ctx, acc, u, ok, messages)})
	}
	return out, nil
}

// BackupTaken notes when a backup was made.
func (r *Room) BackupTaken(ctx context.Context) error {
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		return r.Brands.ChangeHouse(tx, func(h *brand.House) error {
			h.LastBackup = tx.Now.UnixMicro()
			return nil
		})
	})
}

// TrustSeen notes that another device took the CA.
func (r *Room) TrustSeen(ctx context.Context) error {
	h, err := r.Brands.House(ctx)
	if err != nil || h.TrustSeen || !h.SetupDone {
		return err
	}
	return r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		return r.Brands.ChangeHouse(tx, func(h *brand.House) error {
			h.TrustSeen = true
			return nil
		})
	})
}
