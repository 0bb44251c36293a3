// Package catalog knows the applications that an office can add without looking anything up: what the server has to be told of each, what
// has to be typed at the application, and the page of its documentation that every one of these facts was taken from.
//
//	apps/nextcloud.json …  ──▶ All, Find ──▶ office: makes application and provider
//	                                     └─▶ Fill: the values to copy, with the addresses of this server in them
package catalog

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gatehouse/backend/fault"
)

//go:embed apps/*.json
var files embed.FS

// The protocols that templates are written for.
const (
	OIDC = "oidc"
	SAML = "saml"
)

// Template is an application that people know by name.
type Template struct {
	Slug     string `json:"slug" is:"required"`
	Name     string `json:"name" is:"required"`
	Mark     string `json:"mark" is:"required"` // one or two letters, drawn in place of the maker's own sign
	Category string `json:"category" is:"required" enum:"code,communication,documents,home,infrastructure,knowledge,media,reading,security"`
	About    string `json:"about" is:"required"`
	Protocol string `json:"protocol" is:"required" enum:"oidc,saml"`
	// Address is an example of where such an application lives.
	Address string `json:"address" is:"required"`
	// Redirects are where the application takes people back to, with {url} for its address. By SAML that is a need.
	Redirects []Redirect `json:"redirects" is:"required"`
	// RedirectHint says where the application shows its redirect URI, when that holds something that only the application knows.
	RedirectHint string `json:"redirect_hint" is:"required"`
	// Needs is what the server has to hold to.
	Needs []Need `json:"needs" is:"required"`
	// Where names the page or file of the application that the values go to.
	Where  string  `json:"where" is:"required"`
	Values []Value `json:"values" is:"required"`
	Notes  []Note  `json:"notes" is:"required"`
	// Start is where a sign-in begins at the application.
	Start string `json:"start" is:"required"`
	// Source is the page that everything was taken from that names no other.
	Source string `json:"source" is:"required"`
	// Tried says that our own tests install the application and sign in to it.
	Tried bool `json:"tried"`
}

// SchemaName gives the description its name.
func (Template) SchemaName() string { return "CatalogTemplate" }

// Redirect is an address that the application takes people back to.
type Redirect struct {
	URI    string `json:"uri" is:"required"`
	Source string `json:"source" is:"required"`
}

// SchemaName gives the description its name.
func (Redirect) SchemaName() string { return "CatalogRedirect" }

// What a template can need of the server, by OpenID Connect.
const (
	NeedClient = "client_type"   // confidential or public
	NeedSign   = "signing"       // the only algorithm that the application can check: rs256, es256
	NeedSub    = "sub_mode"      // by what the application has to know people
	NeedSecret = "secret_length" // how long a secret may be
	NeedScopes = "scopes"        // what the application asks for
	NeedPKCE   = "pkce"          // "always" when it sends a challenge by itself, "setting" when one of the values turns it on
)

// What a template can need of the server, by SAML. Those that are addresses or names may begin with {url} and have {host} in them.
const (
	NeedACS      = "acs_url"        // where answers go
	NeedAudience = "audience"       // the name of the application, its entity ID
	NeedSLO      = "slo_url"        // where the answer to a sign-out goes
	NeedSLOBy    = "slo_binding"    // how it travels
	NeedSigned   = "sign"           // what is signed: assertion, response, both
	NeedFormat   = "name_id_format" // what the application asks for
	NeedName     = "name_id"        // by what the application has to know people, whatever it asks for: one of the mappings of the release
)

// Need is something that the server has to hold to for an application.
type Need struct {
	What   string `json:"what" is:"required" enum:"client_type,signing,sub_mode,secret_length,scopes,pkce,acs_url,audience,slo_url,slo_binding,sign,name_id_format,name_id"`
	Value  string `json:"value" is:"required"`
	Source string `json:"source" is:"required"`
}

// SchemaName gives the description its name.
func (Need) SchemaName() string { return "CatalogNeed" }

// Value is something to type at the application, with placeholders.
type Value struct {
	Label  string `json:"label" is:"required"`
	Value  string `json:"value" is:"required"`
	Where  string `json:"where" is:"required"`
	Source string `json:"source" is:"required"`
	// JSON says that the value is a JSON text, so that what is put into it is written as JSON strings are.
	JSON bool `json:"json"`
}

// SchemaName gives the description its name.
func (Value) SchemaName() string { return "CatalogValue" }

// Note is what goes wrong easily.
type Note struct {
	Text   string `json:"text" is:"required"`
	Source string `json:"source" is:"required"`
}

// SchemaName gives the description its name.
func (Note) SchemaName() string { return "CatalogNote" }

// Facts are what placeholders stand for, by name.
type Facts map[string]string

// Placeholders are the names that a template may use, by protocol. {redirect} is the first of the redirect URIs; {certificate_line} is the
// certificate without its first and last line, in one.
var Placeholders = map[string][]string{
	OIDC: {"url", "redirect", "issuer", "discovery", "client_id", "client_secret", "authorize", "token", "userinfo", "logout", "jwks", "scopes"},
	SAML: {"url", "acs", "audience", "entity_id", "metadata", "sso", "sso_post", "slo", "certificate", "certificate_line", "fingerprint"},
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

var shelf = sync.OnceValue(func() []*Template {
	var out []*Template
	names, err := fs.Glob(files, "apps/*.json")
	for _, name := range names {
		b, readErr := files.ReadFile(name)
		t, parseErr := Parse(b)
		if err = errors.Join(err, readErr, parseErr); err != nil {
			break
		}
		if t.Slug != strings.TrimSuffix(path.Base(name), ".json") {
			err = fmt.Errorf("%s: the slug is %q", name, t.Slug)
		}
		out = append(out, t)
	}
	if err != nil { // the files are part of the program
		panic("catalog: " + err.Error())
	}
	slices.SortFunc(out, func(a, b *Template) int { // one that signs in both ways is there twice, under the same name
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Slug, b.Slug))
	})
	return out
})

// All gives every template, by name.
func All() []*Template { return shelf() }

// Find gives a template by its slug, nil when there is none.
func Find(slug string) *Template {
	for _, t := range shelf() {
		if t.Slug == slug {
			return t
		}
	}
	return nil
}

// Parse reads a template and says everything that is wrong with it.
func Parse(b []byte) (*Template, error) {
	t := &Template{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(t); err != nil {
		return nil, err
	}
	t.complete()
	return t, errors.Join(t.faults()...)
}

// complete writes out what a file leaves to the whole template.
func (t *Template) complete() {
	either := func(s *string, usual string) {
		if *s == "" {
			*s = usual
		}
	}
	either(&t.Start, "{url}")
	for i := range t.Redirects {
		either(&t.Redirects[i].Source, t.Source)
	}
	for i := range t.Needs {
		either(&t.Needs[i].Source, t.Source)
	}
	for i := range t.Values {
		either(&t.Values[i].Source, t.Source)
		either(&t.Values[i].Where, t.Where)
	}
	for i := range t.Notes {
		either(&t.Notes[i].Source, t.Source)
	}
	if t.Redirects == nil {
		t.Redirects = []Redirect{}
	}
	if t.Notes == nil {
		t.Notes = []Note{}
	}
}

var (
	slugs = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	marks = regexp.MustCompile(`^[\p{L}\p{N}]{1,2}$`)
)

// allowed are the needs of each protocol, with their values where these are chosen from a list.
var allowed = map[string]map[string][]string{
	OIDC: {
		NeedClient: {"confidential", "public"}, NeedSign: {"rs256", "es256"}, NeedPKCE: {"always", "setting"}, NeedSecret: nil, NeedScopes: nil,
		NeedSub: {"hashed_user_id", "user_id", "user_uuid", "user_username", "user_email", "user_upn"},
	},
	SAML: {
		NeedACS: nil, NeedAudience: nil, NeedSLO: nil, NeedSLOBy: {"redirect", "post"}, NeedSigned: {"assertion", "response", "both"},
		NeedFormat: {"emailAddress", "persistent", "transient", "unspecified"}, NeedName: {"email", "uid", "upn", "username"},
	},
}

func (t *Template) faults() []error {
	var out []error
	bad := func(format string, args ...any) { out = append(out, fmt.Errorf(t.Slug+": "+format, args...)) }
	if !slugs.MatchString(t.Slug) || t.Slug == "own" || t.Slug == "saml" { // the forms without a template have these addresses
		bad("%q is no slug", t.Slug)
	}
	if !marks.MatchString(t.Mark) {
		bad("the mark %q is not one or two letters", t.Mark)
	}
	for name, v := range map[string]string{"name": t.Name, "category": t.Category, "about": t.About, "where": t.Where} {
		if strings.TrimSpace(v) == "" {
			bad("%s is missing", name)
		}
	}
	needs, ok := allowed[t.Protocol]
	if !ok {
		bad("the protocol %q is unknown", t.Protocol)
	}
	if a, err := t.At(t.Address); err != nil || a != t.Address {
		bad("the example address %q is none", t.Address)
	}
	known := func(what, text string) {
		for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(Placeholders[t.Protocol], m[1]) {
				bad("%s: nothing is known of {%s}", what, m[1])
			}
		}
	}
	page := func(what, source string) {
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" {
			bad("%s: the page that it was taken from is missing", what)
		}
	}
	if t.Protocol == OIDC && len(t.Redirects) == 0 && t.RedirectHint == "" {
		bad("no redirect URI")
	}
	if t.Protocol == SAML && (len(t.Redirects) > 0 || t.RedirectHint != "") {
		bad("by SAML people are taken back to the %s", NeedACS)
	}
	for _, r := range t.Redirects {
		page(r.URI, r.Source)
		if rest := strings.TrimPrefix(r.URI, "{url}"); r.URI == "" || strings.ContainsAny(rest, "{}") {
			bad("the redirect URI %q may only begin with {url}", r.URI)
		}
	}
	known("start", t.Start)
	seen := map[string]bool{}
	for _, n := range t.Needs {
		page(n.What, n.Source)
		choices, known := needs[n.What]
		length, err := strconv.Atoi(n.Value)
		switch {
		case !known:
			bad("nothing is known of the need %q", n.What)
		case seen[n.What]:
			bad("%s is said twice", n.What)
		case choices != nil && !slices.Contains(choices, n.Value):
			bad("%s can't be %q", n.What, n.Value)
		case n.What == NeedSecret && (err != nil || length < 32 || length > 255):
			bad("no secret has %q letters", n.Value)
		case n.What == NeedScopes && !slices.Contains(strings.Fields(n.Value), "openid"):
			bad("the scopes %q lack openid", n.Value)
		case (n.What == NeedACS || n.What == NeedSLO) && !strings.HasPrefix(n.Value, "{url}/"):
			bad("%s has to begin with {url}/", n.What)
		case (n.What == NeedACS || n.What == NeedSLO || n.What == NeedAudience) && strings.ContainsAny(place(n.Value, "", ""), "{} "):
			bad("%s may have {url} at its beginning and {host} in it, but %q", n.What, n.Value)
		}
		seen[n.What] = true
	}
	id, secret := false, false
	for _, v := range t.Values {
		if v.Label == "" || v.Value == "" {
			bad("a value without a label or a text: %q %q", v.Label, v.Value)
		}
		page(v.Label, v.Source)
		known(v.Label, v.Value)
		if strings.Contains(v.Value, "{scopes}") && !seen[NeedScopes] {
			bad("%s: which scopes is not said", v.Label)
		}
		id, secret = id || strings.Contains(v.Value, "{client_id}"), secret || strings.Contains(v.Value, "{client_secret}")
	}
	switch t.Protocol {
	case OIDC:
		if !seen[NeedClient] {
			bad("%s is missing", NeedClient)
		}
		if !id || secret != (t.Need(NeedClient) == "confidential") {
			bad("the values don't name what the client has: its ID, and its secret if it keeps one")
		}
	case SAML:
		for _, what := range []string{NeedACS, NeedAudience, NeedFormat} {
			if !seen[what] {
				bad("%s is missing", what)
			}
		}
		if !t.names("{metadata}") && !(t.names("{sso}", "{sso_post}") && t.names("{certificate}", "{certificate_line}", "{fingerprint}")) {
			bad("the values don't name where requests go and what answers are signed with, nor the metadata that says both")
		}
	}
	for _, n := range t.Notes {
		page(n.Text, n.Source)
	}
	page("the template", t.Source)
	return out
}

// names says whether one of these is in the values.
func (t *Template) names(placeholders ...string) bool {
	return slices.ContainsFunc(t.Values, func(v Value) bool {
		return slices.ContainsFunc(placeholders, func(p string) bool { return strings.Contains(v.Value, p) })
	})
}

// Need gives what the server has to hold to, "" when the application doesn't mind.
func (t *Template) Need(what string) string {
	for _, n := range t.Needs {
		if n.What == what {
			return n.Value
		}
	}
	return ""
}

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*$`)

// At gives the address of the application as redirect URIs begin with it: without a slash at its end, and of nothing that would make a
// pattern of them. The fault stands under "url".
func (t *Template) At(address string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(address, "#") || !host(u) {
		return "", fault.Field("url", "Write the address of "+t.Name+" as people open it, such as "+t.Address+".")
	}
	u.Path = strings.TrimRight(u.EscapedPath(), "/")
	if !plainPath.MatchString(u.Path) {
		return "", fault.Field("url", "Behind the name of the server the address may hold letters, digits, dots and dashes only, such as "+t.Address+"/app.")
	}
	return u.Scheme + "://" + strings.ToLower(u.Host) + u.Path, nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*$`)

// host says whether an address names a server, and a port that there is.
func host(u *url.URL) bool {
	if p := u.Port(); p != "" {
		if n, err := strconv.Atoi(p); err != nil || n < 1 || n > 65535 {
			return false
		}
	}
	name := u.Hostname()
	return !strings.HasSuffix(u.Host, ":") && len(name) < 254 && (hostName.MatchString(name) || net.ParseIP(name) != nil)
}

// place puts the address of an application into what begins with {url} or has {host} in it.
func place(text, at, name string) string {
	if rest, ok := strings.CutPrefix(text, "{url}"); ok {
		text = at + rest
	}
	return strings.ReplaceAll(text, "{host}", name)
}

// NeedsAt gives what the server has to hold to for an application at that address.
func (t *Template) NeedsAt(at string) []Need {
	name := ""
	if u, err := url.Parse(at); err == nil {
		name = u.Hostname()
	}
	out := slices.Clone(t.Needs)
	for i := range out {
		out[i].Value = place(out[i].Value, at, name)
	}
	return out
}

// RedirectURIs gives the lines of a provider for an application at that address.
func (t *Template) RedirectURIs(at string) string {
	lines := []string{}
	for _, r := range t.Redirects {
		lines = append(lines, strings.Replace(r.URI, "{url}", at, 1))
	}
	return strings.Join(lines, "\n")
}

// Filled is a value as it is typed at the application.
type Filled struct {
	ID     string
	Label  string
	Text   string
	Where  string
	Source string
	Secret bool
}

// Fill gives the values in their order.
func (t *Template) Fill(facts Facts) []Filled {
	var out []Filled
	taken := map[string]int{}
	for _, v := range t.Values {
		id := strings.Trim(notID.ReplaceAllString(strings.ToLower(v.Label), "_"), "_")
		if m := placeholder.FindStringSubmatch(v.Value); m != nil && m[0] == v.Value {
			id = m[1]
		}
		if taken[id]++; taken[id] > 1 {
			id += "_" + strconv.Itoa(taken[id])
		}
		out = append(out, Filled{
			ID: id, Label: v.Label, Text: fill(v.Value, facts, v.JSON), Where: v.Where, Source: v.Source, Secret: strings.Contains(v.Value, "{client_secret}"),
		})
	}
	return out
}

// Begin gives the address where a sign-in begins.
func (t *Template) Begin(at string) string { return fill(t.Start, Facts{"url": at}, false) }

var notID = regexp.MustCompile(`[^a-z0-9]+`)

func fill(text string, facts Facts, inJSON bool) string {
	return placeholder.ReplaceAllStringFunc(text, func(name string) string {
		fact := facts[strings.Trim(name, "{}")]
		if inJSON {
			b, err := json.Marshal(fact)
			if err == nil {
				return string(b[1 : len(b)-1])
			}
		}
		return fact
	})
}
