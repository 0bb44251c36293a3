package seed

// The expressions of the default objects.
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
