package page

import (
	"io"
	"net/url"
	"testing"

	"gatehouse/backend/fault"
	"gatehouse/backend/flow"
	"gatehouse/backend/stage"
	"gatehouse/backend/stage/captcha"
	"gatehouse/backend/stage/consent"
	"gatehouse/backend/stage/deny"
	"gatehouse/backend/stage/dummy"
	"gatehouse/backend/stage/duo"
	"gatehouse/backend/stage/identification"
	"gatehouse/backend/stage/password"
	"gatehouse/backend/stage/prompt"
	"gatehouse/backend/stage/sms"
	"gatehouse/backend/stage/static"
	"gatehouse/backend/stage/totp"
	"gatehouse/backend/stage/userlogin"
	"gatehouse/backend/stage/userlogout"
	"gatehouse/backend/stage/userwrite"
	"gatehouse/backend/stage/validate"
	"gatehouse/backend/stage/webauthn"
	"gatehouse/backend/text"
)

func stages() []*stage.Kind {
	return []*stage.Kind{
		captcha.Kind(captcha.Deps{}), consent.Kind(consent.Deps{}), duo.Kind(duo.Deps{}), sms.Kind(sms.Deps{}), static.Kind(stage.Deps{}), totp.Kind(stage.Deps{}),
		deny.Kind(deny.Deps{}), dummy.Kind(dummy.Deps{}), identification.Kind(identification.Deps{}), password.Kind(password.Deps{}),
		prompt.Kind(prompt.Deps{}), userlogin.Kind(userlogin.Deps{}), userlogout.Kind(userlogout.Deps{}), userwrite.Kind(userwrite.Deps{}), validate.Kind(validate.Deps{}), webauthn.Kind(webauthn.Deps{}),
	}
}

func open(t testing.TB) *Pages {
	t.Helper()
	p, err := New(stages())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// sample is a page with everything that it shows.
type sample struct {
	name string
	flow bool // a page of the sign-in, which has to be light
	draw func(p *Pages, w io.Writer) error
}

const fingerprint = "5F:27:0B:93:C4:11:6E:5A:DD:0C:7A:4B:8E:19:F3:62:A0:5D:3B:77:21:9C:E8:46:0F:B1:D2:6A:94:38:7E:C5"

func around(t testing.TB) Around {
	t.Helper()
	tables, err := text.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Around{
		Lang: tables.Choose("en"), Brand: Brand{Title: "Gatehouse", Theme: "automatic", Logo: "/static/dist/assets/icons/icon_left_brand.svg", Favicon: "/static/dist/assets/icons/icon.png"},
		Nonce: "bm9uY2U", CSRF: "csrf-token", Languages: []string{"en"}, URL: "/if/flow/default-authentication-flow/?next=%2F",
	}
}

func samples(t testing.TB) []sample {
	t.Helper()
	a := around(t)
	app := flow.Challenge{AppName: "Wiki"}
	errs := func(kv ...string) stage.Errors {
		out := stage.Errors{}
		for i := 0; i+1 < len(kv); i += 2 {
			out[kv[i]] = append(out[kv[i]], stage.Error{String: kv[i+1], Code: "invalid"})
		}
		return out
	}
	ada := func(c *flow.Challenge) {
		c.User, c.PendingUser, c.Avatar = true, "ada", "/static/dist/assets/images/user_default.png"
	}
	type change = func(d *FlowPage)
	of := func(name, component, title string, value any, changes ...change) sample {
		return sample{name, true, func(p *Pages, w io.Writer) error {
			c := app
			c.AppName = ""
			c.Component, c.Type, c.Value = component, "native", value
			c.Info = flow.Info{Title: title, Background: flow.DefaultBackground, CancelURL: "/flows/-/cancel/", Layout: "stacked"}
			d := FlowPage{Around: a, Challenge: &c, Action: "/if/flow/x/", Cancel: "/flows/-/cancel/"}
			for _, f := range changes {
				f(&d)
			}
			return p.Flow(w, d)
		}}
	}
	who := func(d *FlowPage) { ada(d.Challenge) }
	wrong := func(typed url.Values, kv ...string) change {
		return func(d *FlowPage) { d.Challenge.Errors, d.Typed = errs(kv...), typed }
	}
	const welcome = "Welcome to Gatehouse!"
	keys := []validate.DeviceChallenge{{Class: "webauthn", UID: "8", Challenge: map[string]any{"challenge": "AAAA"}}}
	ident := &identification.Challenge{UserFields: []string{"email", "username"}, FlowDesignation: "authentication", Sources: []identification.Button{}, RecoveryURL: "/if/flow/recovery/", EnrollURL: "/if/flow/enroll/"}
	icon := "/static/authentik/sources/github.svg"
	button := func(name string, icon *string) identification.Button {
		return identification.Button{Name: name, IconURL: icon, Challenge: map[string]any{"to": "/source/oauth/login/" + name + "/"}}
	}
	asks := &consent.Challenge{Header: "You're about to sign into Wiki.", Token: "7c4f6ed2-36d8-47a1-8d25-9b2c3a1d6a52", Permission: []consent.Permission{{ID: "email", Name: "Your e-mail address"}, {ID: "profile", Name: "Your name and username"}}}
	kinds := everyPrompt()
	return []sample{
		of("identification", "ak-stage-identification", welcome, ident),
		of("identification app", "ak-stage-identification", welcome, &identification.Challenge{UserFields: []string{"username"}, FlowDesignation: "authentication"}, func(d *FlowPage) { d.Challenge.AppName = "Wiki" }),
		of("identification wrong", "ak-stage-identification", welcome, ident, wrong(url.Values{"uid_field": {"ada@office.lan"}}, fault.NonField, "Failed to authenticate.")),
		of("identification blank", "ak-stage-identification", welcome, ident, wrong(url.Values{"uid_field": {""}}, "uid_field", "This field may not be blank.")),
		of("identification password", "ak-stage-identification", welcome, &identification.Challenge{UserFields: []string{"email"}, PasswordFields: true, FlowDesignation: "authentication"}),
		of("identification sources", "ak-stage-identification", welcome, &identification.Challenge{
			UserFields: []string{"username"}, FlowDesignation: "authentication", PasswordlessURL: "/if/flow/passkey/", Sources: []identification.Button{button("GitHub", &icon), button("The other office", nil)},
		}),
		of("identification recovery", "ak-stage-identification", "Reset your password", &identification.Challenge{UserFields: []string{"email", "username"}, FlowDesignation: "recovery"}),
		of("password", "ak-stage-password", welcome, &password.Challenge{RecoveryURL: "https://login.office.lan/if/flow/recovery/"}, who),
		of("password wrong", "ak-stage-password", welcome, &password.Challenge{RecoveryURL: "https://login.office.lan/if/flow/recovery/"}, who, wrong(url.Values{"password": {"secret word"}}, "password", "Invalid password")),
		of("password long name", "ak-stage-password", welcome, &password.Challenge{}, who, func(d *FlowPage) {
			d.Challenge.PendingUser = "maximiliane.von-und-zu-hohenlohe-langenburg@department-of-very-long-names.office.example.com"
		}),
		of("stay signed in", "ak-stage-user-login", welcome, &userlogin.Challenge{}, who),
		of("consent", "ak-stage-consent", "Redirecting to Wiki", asks, who, func(d *FlowPage) { d.Challenge.AppName = "Wiki" }),
		of("consent more", "ak-stage-consent", "Redirecting to Wiki", &consent.Challenge{Header: asks.Header, Token: asks.Token, Permission: asks.Permission, Additional: []consent.Permission{{ID: "groups", Name: "The groups that you are in"}}}, who),
		of("consent nothing", "ak-stage-consent", "Redirecting to Wiki", &consent.Challenge{Header: asks.Header, Token: asks.Token}, who),
		of("dummy", "ak-stage-dummy", "Try", &dummy.Challenge{Name: "a step"}),
		of("prompt password", "ak-stage-prompt", "Change password", &prompt.Challenge{Fields: []prompt.Field{
			{FieldKey: "password", Label: "Password", Type: "password", Required: true, Placeholder: "Password"}, {FieldKey: "password_repeat", Label: "Password (repeat)", Type: "password", Required: true, Placeholder: "Password (repeat)"},
		}}, func(d *FlowPage) { d.Challenge.PendingUser = "ada" }),
		of("prompt every type", "ak-stage-prompt", "Tell us about you", kinds),
		of("prompt wrong", "ak-stage-prompt", "Tell us about you", kinds,
			wrong(url.Values{"username": {"taken"}, "attributes.text": {"kept"}, "box": {"false", "true"}, "radio": {"large"}}, "username", "Username is already taken.", "number", "A valid integer is required.")),
		of("prompt refused", "ak-stage-prompt", "Update your info", &prompt.Challenge{Fields: kinds.Fields[:1]}, wrong(url.Values{"attributes.text": {"typed"}}, fault.NonField, "Not allowed to change name.")),
		of("validate code", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: []validate.DeviceChallenge{{Class: "totp", UID: "7", Challenge: map[string]any{}}}}, who),
		of("validate set up", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Stages: []validate.Selectable{{PK: "a", Name: "An app on your phone"}, {PK: "b", Name: "WebAuthn device", Model: "authentik_stages_authenticator_webauthn.authenticatorwebauthnstage"}}}, who),
		of("validate key", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: keys}, who),
		of("validate code or key", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: append([]validate.DeviceChallenge{{Class: "totp", UID: "7"}}, keys...)}, who),
		of("passwordless", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: keys, Anybody: true}),
		of("validate key wrong", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: keys}, who, wrong(url.Values{}, "webauthn", "Assertion failed")),
		of("identification passkey", "ak-stage-identification", welcome, &identification.Challenge{UserFields: []string{"username"}, FlowDesignation: "authentication", PasswordlessURL: "/if/flow/passwordless/",
			Keys: map[string]any{"challenge": "AAAA", "rpId": "login.office.lan", "allowCredentials": []any{}}}),
		of("set up a key", "ak-stage-authenticator-webauthn", "Set up a passkey", &webauthn.Challenge{}, who),
		of("set up a key of some makes", "ak-stage-authenticator-webauthn", "Set up a passkey", &webauthn.Challenge{Attested: true, Makes: []webauthn.Make{{Name: "YubiKey 5 NFC (5.7)"}, {Name: "1Password", Claimed: true}}}, who,
			wrong(url.Values{}, "response", "Invalid device type. Contact your Gatehouse administrator for help.")),
		of("validate sms sent", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Sent: true, Devices: []validate.DeviceChallenge{
			{Class: "duo", UID: "3", Challenge: map[string]any{}}, {Class: "sms", UID: "4", Challenge: map[string]any{}}, {Class: "totp", UID: "7", Challenge: map[string]any{}},
		}}, who),
		of("validate duo", "ak-stage-authenticator-validate", welcome, &validate.Challenge{Devices: []validate.DeviceChallenge{{Class: "duo", UID: "3", Challenge: map[string]any{}}}}, who),
		of("totp", "ak-stage-authenticator-totp", "Set up an app", &totp.Challenge{ConfigURL: "otpauth://totp/Gatehouse%3Aada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=6&period=30&issuer=Gatehouse"}, who),
		of("totp wrong", "ak-stage-authenticator-totp", "Set up an app", &totp.Challenge{ConfigURL: "otpauth://totp/Gatehouse%3Aada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA1&digits=8&period=30&issuer=Gatehouse"}, who, wrong(url.Values{"code": {"123456"}}, "code", "Code does not match")),
		of("static", "ak-stage-authenticator-static", "Get codes", &static.Challenge{Codes: []string{"Ab3dEf6hIj9k", "Lm2nOp5qRs8t", "Uv1wXy4zAb7c"}}, who),
		of("sms number", "ak-stage-authenticator-sms", "Set up a phone", &sms.Challenge{NumberRequired: true}, who),
		of("sms code", "ak-stage-authenticator-sms", "Set up a phone", &sms.Challenge{Number: "+491701234567"}, who),
		of("duo", "ak-stage-authenticator-duo", "Set up Duo", &duo.Challenge{Barcode: "https://api-1.duosecurity.com/frame/qr?value=x", Code: "duo://qd4ZvNeBTu9fCIwm3n8M-YXBpLWV4YW1wbGU", Stage: "7c4f6ed2-36d8-47a1-8d25-9b2c3a1d6a52"}, who),
		of("captcha", "ak-stage-captcha", welcome, &captcha.Challenge{SiteKey: "site", Script: "https://js.hcaptcha.com/1/api.js"}, who),
		of("denied", "ak-stage-access-denied", welcome, &flow.AccessDenied{Message: "Flow does not apply to current user."}, who),
		of("denied unknown", "ak-stage-access-denied", welcome, &flow.AccessDenied{Message: "Unknown error"}),
		of("error", "ak-stage-flow-error", "", &flow.FlowError{RequestID: "0123456789abcdef0123456789abcdef"}),
		of("redirect", "xak-flow-redirect", "", &flow.RedirectTo{To: "https://wiki.office.lan/callback?code=x"}),
		of("autosubmit", "ak-stage-autosubmit", "Redirecting to Wiki", map[string]any{"url": "https://wiki.office.lan/acs", "attrs": map[string]string{"SAMLResponse": "PHNhbWw+", "RelayState": `"><script>alert(1)</script>`}}),
		of("sidebar", "ak-stage-identification", welcome, ident, func(d *FlowPage) {
			d.Challenge.Info.Layout, d.Brand = "sidebar_left", Brand{Title: "Hall & Sons", Logo: "/media/logo.svg", Theme: "dark", Accent: "#ffcc00"}
			d.Challenge.Info.Background = "/media/picture.jpg"
			d.Links = []Link{{"Imprint", "https://office.example.com/imprint"}, {"Help", "mailto:help@office.example.com"}}
			d.Languages, d.Name = []string{"en", "de"}, func(tag string) string { return map[string]string{"en": "English", "de": "Deutsch"}[tag] }
		}),
		message(a, "signed out", Message{Status: "good", Title: a.T("flow.end.title"), Text: []string{a.T("flow.end.of_app", "app", "Wiki"), a.T("flow.end.text")},
			Links: []Button{{Label: a.T("flow.end.again", "app", "Wiki"), Href: "/application/launch/wiki/", Primary: true}, {Label: a.T("flow.end.overview"), Href: "/if/user/"}}}),
		message(a, "sign out", Message{Status: "notice", Title: a.T("flow.end.ask_title"), Text: []string{a.T("flow.end.ask", "app", "Wiki", "brand", "Gatehouse")},
			Form: &Form{Action: "/if/session-end/wiki/", Hidden: map[string]string{"a": "b"}, Submits: []Submit{{Name: "go", Value: "out", Label: a.T("flow.end.yes"), Primary: true}, {Name: "go", Value: "stay", Label: a.T("flow.end.no")}}}}),
		message(a, "wrong client", Message{Status: "danger", Title: a.T("flow.client.title"), Text: []string{a.T("flow.client.redirect_uri")}, Detail: a.T("flow.client.code") + ": https://evil.example.com/callback"}),
		message(a, "wrong host", Message{Status: "notice", Title: a.T("flow.host.title"), Text: []string{a.T("flow.host.text", "host", "192.168.1.5")}, Links: []Button{{Label: "https://login.office.lan:9443", Href: "https://login.office.lan:9443", Primary: true}}}),
		message(a, "recovery", Message{Status: "notice", Title: a.T("flow.recovery.title"), Text: []string{a.T("flow.recovery.text")}}),
		message(a, "going on", Message{Title: a.T("flow.redirect.link"), Text: []string{a.T("flow.redirect.text")}, Refresh: "/if/user/", Links: []Button{{Label: a.T("flow.redirect.link"), Href: "/if/user/"}}}),
		setup(a, "setup office", Setup{Step: "office", N: 1}),
		setup(a, "setup admin", Setup{Step: "admin", N: 2, Values: map[string]string{"username": "ada"}}),
		setup(a, "setup admin wrong", Setup{Step: "admin", N: 2, Values: map[string]string{"username": "ada", "email": "ada"}, Errors: map[string]string{"email": a.T("setup.admin.bad_email"), "password_repeat": a.T("setup.admin.mismatch")}}),
		setup(a, "setup name", Setup{Step: "name", N: 3, Values: map[string]string{"server_name": "login.office.lan", "admin_on_lan": "true"}, Addresses: []string{"192.168.1.20", "10.0.0.4"}}),
		setup(a, "setup https", Setup{Step: "https", N: 4, Values: map[string]string{"server_name": "login.office.lan"}, TrustURL: "http://login.office.lan:9000/trust", Fingerprint: fingerprint,
			Notice: a.T("setup.name.unknown", "name", "login.office.lan", "addresses", "192.168.1.20")}),
		setup(a, "setup done", Setup{Step: "done", URLs: []string{"https://login.office.lan:9443"}, TrustURL: "http://login.office.lan:9000/trust", Next: "/if/admin/#/apps/new"}),
		{"trust", false, func(p *Pages, w io.Writer) error {
			return p.Trust(w, Trust{Around: a, Name: "login.office.lan", Fingerprint: fingerprint, Until: "2036-11-24", URL: "https://login.office.lan:9443"})
		}},
		{"trust none", false, func(p *Pages, w io.Writer) error { return p.Trust(w, Trust{Around: a}) }},
	}
}

func message(a Around, name string, m Message) sample {
	m.Around = a
	return sample{name, true, func(p *Pages, w io.Writer) error { return p.Message(w, m) }}
}

func setup(a Around, name string, s Setup) sample {
	s.Around, s.Of = a, 4
	if s.Values == nil {
		s.Values = map[string]string{}
	}
	return sample{name, true, func(p *Pages, w io.Writer) error { return p.Setup(w, s) }}
}

// everyPrompt has a field of each type.
func everyPrompt() *prompt.Challenge {
	return &prompt.Challenge{Fields: []prompt.Field{
		{FieldKey: "attributes.text", Label: "Text", Type: "text", Required: true, Placeholder: "Something", SubText: `Read <a href="https://office.example.com/how">how</a>, <b>please</b>.<script>alert(1)</script>`},
		{FieldKey: "area", Label: "Text area", Type: "text_area", InitialValue: "two\nlines"},
		{FieldKey: "fixed", Label: "Read only", Type: "text_read_only", InitialValue: "stays", Required: true},
		{FieldKey: "fixed_area", Label: "Read-only area", Type: "text_area_read_only", InitialValue: "stays too"},
		{FieldKey: "username", Label: "Username", Type: "username", Required: true, Placeholder: "Username"},
		{FieldKey: "email", Label: "E-mail", Type: "email", Required: true},
		{FieldKey: "password", Label: "Password", Type: "password", Required: true},
		{FieldKey: "number", Label: "Number", Type: "number", Required: true, InitialValue: "3"},
		{FieldKey: "box", Label: "I have read the house rules", Type: "checkbox", SubText: "They are in the hall."},
		{FieldKey: "radio", Label: "T-shirt", Type: "radio-button-group", Required: true, Choices: []string{"small", "medium", "large"}, InitialValue: "medium"},
		{FieldKey: "pick", Label: "Floor", Type: "dropdown", Choices: []string{"ground", "first"}, InitialValue: "first"},
		{FieldKey: "line", Label: "More", Type: "separator"},
		{FieldKey: "day", Label: "Date", Type: "date", InitialValue: "2026-11-24"},
		{FieldKey: "moment", Label: "Date and time", Type: "date-time", InitialValue: "2026-11-24T10:30:00Z"},
		{FieldKey: "picture", Label: "Picture", Type: "file"},
		{FieldKey: "secret", Label: "Hidden", Type: "hidden", InitialValue: "never shown"},
		{FieldKey: "note", Label: "Note", Type: "static", Placeholder: "This is only to be read."},
		{FieldKey: "attributes.settings.locale", Label: "Language", Type: "ak-locale", Required: true},
	}}
}
