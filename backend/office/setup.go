// Package office is what an admin does in one step and what takes several objects: set the house up, add an application with who may use
// it, see whether all is well, take a backup. Its operations live under /api/v3/gatehouse/.
package office

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/application"
	"gatehouse/backend/brand"
	"gatehouse/backend/ca"
	"gatehouse/backend/cert"
	"gatehouse/backend/config"
	"gatehouse/backend/db"
	"gatehouse/backend/event"
	"gatehouse/backend/fault"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/session"
	"gatehouse/backend/store"
	"gatehouse/backend/token"
	"gatehouse/backend/user"
)

// AdminsGroup is the group of those who may do everything, as published.
const AdminsGroup = "authentik Admins"

// Room does the steps.
type Room struct {
	Store    *store.Store
	DB       *db.DB
	Users    *user.Directory
	Tokens   *token.Room
	Sessions *session.Room
	Brands   *brand.Room
	Apps     *application.Room
	OIDC     *oauth2.Room
	Events   *event.Log
	CA       *ca.Room
	Config   config.Config
	Version  string
	Install  string
	Started  time.Time
	// HTTPS and HTTP are the ports that are listened on.
	HTTPSPort, HTTPPort func() string
	Log                 *slog.Logger
	Client              *http.Client // fetches the metadata of applications
	Certs               *cert.Room
}

// Setup is what the first-run wizard asks.
type Setup struct {
	Office     string
	Username   string
	Name       string
	Email      string
	Hash       string // of the password; "" = a way in comes later
	ServerName string
	AdminOnLAN bool
}

// Open says whether the house is set up: the wizard was done, or a start-up variable made the admin.
func (r *Room) Open(ctx context.Context) (bool, error) {
	h, err := r.Brands.House(ctx)
	return h.SetupDone, err
}

// errDone is the answer to a second setup.
func errDone() error {
	return fault.New(fault.Conflict, "Gatehouse is set up already. Sign in instead.")
}

var hostLabel = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName gives a server name as it is stored, or what is wrong with it: a passkey needs a name with a dot (WebAuthn: the RP ID is a
// domain), and a certificate needs letters, digits and dashes.
func CheckName(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(name), "."))
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 || net.ParseIP(name) != nil {
		return "", fault.Field("server_name", "Write a name with a dot, of letters, digits and dashes: login.office.lan")
	}
	for _, l := range labels {
		if !hostLabel.MatchString(l) {
			return "", fault.Field("server_name", "Write a name with a dot, of letters, digits and dashes: login.office.lan")
		}
	}
	return name, nil
}

// Finish sets the house up. Of two at the same time one wins; the other gets a Conflict, and so does whoever comes later.
func (r *Room) Finish(ctx context.Context, s Setup) (*user.User, error) {
	name, err := CheckName(s.ServerName)
	if err != nil {
		return nil, err
	}
	var admin *user.User
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		if err := r.claim(tx, func(h *brand.House) {
			h.OfficeName, h.ServerName, h.AdminOnLAN = s.Office, name, s.AdminOnLAN
		}); err != nil {
			return err
		}
		if err := nameBrand(tx, s.Office); err != nil {
			return err
		}
		var err error
		admin, err = r.makeAdmin(tx, s.Username, s.Name, s.Email, s.Hash)
		return err
	})
	if err != nil {
		return nil, err
	}
	return admin, r.Certify(ctx)
}

// nameBrand puts the office's name on the pages, where nobody chose a title yet.
func nameBrand(tx *store.Tx, office string) error {
	if office == "" {
		return nil
	}
	bs, err := store.AllTx[brand.Brand](tx, store.Query{})
	if err != nil {
		return err
	}
	for _, b := range bs {
		if b.Default && b.Title == "Gatehouse" {
			b.Title = office
			return tx.Update(b)
		}
	}
	return nil
}

// claim marks the house as set up, once.
func (r *Room) claim(tx *store.Tx, change func(h *brand.House)) error {
	return r.Brands.ChangeHouse(tx, func(h *brand.House) error {
		if h.SetupDone {
			return errDone()
		}
		h.SetupDone = true
		change(h)
		return nil
	})
}

// makeAdmin makes a user of the group of admins; a user of that name who is there already is put into it.
func (r *Room) makeAdmin(tx *store.Tx, username, name, email, hash string) (*user.User, error) {
	g, err := store.FindTx[user.Group](tx, "name", AdminsGroup)
	if fault.Is(err, fault.NotFound) {
		g = store.KindOf[user.Group](r.Store).New().(*user.Group)
		g.Name, g.IsSuperuser = AdminsGroup, true
		err = tx.Create(g)
	}
	if err != nil {
		return nil, err
	}
	u := store.KindOf[user.User](r.Store).New().(*user.User)
	u.Username, u.Name, u.Email, u.Type = username, name, email, user.Internal
	if u.Name == "" {
		u.Name = username
	}
	if hash != "" {
		now := tx.Now
		u.Password, u.PasswordChange = hash, &now
	}
	if err := tx.Create(u); err != nil {
		return nil, err
	}
	return u, user.AddToGroup(tx, u.PK, g.PK)
}

// Bootstrap makes the first admin akadmin, and their API token, from start-up variables on a house that is not set up. It says whether it
// did.
func (r *Room) Bootstrap(ctx context.Context, b config.Bootstrap) (bool, error) {
	done, err := r.Open(ctx)
	if err != nil || done || !b.Any() {
		return false, err
	}
	n, err := r.Users.Count(ctx)
	if err != nil || n > 0 {
		return false, err
	}
	hash := ""
	if b.Password != "" {
		if hash, err = r.Users.Hasher.Hash(ctx, b.Password); err != nil {
			return false, err
		}
	}
	email := b.Email
	if email == "" {
		email = "root@example.com"
	}
	name := r.Config.Name
	if name == "" {
		name = guessName()
	}
	err = r.Store.Write(ctx, store.House, func(tx *store.Tx) error {
		if err := r.claim(tx, func(h *brand.House) { h.ServerName, h.AdminOnLAN = name, true }); err != nil {
			return err
		}
		u, err := r.makeAdmin(tx, "akadmin", "authentik Default Admin", email, hash)
		if err != nil || b.Token == "" {
			return err
		}
		return tx.Create(r.Tokens.Fresh(token.Token{Identifier: "authentik-bootstrap-token", Intent: token.API, User: u.PK, Key: b.Token}))
	})
	if err != nil {
		return false, err
	}
	return true, r.Certify(ctx)
}

// CreateAdmin makes a user with all rights from the command line. A house that is not set up is set up by it. Conflict when the username
// is taken.
func (r *Room) CreateAdmin(ctx context.Context, username, name, email, hash string) (*user.User, error) {
	if _, err := r.Users.ByUsername(ctx, username); !fault.Is(err, fault.NotFound) {
		if err == nil {
			err = fault.Newf(fault.Conflict, "There is a user called %s already.", username)
		}
		return nil, err
	}
	server := r.GuessName()
	var u *user.User
	err := r.Store.Write(ctx, store.House, func(tx *store.Tx) (err error) {
		if err := r.claim(tx, func(h *brand.House) { h.ServerName, h.AdminOnLAN = server, true }); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
		u, err = r.makeAdmin(tx, username, name, email, hash)
		return err
	})
	return u, err
}

// guessName proposes a name for the server on its network.
func guessName() string {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "gatehouse"
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		host += ".local"
	}
	if _, err := CheckName(host); err != nil {
		return "gatehouse.local"
	}
	return host
}

// GuessName proposes a name for the server on its network.
func (r *Room) GuessName() string {
	if r.Config.Name != "" {
		return r.Config.Name
	}
	return guessName()
}

// Certify makes sure that the server's certificate covers every name that the house answers to; before the wizard is done, every address
// of this machine.
func (r *Room) Certify(ctx context.Context) error {
	h, err := r.Brands.House(ctx)
	if err != nil {
		return err
	}
	names := []string{"localhost", "127.0.0.1", "::1"}
	if h.ServerName != "" {
		names = append(names, h.ServerName)
	} else {
		names = append(names, r.GuessName())
		names = append(names, Addresses()...)
	}
	for _, n := range h.AllowedHosts {
		names = append(names, strings.ToLower(n))
	}
	slices.Sort(names)
	return r.CA.Ensure(ctx, h.OfficeName, slices.Compact(names))
}

// Addresses gives the addresses of this machine on its networks.
func Addresses() []string {
	var out []string
	as, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range as {
		n, ok := a.(*net.IPNet)
		if !ok || n.IP.IsLoopback() || n.IP.IsLinkLocalUnicast() {
			continue
		}
		out = append(out, n.IP.String())
	}
	slices.Sort(out)
	return out
}

// Links gives the addresses under which a browser reaches the first-run wizard with the text of its link: on this machine, and by each of
// its addresses on the network.
func (r *Room) Links(token string) []string {
	path := "/setup/?t=" + url.QueryEscape(token)
	out := []string{"http://" + withPort("127.0.0.1", r.HTTPPort(), "80") + path}
	for _, a := range Addresses() {
		if ip := net.ParseIP(a); ip != nil && ip.To4() == nil {
			a = "[" + a + "]"
		}
		out = append(out, r.URLFor(a)+path)
	}
	return out
}

// URL is the address of the house for other devices, "" before it has a name.
func (r *Room) URL(ctx context.Context) string {
	h, err := r.Brands.House(ctx)
	if err != nil || h.ServerName == "" {
		return ""
	}
	return r.URLFor(h.ServerName)
}

// URLFor is the address of the house under a name.
func (r *Room) URLFor(name string) string {
	return "https://" + withPort(name, r.HTTPSPort(), "443")
}

// TrustURL is the address of the page that brings the CA to other devices.
func (r *Room) TrustURL(ctx context.Context) string {
	h, err := r.Brands.House(ctx)
	if err != nil || h.ServerName == "" {
		return ""
	}
	return r.TrustURLFor(h.ServerName)
}

// TrustURLFor is the address of that page under a name.
func (r *Room) TrustURLFor(name string) string {
	return "http://" + withPort(name, r.HTTPPort(), "80") + "/trust"
}

func withPort(host, port, standard string) string {
	if port == "" || port == standard {
		return host
	}
	return host + ":" + port
}

// Hosts gives the names that the house answers to, without ports: its own, those that were added, and the brands' domains.
func (r *Room) Hosts(ctx context.Context) ([]string, error) {
	h, err := r.Brands.House(ctx)
	if err != nil {
		return nil, err
	}
	out := append([]string{h.ServerName}, h.AllowedHosts...)
	bs, err := r.Brands.Brands(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range bs {
		if !b.Default {
			out = append(out, b.Domain)
		}
	}
	names, err := r.Brands.TenantDomains(ctx)
	return append(out, names...), err
}
