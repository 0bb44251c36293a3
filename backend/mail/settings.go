package mail

import (
	"context"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/store"
)

// How a connection is secured.
const (
	None     = "none"     // in the clear
	StartTLS = "starttls" // begins in the clear and changes to TLS (RFC 3207); without it nothing is sent
	TLS      = "tls"      // TLS from the start (RFC 8314)
)

// Connection is a mail server and how the house speaks with it.
type Connection struct {
	Host     string // "" = there is none
	Port     int
	Security string // None, StartTLS or TLS
	Username string // "" = the server wants none
	Password string
	Timeout  time.Duration
	From     string // sender of mails that name none
}

// Fixed are the values that the start-up settings give, by the names on the wire (host, port, security, username, password, timeout,
// from_address), and where each came from. They count in the place of what is stored.
type Fixed struct {
	Connection
	From map[string]string // "host": "AUTHENTIK_EMAIL__HOST"
}

// family holds the one row of settings; no door serves it as a collection.
var family = &kind.Family{Name: "mailserver", Param: "pk", Title: "mail server"}

const serverPK = "00000000-0000-4000-8000-000000000003"

// Server is the mail server as it is stored.
type Server struct {
	PK       string `json:"pk" is:"hidden"`
	Name     string `json:"name" is:"hidden"`
	Host     string `json:"host"`
	Port     int64  `json:"port" default:"587"`
	Security string `json:"security" enum:"none,starttls,tls" default:"starttls"`
	Username string `json:"username"`
	Password string `json:"password" is:"secret"`
	Timeout  int64  `json:"timeout" default:"10"`
	From     string `json:"from_address"`
}

// Kinds describes the row of the mail server.
func (r *Room) Kinds() []*kind.Kind {
	return []*kind.Kind{kind.Of[Server](family, kind.Spec{Model: "gatehouse.mailserver", Schema: "MailServer", Title: "Mail server", Plural: "Mail servers"}, nil)}
}

// Settings are the mail server on the wire. The password is taken and never shown.
type Settings struct {
	Host        string            `json:"host" is:"blank" default:"" max:"253" help:"Name or address of the mail server. Empty: Gatehouse sends no mails."`
	Port        int64             `json:"port" default:"587" min:"1" max:"65535" help:"587 with STARTTLS, 465 with TLS, 25 in the clear."`
	Security    string            `json:"security" enum:"none,starttls,tls" default:"starttls" help:"How the connection is kept secret."`
	Username    string            `json:"username" is:"blank" default:"" max:"255" help:"Empty when the server asks for none."`
	Password    *string           `json:"password" is:"writeonly,blank,raw" max:"1024" help:"Left out: it stays as it is. Empty: there is none."`
	From        string            `json:"from_address" is:"blank" default:"" max:"254" help:"The sender that people see."`
	Timeout     int64             `json:"timeout" default:"10" min:"1" max:"600" help:"Seconds to wait for the mail server."`
	HasPassword bool              `json:"has_password" is:"readonly"`
	Configured  bool              `json:"configured" is:"readonly" help:"Whether there is a mail server."`
	Fixed       map[string]string `json:"fixed" is:"readonly" help:"The fields that start-up settings give, with where each comes from."`
}

// SchemaName implements kind.SchemaNamer.
func (Settings) SchemaName() string { return "MailSettings" }

func (r *Room) stored(ctx context.Context) (*Server, error) {
	s, err := store.Get[Server](ctx, r.Store, serverPK)
	if fault.Is(err, fault.NotFound) {
		return store.KindOf[Server](r.Store).New().(*Server), nil
	}
	return s, err
}

// connection gives the mail server that counts now: of the house, or the one that a letter names.
func (r *Room) connection(ctx context.Context, via string) (Connection, error) {
	if via != "" {
		if r.Via == nil {
			return Connection{}, fault.New(fault.NotFound, "The mail server of this mail is gone.")
		}
		return r.Via(ctx, via)
	}
	s, err := r.stored(ctx)
	if err != nil {
		return Connection{}, err
	}
	return r.Fixed.over(Connection{
		Host: s.Host, Port: int(s.Port), Security: s.Security, Username: s.Username, Password: s.Password, Timeout: time.Duration(s.Timeout) * time.Second, From: s.From,
	}), nil
}

// over puts the fixed values over those of c.
func (f Fixed) over(c Connection) Connection {
	for name := range f.From {
		switch name {
		case "host":
			c.Host = f.Host
		case "port":
			c.Port = f.Port
		case "security":
			c.Security = f.Security
		case "username":
			c.Username = f.Username
		case "password":
			c.Password = f.Password
		case "timeout":
			c.Timeout = f.Timeout
		case "from_address":
			c.From = f.Connection.From
		}
	}
	if c.From == "" && c.Host != "" {
		c.From = "gatehouse@" + strings.Trim(c.Host, "[]")
	}
	return c
}

// settings gives what counts, as the wire shows it.
func (r *Room) settings(ctx context.Context) (Settings, error) {
	c, err := r.connection(ctx, "")
	if err != nil {
		return Settings{}, err
	}
	fixed := r.Fixed.From
	if fixed == nil {
		fixed = map[string]string{}
	}
	return Settings{
		Host: c.Host, Port: int64(c.Port), Security: c.Security, Username: c.Username, From: c.From, Timeout: int64(c.Timeout / time.Second),
		HasPassword: c.Password != "", Configured: c.Host != "", Fixed: fixed,
	}, nil
}

func (r *Room) change(ctx context.Context, c *kind.Call, _ *Settings) (Settings, error) {
	old, err := r.settings(ctx)
	if err != nil {
		return old, err
	}
	in := old
	if err := c.Apply(&in); err != nil {
		return old, err
	}
	if err := r.valid(old, &in); err != nil {
		return old, err
	}
	err = r.Store.Write(ctx, store.ActorOf(ctx), func(tx *store.Tx) error {
		s, err := store.GetTx[Server](tx, serverPK)
		missing := fault.Is(err, fault.NotFound)
		if err != nil && !missing {
			return err
		}
		if missing {
			s = store.KindOf[Server](tx.Store()).New().(*Server)
			s.PK, s.Name = serverPK, "mail server"
		}
		r.onto(s, in)
		tx.AfterCommit(r.Wake)
		if missing {
			return tx.Create(s)
		}
		return tx.Update(s)
	})
	if err != nil {
		return old, err
	}
	return r.settings(ctx)
}

// onto writes what may be changed; a field that a start-up setting gives stays as it is stored.
func (r *Room) onto(s *Server, in Settings) {
	free := func(name string) bool { return r.Fixed.From[name] == "" }
	if free("host") {
		s.Host = in.Host
	}
	if free("port") {
		s.Port = in.Port
	}
	if free("security") {
		s.Security = in.Security
	}
	if free("username") {
		s.Username = in.Username
	}
	if free("password") && in.Password != nil {
		s.Password = *in.Password
	}
	if free("from_address") {
		s.From = in.From
	}
	if free("timeout") {
		s.Timeout = in.Timeout
	}
}

// valid says what is wrong with new settings.
func (r *Room) valid(old Settings, in *Settings) error {
	var bad fault.Fields
	in.Host = strings.TrimSpace(in.Host)
	if strings.ContainsAny(in.Host, " \t\r\n/@,;") || !line(in.Host) {
		bad.Add("host", "Write the name or address of the server alone, as in mail.office.lan.")
	}
	if !line(in.Username) {
		bad.Add("username", "A name has no line breaks.")
	}
	if in.Password != nil && strings.ContainsAny(*in.Password, "\r\n\x00") {
		bad.Add("password", "A password has no line breaks.")
	}
	if in.From != "" {
		if err := bad.Merge(func() error { _, err := sender("from_address", in.From); return err }()); err != nil {
			return err
		}
	} else if in.Host != "" {
		bad.Add("from_address", "Mails need a sender, as gatehouse@office.lan.")
	}
	// Whoever may change the settings, and does not know the password, must not have it sent elsewhere.
	if in.Password == nil && old.HasPassword && r.Fixed.From["password"] == "" && old.Host != "" &&
		(!strings.EqualFold(in.Host, old.Host) && in.Host != "" || in.Security == None && old.Security != None) {
		bad.Add("password", "Type the password again, since it would go to another server or in the clear.")
	}
	for name, same := range map[string]bool{
		"host": in.Host == old.Host, "port": in.Port == old.Port, "security": in.Security == old.Security, "username": in.Username == old.Username,
		"from_address": in.From == old.From, "timeout": in.Timeout == old.Timeout, "password": in.Password == nil,
	} {
		if from := r.Fixed.From[name]; from != "" && !same {
			bad.Add(name, "This is set by "+from+" at the start of Gatehouse and can't be changed here.")
		}
	}
	return bad.Err()
}
