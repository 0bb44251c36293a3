package saml

import (
	"context"
	"slices"
	"time"

	"gatehouse/backend/beyond"
	"gatehouse/backend/cert"
	"gatehouse/backend/crypt"
	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/store"
)

// Beyond is what a source has that the release does not. It is stored beside the published fields and has operations of its own.
type Beyond struct {
	IdP           string   `json:"idp_entity_id" is:"blank" max:"1024" help:"The name (entity ID) of the other side; messages of any other are refused. Empty: any issuer whose signature fits."`
	Further       []string `json:"further_verification_kps" format:"uuid" help:"Further certificates that answers may be signed with, as while the other side changes its own."`
	AllowUnsigned bool     `json:"allow_unsigned" default:"false" help:"Believe answers that nobody signed, while there is no verification certificate. Whoever reaches the server can sign in as anybody then."`
	AllowSHA1     bool     `json:"allow_sha1" default:"false" help:"Take answers that are signed with SHA-1, which is not safe any more."`
	SLOBinding    string   `json:"slo_binding" enum:"redirect,post" default:"redirect" help:"How requests to sign out travel to the other side."`
	Logout        bool     `json:"logout_other_side" default:"true" help:"Whoever signs out of Gatehouse is signed out at the other side too, where it has an address for that."`
	UsernameFrom  string   `json:"username_attribute" is:"blank" max:"255" help:"The attribute that usernames of new people come from. Empty: by what the other side names them (NameID)."`
}

// SchemaName implements kind.SchemaNamer.
func (Beyond) SchemaName() string { return "SAMLSourceBeyond" }

// State is what an admin wants to see of a source: what the other side has to know, and what was said lately.
type State struct {
	EntityID     string           `json:"entity_id" is:"required,readonly" help:"The name of Gatehouse at the other side (entity ID, audience)."`
	ACSURL       string           `json:"acs_url" is:"required,readonly" help:"Where the other side sends its answers (assertion consumer service, recipient)."`
	SLOURL       string           `json:"slo_url" is:"required,readonly" help:"Where it sends requests and answers about signing out."`
	MetadataURL  string           `json:"metadata_url" is:"required,readonly" help:"Where it reads all of this."`
	LoginURL     string           `json:"login_url" is:"required,readonly" help:"Where people begin."`
	Certificates []Certificate    `json:"certificates" is:"required,readonly"`
	Messages     []source.Message `json:"messages" is:"required,readonly" help:"What was said since the server started, the newest first; 200 at most."`
}

// SchemaName implements kind.SchemaNamer.
func (State) SchemaName() string { return "SAMLSourceState" }

// Certificate is one that a source signs or verifies with.
type Certificate struct {
	PK      string    `json:"pk" is:"required,readonly" format:"uuid"`
	Use     string    `json:"use" is:"required,readonly" enum:"signing,verification"`
	Subject string    `json:"subject" is:"required,readonly"`
	SHA256  string    `json:"fingerprint_sha256" is:"required,readonly"`
	Until   time.Time `json:"until" is:"required,readonly" format:"date-time"`
	Over    bool      `json:"over" is:"required,readonly" help:"Whether its time is over. It goes on counting: the other side has to change it."`
}

// SchemaName implements kind.SchemaNamer.
func (Certificate) SchemaName() string { return "SAMLSourceCertificate" }

// Endpoints are the operations of this room that belong to no collection.
func (r *Room) Endpoints() []kind.Action {
	settings := r.Beyond()
	const view = "authentik_sources_saml.view_samlsource"
	state := kind.Do("GET", "gatehouse/sources/saml/{slug}/state", r.state)
	state.Summary, state.Perm, state.Of = "What the other side of a SAML source has to know, its certificates, and the last messages.", view, settings.Key
	state.Query = []kind.Param{{Name: "after", Type: "integer", Help: "The id of a message: only newer ones."}}
	in := kind.Do("POST", "gatehouse/sources/saml/import", r.importSource)
	in.Summary, in.Perm, in.Also = "Makes a SAML source from the metadata of an identity provider.", "authentik_sources_saml.add_samlsource", []string{"authentik_crypto.add_certificatekeypair"}
	in.Status = 201
	return append(settings.Actions(), state, in)
}

// Beyond gives the fields that the release does not have.
func (s *Source) Beyond() Beyond {
	b := Beyond{
		IdP: s.IdP, Further: slices.Clone(s.Further), AllowUnsigned: s.AllowUnsigned, AllowSHA1: s.AllowSHA1, SLOBinding: s.SLOBinding, Logout: !s.KeepOther, UsernameFrom: s.UsernameFrom,
	}
	if b.SLOBinding == "" {
		b.SLOBinding = "redirect"
	}
	if b.Further == nil {
		b.Further = []string{}
	}
	return b
}

// Beyond keeps them.
func (r *Room) Beyond() beyond.Settings[Source, Beyond] {
	return beyond.Settings[Source, Beyond]{Store: r.Store, Of: (*Source).Beyond, Put: putBeyond}
}

func putBeyond(tx *store.Tx, s *Source, in Beyond) error {
	for _, pk := range in.Further {
		if _, err := store.GetTx[cert.Pair](tx, pk); fault.Is(err, fault.NotFound) {
			return fault.Field("further_verification_kps", "There is no such certificate.")
		} else if err != nil {
			return err
		}
	}
	s.IdP, s.Further, s.AllowUnsigned, s.AllowSHA1, s.SLOBinding, s.KeepOther, s.UsernameFrom = in.IdP, in.Further, in.AllowUnsigned, in.AllowSHA1, in.SLOBinding, !in.Logout, in.UsernameFrom
	return nil
}

func (r *Room) state(ctx context.Context, c *kind.Call, _ *kind.None) (State, error) {
	after, err := source.After(c.Query)
	if err != nil {
		return State{}, err
	}
	s, err := store.Find[Source](ctx, r.Store, "slug", c.Key)
	if err != nil {
		return State{}, err
	}
	out := State{
		EntityID: entityID(ctx, s), ACSURL: acsURL(ctx, s), SLOURL: sloURL(ctx, s), MetadataURL: metadataURL(ctx, s), LoginURL: at(ctx, s),
		Certificates: []Certificate{}, Messages: r.Journal.List(s.PK, after),
	}
	add := func(pk, use string) error {
		pair, err := r.Certs.Signing(ctx, pk)
		if err != nil {
			return err
		}
		until := pair.Certificate.NotAfter.UTC()
		out.Certificates = append(out.Certificates, Certificate{
			PK: pk, Use: use, Subject: crypt.SubjectText(pair.Certificate), SHA256: crypt.FingerprintSHA256(pair.Certificate), Until: until, Over: r.Store.Now().After(until),
		})
		return nil
	}
	for _, pk := range s.verifiers() {
		if err := add(pk, "verification"); err != nil {
			return out, err
		}
	}
	if s.SigningKey != nil {
		return out, add(*s.SigningKey, "signing")
	}
	return out, nil
}
