package kinds

import (
	"context"
	"reflect"
	"sync"

	"gatehouse/backend/application"
	"gatehouse/backend/arrival"
	"gatehouse/backend/flow"
	"gatehouse/backend/kind"
	"gatehouse/backend/passkey"
	"gatehouse/backend/policy/reputation"
	"gatehouse/backend/provider/oauth2"
	"gatehouse/backend/provider/saml"
	"gatehouse/backend/rest"
	samlsource "gatehouse/backend/source/saml"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/captcha"
	"gatehouse/backend/stage/consent"
	"gatehouse/backend/stage/deny"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/duo"
	"gatehouse/backend/stage/email"
	"gatehouse/backend/stage/identification"
	"gatehouse/backend/stage/invitation"
	"gatehouse/backend/stage/password"
	"gatehouse/backend/stage/prompt"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/source"
	"gatehouse/backend/stage/static"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/stage/userdelete"
	"gatehouse/backend/stage/userlogin"
	"gatehouse/backend/stage/userlogout"
	"gatehouse/backend/stage/userwrite"
	"gatehouse/backend/stage/validate"
	"gatehouse/backend/stage/webauthn"
)

// Stages are the steps that a flow may have.
func Stages(r Rooms) []*stage.Kind {
	deps := stageDeps(r)
	return []*stage.Kind{
		consent.Kind(consentDeps(r)),
		captcha.Kind(captcha.Deps{Deps: deps, Events: r.Events, Verify: r.Captcha}),
		deny.Kind(deny.Deps{Deps: deps}),
		dummy.Kind(dummy.Deps{Deps: deps}),
		duo.Kind(duo.Deps{Deps: deps, Users: r.Users, Events: r.Events, Client: r.Duo}),
		email.Kind(email.Deps{Deps: deps, Mail: r.Mail, Tokens: r.Tokens, Events: r.Events, Base: r.Base}),
		identification.Kind(identification.Deps{
			Deps: deps, Users: r.Users, Auth: r.Auth, Events: r.Events, Keys: r.Keys, AppName: r.Apps.Name, Unknown: reputation.Unknown,
			Buttons: buttons(r),
		}),
		invitation.Kind(invitationDeps(r)),
		password.Kind(password.Deps{Deps: deps, Auth: r.Auth, Events: r.Events, Recovery: r.Flows.RecoverySlug}),
		prompt.Kind(promptDeps(r)),
		sms.Kind(sms.Deps{Deps: deps, Events: r.Events, Gateway: r.Gateway, Host: r.Host}),
		source.Kind(source.Deps{Deps: deps}),
		static.Kind(deps),
		totp.Kind(deps),
		userdelete.Kind(userdelete.Deps{Deps: deps, Events: r.Events}),
		validate.Kind(validate.Deps{Deps: deps, Users: r.Users, Events: r.Events, Keys: r.Keys, Factors: sync.OnceValue(func() []validate.Factor { return Factors(r) })}),
		userlogin.Kind(userlogin.Deps{Deps: deps, Sessions: r.Sessions, Events: r.Events}),
		userlogout.Kind(userlogout.Deps{Deps: deps, Events: r.Events, Farewell: r.Abroad.Farewell}),
		userwrite.Kind(userwrite.Deps{Deps: deps, Users: r.Users, Events: r.Events, Written: invitation.Written(invitationDeps(r))}),
		webauthn.Kind(webauthn.Deps{Deps: deps, Keys: r.Keys, Events: r.Events}),
	}
}

func consentDeps(r Rooms) consent.Deps {
	return consent.Deps{Deps: stageDeps(r), Users: r.Users, Applications: shown(r, application.Family.Name)}
}

func promptDeps(r Rooms) prompt.Deps {
	return prompt.Deps{Deps: stageDeps(r), Users: r.Users, Events: r.Events, Host: r.Host, Policies: r.Policies.All}
}

// StageRecords are the kinds that belong to stages and are none.
func StageRecords(r Rooms) []*kind.Kind {
	return append([]*kind.Kind{consent.Consents(consentDeps(r)), prompt.Prompts(promptDeps(r)), invitation.Invitations(invitationDeps(r)), passkey.Types()}, Devices(r)...)
}

// Devices are the second factors that people own.
func Devices(r Rooms) []*kind.Kind {
	return []*kind.Kind{
		duo.Devices(),
		sms.Devices(),
		static.Devices(static.Deps{Store: r.Store, Events: r.Events, Objects: r.Roles.Objects}),
		totp.Devices(),
		passkey.Devices(r.Store),
	}
}

func invitationDeps(r Rooms) invitation.Deps {
	return invitation.Deps{Deps: stageDeps(r), Users: r.Users, Events: r.Events, Shown: shown(r, flow.Family.Name), Lifetime: func() string {
		s, err := r.Brands.Settings(context.Background())
		if err != nil {
			return "days=1"
		}
		return s.TokenDuration
	}}
}

// Endpoints are operations of stages that belong to no collection.
func Endpoints(r Rooms) []kind.Action {
	return invitation.Post{Deps: invitationDeps(r), Mail: r.Mail, Brands: r.Brands, Base: r.Base, May: r.Roles.May}.Endpoints()
}

// Steps are what the house puts into plans by itself.
func Steps(r Rooms, stages []*stage.Kind) []stage.Inline {
	out := []stage.Inline{oauth2.Fulfil{Room: r.OAuth2}, oauth2.EnterCode{Room: r.OAuth2}, oauth2.FinishDevice{Room: r.OAuth2}, saml.Fulfil{Room: r.SAML}, arrival.Keep{Room: r.Arrivals}, samlsource.Join{}, flow.Elsewhere{}, flow.Autosubmit{}}
	for _, s := range stages {
		if s.Component == "ak-stage-consent" {
			out = append(out, flow.Injected{Step: flow.ConsentStep, Kind: s, Object: s.New})
		}
	}
	return out
}

// Challenges are what the executor may answer: what the stages ask, and what the engine itself has to say.
func Challenges(stages []*stage.Kind) []rest.Challenge {
	var out []rest.Challenge
	for _, s := range stages {
		if s.Asking.Component == "" {
			continue
		}
		out = append(out, rest.Challenge{
			Schema: s.Asking.Schema, Component: s.Asking.Component, Type: "native", Fields: s.Challenge, Answer: s.Answer, User: s.Asking.User, Flow: true,
		})
	}
	out = append(out, others()...)
	return append(out,
		rest.Challenge{Schema: "AccessDeniedChallenge", Component: "ak-stage-access-denied", Type: "native", Fields: reflect.TypeFor[flow.AccessDenied](), User: true, Flow: true},
		rest.Challenge{Schema: "FlowErrorChallenge", Component: "ak-stage-flow-error", Type: "native", AnyType: true, Fields: reflect.TypeFor[flow.FlowError](), Flow: true},
		rest.Challenge{Schema: "RedirectChallenge", Component: "xak-flow-redirect", Type: "redirect", Fields: reflect.TypeFor[flow.RedirectTo](), Login: true},
		rest.Challenge{Schema: "ShellChallenge", Component: "xak-flow-shell", Type: "shell", Fields: reflect.TypeFor[flow.Shell]()},
	)
}
