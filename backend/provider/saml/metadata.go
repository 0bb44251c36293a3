package saml

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"

	"github.com/beevik/etree"

	"gatehouse/backend/fault"
	"gatehouse/backend/kind"
	"gatehouse/backend/provider"
	message "gatehouse/backend/saml"
	"gatehouse/backend/store"
)

// Metadata is the description of Gatehouse that an application reads.
type Metadata struct {
	Metadata    string `json:"metadata" is:"required,readonly"`
	DownloadURL string `json:"download_url" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (Metadata) SchemaName() string { return "SAMLMetadata" }

func (r *Room) metadataAction() kind.Action {
	a := kind.Detail[kind.None, Metadata]("GET", "metadata", "", nil)
	a.Access = kind.Anybody // applications fetch it by themselves
	a.Query = []kind.Param{
		{Name: "download", Type: "boolean", Help: "Answer with the file itself."},
		{Name: "force_binding", Type: "string", Enum: []string{message.Post, message.Redirect}, Help: "Name this way of travelling only."},
	}
	a.Answers = map[int]string{404: "There is no such provider."}
	a.Do = func(ctx context.Context, c *kind.Call, _ any) (any, error) {
		p := c.Object.(*Provider)
		b, err := r.metadata(ctx, p, c.Query.Get("force_binding"))
		if err != nil {
			return nil, err
		}
		if c.Query.Has("download") && c.Query.Get("download") != "false" {
			return kind.Download{Name: p.Name + "_authentik_meta.xml", Type: "application/xml", Body: b}, nil
		}
		if err := r.present(ctx, []any{p}, url.Values{}); err != nil {
			return nil, err
		}
		return Metadata{Metadata: string(b), DownloadURL: p.URLMetadata}, nil
	}
	return a
}

// metadata describes the provider; empty when it belongs to no application. force leaves one binding.
func (r *Room) metadata(ctx context.Context, p *Provider, force string) ([]byte, error) {
	if force != "" && force != message.Post && force != message.Redirect {
		return nil, fault.Field("force_binding", "\""+force+"\" is not a valid choice.")
	}
	apps, err := provider.Applications(ctx, r.Store, false)
	if err != nil {
		return nil, err
	}
	slug := apps[fmt.Sprint(p.PK)].Slug
	if slug == "" {
		return nil, nil
	}
	at := PlacesOf(provider.Address(ctx), slug)
	key, unusable, err := r.key(ctx, p)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s-%d", p.Name, p.PK))
	d := etree.NewElement("md:EntityDescriptor")
	d.CreateAttr("xmlns:md", message.Metadata)
	d.CreateAttr("ID", "_"+hex.EncodeToString(sum[:]))
	d.CreateAttr("entityID", p.Issuer)
	idp := node(d, "md:IDPSSODescriptor", "protocolSupportEnumeration", message.Protocol)
	if p.Verification != nil {
		idp.CreateAttr("WantAuthnRequestsSigned", "true")
	}
	if p.SigningKey != nil {
		s, err := r.Certs.Signing(ctx, *p.SigningKey)
		if err != nil {
			return nil, err
		}
		info := node(node(idp, "md:KeyDescriptor", "use", "signing"), "ds:KeyInfo", "xmlns:ds", message.Signature)
		node(node(info, "ds:X509Data"), "ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(s.Certificate.Raw))
	}
	bindings := []struct{ binding, on, out string }{{message.Redirect, at.Redirect, at.EndRedirect}, {message.Post, at.Post, at.EndPost}}
	add := func(tag string, location func(i int) string) {
		for i, b := range bindings {
			if force == "" || force == b.binding {
				node(idp, tag, "Binding", b.binding, "Location", location(i))
			}
		}
	}
	add("md:SingleLogoutService", func(i int) string { return bindings[i].out })
	for _, f := range []string{message.NameEmail, message.NamePersistent, message.NameX509, message.NameTransient} {
		node(idp, "md:NameIDFormat").SetText(f)
	}
	add("md:SingleSignOnService", func(i int) string { return bindings[i].on })
	if key != nil && unusable == nil {
		if err := message.Sign(d, key); err != nil {
			return nil, err
		}
	}
	b, err := message.Write(d)
	return append([]byte(xml.Header), b...), err
}

// keyOf gives the first key pair that has a private key, "" when there is none.
func keyOf(tx *store.Tx) (string, error) {
	k := tx.Store().Kind("authentik_crypto.certificatekeypair")
	rows, err := tx.Query(`SELECT pk FROM object WHERE kind = ? ORDER BY created, name`, k.Model)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var pks []string
	for rows.Next() {
		var pk string
		if err := rows.Scan(&pk); err != nil {
			return "", err
		}
		pks = append(pks, pk)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	for _, pk := range pks {
		obj, err := tx.Get(k, pk)
		if err != nil {
			return "", err
		}
		if k.Value(obj, k.Field("key_data")).String() != "" {
			return pk, nil
		}
	}
	return "", nil
}
