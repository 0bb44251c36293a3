package oauth2

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"gatehouse/backend/fault"
	"gatehouse/backend/provider"
	"gatehouse/backend/user"
)

// The addresses of GitHub, for applications that know no other (protocols.md 1.10).
const gitHubAuthorize = "/login/oauth/authorize"

// gitHubScopes are GitHub's own, with what a person is asked to agree to.
var gitHubScopes = []struct{ name, about string }{
	{"read:org", "GitHub Compatibility: Access your Groups"},
	{"read:user", "GitHub Compatibility: Access your User Information"},
	{"user", "GitHub Compatibility: Access your User Information"},
	{"user:email", "GitHub Compatibility: Access you Email addresses"},
}

func gitHubScope(s string) bool {
	for _, g := range gitHubScopes {
		if g.name == s {
			return true
		}
	}
	return false
}

func gitHubPermissions(scope []string) []any {
	out := []any{}
	for _, g := range gitHubScopes {
		if slices.Contains(scope, g.name) {
			out = append(out, map[string]any{"id": g.name, "name": g.about})
		}
	}
	return out
}

// mountGitHub hangs GitHub's addresses; token is the token endpoint.
func (r *Room) mountGitHub(mux provider.Mux, token http.Handler) {
	mux.Handle(gitHubAuthorize, http.HandlerFunc(r.Authorize))
	mux.Handle("/login/oauth/access_token", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		to := req.Clone(req.Context())
		to.URL.Path, to.URL.RawPath = "/application/o/token/", ""
		// GitHub has one grant, which its clients do not name.
		if err := to.ParseForm(); err == nil && to.PostForm.Get("grant_type") == "" {
			to.PostForm.Set("grant_type", "authorization_code")
			to.Form.Set("grant_type", "authorization_code")
		}
		token.ServeHTTP(w, to)
	}))
	mux.Handle("GET /user", http.HandlerFunc(r.gitHubUser))
	mux.Handle("GET /user/teams", http.HandlerFunc(r.gitHubTeams))
}

// bearer gives the person behind the access token of a request that has a scope; nil when the answer was written.
func (r *Room) bearer(w http.ResponseWriter, req *http.Request, scope string) *user.User {
	ctx := req.Context()
	w.Header().Set("Cache-Control", "no-store")
	refuse := func(status int, code, text string) *user.User {
		w.Header().Set("WWW-Authenticate", `Bearer error="`+code+`", error_description="`+text+`"`)
		w.WriteHeader(status)
		return nil
	}
	text := req.Header.Get("Authorization")
	for _, scheme := range []string{"Bearer ", "bearer ", "token "} { // GitHub's clients write the last
		text = strings.TrimPrefix(text, scheme)
	}
	t, err := r.find(ctx, accessKind, text)
	if err != nil {
		r.missing(w, req, err)
		return nil
	}
	if t == nil || !t.good(r.Store.Now()) {
		return refuse(http.StatusUnauthorized, "invalid_token", "The access token is unknown, revoked or too old.")
	}
	if !t.bare() {
		return refuse(http.StatusUnauthorized, "invalid_token", "The access token is bound to a key, which these addresses know nothing of.")
	}
	if !t.has(scope) {
		return refuse(http.StatusForbidden, "insufficient_scope", "The access token was not granted the scope "+scope+".")
	}
	u, err := r.Users.ByPK(ctx, t.User)
	if err != nil && !fault.Is(err, fault.NotFound) {
		r.missing(w, req, err)
		return nil
	}
	if err != nil || !u.IsActive {
		return refuse(http.StatusUnauthorized, "invalid_token", "The person's account is switched off.")
	}
	return u
}

// gitHubUser answers /user as GitHub does. What Gatehouse does not know is empty.
func (r *Room) gitHubUser(w http.ResponseWriter, req *http.Request) {
	u := r.bearer(w, req, "user:email")
	if u == nil {
		return
	}
	joined := u.DateJoined.UTC().Format(time.RFC3339)
	out := map[string]any{
		"login": u.Username, "id": u.PK, "name": u.Name, "email": u.Email, "created_at": joined, "updated_at": joined, "type": "User", "site_admin": false, "two_factor_authentication": true,
		"plan": map[string]any{"name": "None", "space": 0, "collaborators": 0, "private_repos": 0},
	}
	for _, name := range []string{
		"node_id", "avatar_url", "gravatar_id", "url", "html_url", "followers_url", "following_url", "gists_url", "starred_url", "subscriptions_url", "organizations_url", "repos_url", "events_url",
		"received_events_url", "company", "blog", "location", "bio", "twitter_username",
	} {
		out[name] = ""
	}
	for _, name := range []string{"public_repos", "public_gists", "followers", "following", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators"} {
		out[name] = 0
	}
	out["hireable"] = false
	writeJSON(w, http.StatusOK, out)
}

// gitHubTeams answers /user/teams: a team for each group of the person.
func (r *Room) gitHubTeams(w http.ResponseWriter, req *http.Request) {
	ctx := req.Context()
	u := r.bearer(w, req, "read:org")
	if u == nil {
		return
	}
	groups, err := r.Users.DirectGroups(ctx, u.PK)
	if err != nil {
		r.missing(w, req, err)
		return
	}
	b, err := r.Brands.For(ctx, req.Host)
	if err != nil {
		r.missing(w, req, err)
		return
	}
	out := []any{}
	for _, g := range groups {
		org := map[string]any{"login": slugify(b.Title), "id": 1, "name": b.Title, "type": "Organization", "is_verified": true, "has_organization_projects": false, "has_repository_projects": false, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0}
		for _, name := range []string{"node_id", "url", "repos_url", "events_url", "hooks_url", "issues_url", "members_url", "public_members_url", "avatar_url", "description", "company", "blog", "location", "email", "html_url", "created_at", "updated_at"} {
			org[name] = ""
		}
		team := map[string]any{"id": g.NumPK, "name": g.Name, "slug": slugify(g.Name), "privacy": "closed", "permission": "admin", "members_count": 0, "repos_count": 0, "parent": nil, "organization": org}
		for _, name := range []string{"node_id", "url", "html_url", "description", "members_url", "repositories_url", "created_at", "updated_at"} {
			team[name] = ""
		}
		out = append(out, team)
	}
	writeJSON(w, http.StatusOK, out)
}

// slugify makes a name fit for an address.
func slugify(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_':
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-_")
}

// unescape undoes the form encoding of a part of a Basic header (RFC 6749 section 2.3.1).
func unescape(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}
