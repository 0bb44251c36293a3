package seed

import (
	"context"
	"fmt"

	"gatehouse/backend/expr"
	"gatehouse/backend/policy"
	"gatehouse/backend/stage"
	"gatehouse/backend/user"
)

// The expressions of the default objects, and below what each means in Go.
const (
	askPassword = `plan = context.get("flow_plan")
pending = plan.context.get("pending_user") if plan else None
# Whoever gave the password together with the name is not asked again.
return getattr(pending, "backend", None) is None`

	mayChangeOwn = `from authentik.core.models import (
    USER_ATTRIBUTE_CHANGE_EMAIL,
    USER_ATTRIBUTE_CHANGE_NAME,
    USER_ATTRIBUTE_CHANGE_USERNAME,
)

data = context.get("prompt_data", {})
own = request.user.group_attributes(request.http_request)
tenant = request.http_request.tenant
rules = [
    ("email", USER_ATTRIBUTE_CHANGE_EMAIL, tenant.default_user_change_email, "Not allowed to change email address."),
    ("name", USER_ATTRIBUTE_CHANGE_NAME, tenant.default_user_change_name, "Not allowed to change name."),
    ("username", USER_ATTRIBUTE_CHANGE_USERNAME, tenant.default_user_change_username, "Not allowed to change username."),
]
for field, attribute, default, text in rules:
    if not own.get(attribute, default) and data.get(field) != getattr(request.user, field):
        ak_message(text)
        return False
return True`

	ownUsername = `try:
    return user.username
except:
    return ""`
	ownName = `try:
    return user.name
except:
    return ""`
	ownEmail = `try:
    return user.email
except:
    return ""`
	ownLocale = `try:
    return user.attributes.get("settings", {}).get("locale", "")
except:
    return ""`
)

// MayChange is what the system settings say about people's own data.
type MayChange struct{ Name, Email, Username bool }

// Natives gives the meaning of the texts above.
func Natives(users *user.Directory, settings func(ctx context.Context) (MayChange, error)) map[string]expr.Native {
	own := func(get func(u *user.User) string) expr.Native {
		return func(_ context.Context, v expr.Vars) (any, error) {
			u, _ := v["user"].(*user.User)
			if u == nil {
				return "", nil
			}
			return get(u), nil
		}
	}
	return map[string]expr.Native{
		askPassword: func(_ context.Context, v expr.Vars) (any, error) {
			r, _ := v["request"].(*policy.Request)
			if r == nil {
				return true, nil
			}
			p, _ := r.Plan.(*stage.Plan)
			if p == nil {
				return true, nil
			}
			pending, _ := p.Context[stage.PendingUser].(map[string]any)
			return pending["backend"] == nil && !p.Has(stage.UserBackend), nil
		},
		mayChangeOwn: func(ctx context.Context, v expr.Vars) (any, error) {
			r, _ := v["request"].(*policy.Request)
			say, _ := v["ak_message"].(func(string))
			if r == nil || r.User == nil || say == nil {
				return nil, fmt.Errorf("there is nobody whose data could be changed")
			}
			may, err := settings(ctx)
			if err != nil {
				return nil, err
			}
			attrs, err := users.Attributes(ctx, r.User)
			if err != nil {
				return nil, err
			}
			data, _ := r.Context[stage.PromptData].(map[string]any)
			for _, rule := range []struct {
				field, attribute, is, text string
				def                        bool
			}{
				{"email", "goauthentik.io/user/can-change-email", r.User.Email, "Not allowed to change email address.", may.Email},
				{"name", "goauthentik.io/user/can-change-name", r.User.Name, "Not allowed to change name.", may.Name},
				{"username", "goauthentik.io/user/can-change-username", r.User.Username, "Not allowed to change username.", may.Username},
			} {
				allowed := rule.def
				if a, ok := attrs[rule.attribute]; ok {
					allowed = expr.True(a)
				}
				if !allowed && data[rule.field] != rule.is {
					say(rule.text)
					return false, nil
				}
			}
			return true, nil
		},
		ownUsername: own(func(u *user.User) string { return u.Username }),
		ownName:     own(func(u *user.User) string { return u.Name }),
		ownEmail:    own(func(u *user.User) string { return u.Email }),
		ownLocale:   own(func(u *user.User) string { return u.Locale() }),
	}
}
