package kinds

import (
	"reflect"

	"gatehouse/backend/flow"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/rest"
)

// Challenges that the executor may give and nothing gives yet: clients know them, and the rooms that will ask them bring their own.
type (
	appleLogin struct {
		ClientID    string `json:"client_id" is:"required"`
		Scope       string `json:"scope" is:"required"`
		RedirectURI string `json:"redirect_uri" is:"required"`
		State       string `json:"state" is:"required"`
	}
	plexLogin struct {
		ClientID string `json:"client_id" is:"required"`
		Slug     string `json:"slug" is:"required"`
	}
	nothing struct{}
)

func others() []rest.Challenge {
	return []rest.Challenge{
		{Schema: "AppleLoginChallenge", Component: "ak-source-oauth-apple", Type: "native", Fields: reflect.TypeFor[appleLogin](), Answer: reflect.TypeFor[nothing](), Takes: "AppleChallengeResponse", Login: true},
		{Schema: "PlexAuthenticationChallenge", Component: "ak-source-plex", Type: "native", Fields: reflect.TypeFor[plexLogin](), Answer: reflect.TypeFor[nothing](), Login: true},
		{Schema: "AutosubmitChallenge", Component: "ak-stage-autosubmit", Type: "native", Fields: reflect.TypeFor[flow.Submission](), Answer: reflect.TypeFor[nothing](), Takes: "AutoSubmitChallengeResponse"},
		{Schema: "OAuthDeviceCodeChallenge", Component: "ak-provider-oauth2-device-code", Type: "native", Answer: reflect.TypeFor[oauth2.TypedCode]()},
		{Schema: "OAuthDeviceCodeFinishChallenge", Component: "ak-provider-oauth2-device-code-finish", Type: "native", Answer: reflect.TypeFor[nothing]()},
	}
}
