package oauth

// SourceType is a kind of accounts that people sign in with.
type SourceType struct {
	Name            string  `json:"name" is:"required"`
	VerboseName     string  `json:"verbose_name" is:"required"`
	Customizable    bool    `json:"urls_customizable" is:"required"`
	RequestTokenURL *string `json:"request_token_url" is:"required,readonly"`
	Authorization   *string `json:"authorization_url" is:"required,readonly"`
	AccessToken     *string `json:"access_token_url" is:"required,readonly"`
	Profile         *string `json:"profile_url" is:"required,readonly"`
	WellKnown       *string `json:"oidc_well_known_url" is:"required,readonly"`
	JWKS            *string `json:"oidc_jwks_url" is:"required,readonly"`
}

// SchemaName implements kind.SchemaNamer.
func (SourceType) SchemaName() string { return "SourceType" }

// types are the kinds of accounts that are known, by name (protocols.md 9.2).
var types = func() []SourceType {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	of := func(name, title string, customizable bool, authorization, token, profile, wellKnown, jwks string) SourceType {
		return SourceType{name, title, customizable, nil, text(authorization), text(token), text(profile), text(wellKnown), text(jwks)}
	}
	return []SourceType{
		of("apple", "Apple", false, "https://appleid.apple.com/auth/authorize", "https://appleid.apple.com/auth/token", "", "", ""),
		of("openidconnect", "OpenID Connect", true, "", "", "", "", ""),
		of("azuread", "Azure AD", true, "https://login.microsoftonline.com/common/oauth2/v2.0/authorize", "https://login.microsoftonline.com/common/oauth2/v2.0/token", "https://graph.microsoft.com/v1.0/me",
			"https://login.microsoftonline.com/common/.well-known/openid-configuration", "https://login.microsoftonline.com/common/discovery/keys"),
		of("discord", "Discord", false, "https://discord.com/api/oauth2/authorize", "https://discord.com/api/oauth2/token", "https://discord.com/api/users/@me", "", ""),
		of("facebook", "Facebook", false, "https://www.facebook.com/v7.0/dialog/oauth", "https://graph.facebook.com/v7.0/oauth/access_token", "https://graph.facebook.com/v7.0/me?fields=id,name,email", "", ""),
		of("github", "GitHub", true, "https://github.com/login/oauth/authorize", "https://github.com/login/oauth/access_token", "https://api.github.com/user",
			"https://token.actions.githubusercontent.com/.well-known/openid-configuration", "https://token.actions.githubusercontent.com/.well-known/jwks"),
		of("gitlab", "GitLab", true, "https://gitlab.com/oauth/authorize", "https://gitlab.com/oauth/token", "https://gitlab.com/oauth/userinfo",
			"https://gitlab.com/.well-known/openid-configuration", "https://gitlab.com/oauth/discovery/keys"),
		of("google", "Google", false, "https://accounts.google.com/o/oauth2/auth", "https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v1/userinfo",
			"https://accounts.google.com/.well-known/openid-configuration", "https://www.googleapis.com/oauth2/v3/certs"),
		of("mailcow", "Mailcow", true, "", "", "", "", ""),
		of("okta", "Okta", true, "", "", "", "", ""),
		of("patreon", "Patreon", false, "https://www.patreon.com/oauth2/authorize", "https://www.patreon.com/api/oauth2/token", "https://www.patreon.com/api/oauth2/api/current_user", "", ""),
		of("reddit", "Reddit", false, "https://www.reddit.com/api/v1/authorize", "https://www.reddit.com/api/v1/access_token", "https://oauth.reddit.com/api/v1/me", "", ""),
		of("twitch", "Twitch", false, "https://id.twitch.tv/oauth2/authorize", "https://id.twitch.tv/oauth2/token", "https://id.twitch.tv/oauth2/userinfo", "", ""),
		of("twitter", "Twitter", false, "https://twitter.com/i/oauth2/authorize", "https://api.twitter.com/2/oauth2/token", "https://api.twitter.com/2/users/me", "", ""),
	}
}()

// typeOf gives a kind of accounts by name; an unknown one is the general kind that everything has to be told of.
func typeOf(name string) SourceType {
	for _, t := range types {
		if t.Name == name {
			return t
		}
	}
	return SourceType{Name: "default", VerboseName: "Default", Customizable: true}
}
