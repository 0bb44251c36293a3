// Package saml is the source of people who sign in at another SAML 2.0 identity provider.
//
//	begin ─▶ AuthnRequest, its ID in the browser's session ─▶ the other side
//	acs   ─▶ read ▸ signature ▸ for us, from them, now, asked for by this browser, not seen before ─▶ arrival
//	slo   ─▶ LogoutRequest and LogoutResponse, both ways
package saml

import (
	"context"
	"net/url"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/source"
	"gatehouse/backend/span"
	"gatehouse/backend/store"
)

// Model is the published name of this source.
const Model = "authentik_sources_saml.samlsource"

// Source is another identity provider.
type Source struct {
	source.Base
	PreFlow       string  `json:"pre_authentication_flow" is:"required" ref:"flows protect" format:"uuid" help:"The flow that people pass before they are sent there."`
	Issuer        string  `json:"issuer" is:"blank" help:"The name under which Gatehouse asks. Empty: the address of its metadata."`
	SSOURL        string  `json:"sso_url" is:"required" format:"uri" max:"200" help:"Where people are sent to sign in."`
	SLOURL        *string `json:"slo_url" is:"blank" format:"uri" max:"200" help:"Where people are sent to sign out."`
	IdPInitiated  bool    `json:"allow_idp_initiated" group:"advanced" help:"Take sign-ins that Gatehouse did not ask for; they are easier to abuse."`
	NameIDPolicy  string  `json:"name_id_policy" enum:"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress,urn:oasis:names:tc:SAML:2.0:nameid-format:persistent,urn:oasis:names:tc:SAML:2.0:nameid-format:X509SubjectName,urn:oasis:names:tc:SAML:2.0:nameid-format:WindowsDomainQualifiedName,urn:oasis:names:tc:SAML:2.0:nameid-format:transient" default:"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" group:"advanced" help:"By what the other side should name people."`
	Binding       string  `json:"binding_type" enum:"REDIRECT,POST,POST_AUTO" default:"REDIRECT" help:"How requests travel there."`
	Verification  *string `json:"verification_kp" ref:"keypairs set_null" format:"uuid" help:"The certificate that answers have to be signed with."`
	SigningKey    *string `json:"signing_kp" ref:"keypairs set_null" format:"uuid" help:"The certificate whose key signs requests. Empty: they are not signed."`
	Digest        string  `json:"digest_algorithm" enum:"http://www.w3.org/2000/09/xmldsig#sha1,http://www.w3.org/2001/04/xmlenc#sha256,http://www.w3.org/2001/04/xmldsig-more#sha384,http://www.w3.org/2001/04/xmlenc#sha512" default:"http://www.w3.org/2001/04/xmlenc#sha256" group:"advanced"`
	Signature     string  `json:"signature_algorithm" enum:"http://www.w3.org/2000/09/xmldsig#rsa-sha1,http://www.w3.org/2001/04/xmldsig-more#rsa-sha256,http://www.w3.org/2001/04/xmldsig-more#rsa-sha384,http://www.w3.org/2001/04/xmldsig-more#rsa-sha512,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384,http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512,http://www.w3.org/2000/09/xmldsig#dsa-sha1" default:"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" group:"advanced"`
	TemporaryLife string  `json:"temporary_user_delete_after" format:"duration" default:"days=1" group:"advanced" help:"When people whose name is made anew at each sign-in are deleted."`

	// What the release does not have; see Beyond.
	IdP           string   `json:"idp_entity_id" is:"hidden"`
	Further       []string `json:"further_verification_kps" is:"hidden" ref:"keypairs"`
	AllowUnsigned bool     `json:"allow_unsigned" is:"hidden"`
	AllowSHA1     bool     `json:"allow_sha1" is:"hidden"`
	SLOBinding    string   `json:"slo_binding" is:"hidden"` // "" is redirect
	KeepOther     bool     `json:"keep_other_session" is:"hidden"`
	UsernameFrom  string   `json:"username_attribute" is:"hidden"`

	room *Room
}

// UserSettings implements source.Connectable.
func (s *Source) UserSettings() (component, configure string) {
	return "ak-user-settings-source-saml", "/source/saml/" + s.Slug + "/"
}

// LoginPath implements source.Enterable.
func (s *Source) LoginPath() string { return "/source/saml/" + s.Slug + "/" }

// Deleting implements store.Deleter.
func (s *Source) Deleting(tx *store.Tx) error {
	if s.room != nil {
		tx.AfterCommit(func() { s.room.Journal.Forget(s.PK) })
	}
	return s.Base.Deleting(tx)
}

// Validate implements store.Validator.
func (s *Source) Validate() error {
	var bad fault.Fields
	if err := bad.Merge(s.Base.Validate()); err != nil {
		return err
	}
	if d, err := span.Parse(s.TemporaryLife); err != nil {
		bad.Add("temporary_user_delete_after", fault.As(err).Say)
	} else if d <= 0 {
		bad.Add("temporary_user_delete_after", "The time has to be longer than zero.")
	}
	for field, to := range map[string]*string{"sso_url": &s.SSOURL, "slo_url": s.SLOURL} {
		if to != nil && *to != "" && !web(*to) {
			bad.Add(field, "Enter a valid URL.")
		}
	}
	return bad.Err()
}

// web tells an address that browsers can be sent to.
func web(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// Connection says which name at the other side belongs to whom.
type Connection struct {
	source.Link
	User int64 `json:"user" is:"required" ref:"users cascade"`
}

// Own implements arrival.Made; nothing is kept with it.
func (c *Connection) Own(user int64, _ string) { c.User = user }

// connection is the published name of a connection.
const connection = "authentik_sources_saml.usersamlsourceconnection"

// Saving implements store.Saver.
func (c *Connection) Saving(tx *store.Tx, old any) error {
	if before, ok := old.(*Connection); ok {
		return c.Keep(tx, connection, Model, &c.User, before.User, &before.Link)
	}
	return c.Keep(tx, connection, Model, &c.User, 0, nil)
}

// Kinds describes the source and its connections.
func (r *Room) Kinds() []*kind.Kind {
	meta := kind.Detail("GET", "metadata", "view", func(ctx context.Context, c *kind.Call, _ *kind.None) (Metadata, error) {
		src := c.Object.(*Source)
		b, err := r.describe(ctx, src)
		return Metadata{Metadata: string(b), DownloadURL: metadataURL(ctx, src)}, err
	})
	return []*kind.Kind{
		kind.Of[Source](source.Family, kind.Spec{
			Path: "sources/saml", Model: Model, Schema: "SAMLSource", Title: "SAML Source", Component: "ak-source-saml-form", About: "Sign in at another SAML 2.0 identity provider.",
			Order: []string{"name"}, Present: source.Present, Actions: []kind.Action{meta},
			By: []string{
				"allow_idp_initiated", "authentication_flow", "binding_type", "digest_algorithm", "enabled", "enrollment_flow", "issuer", "managed", "name", "name_id_policy", "policy_engine_mode", "pre_authentication_flow",
				"signature_algorithm", "signing_kp", "slo_url", "slug", "sso_url", "temporary_user_delete_after", "user_matching_mode", "verification_kp",
			},
		}, func() *Source { return &Source{room: r} }),
		kind.Of[Connection](source.Connections, source.ConnectionSpec(r.Store, kind.Spec{
			Path: "sources/user_connections/saml", Model: connection, Schema: "UserSAMLSourceConnection", Title: "User SAML Source Connection",
		}), nil),
	}
}
