package scim

// Default is a mapping that exists from the first start.
type Default struct{ Managed, Name, Expression string }

// Defaults are the mappings that exist from the first start (protocols.md 3.3).
func Defaults() []Default {
	return []Default{
		{"goauthentik.io/providers/scim/user", "authentik default SCIM Mapping: User", userBody},
		{"goauthentik.io/providers/scim/group", "authentik default SCIM Mapping: Group", groupBody},
	}
}

const (
	userBody = `person = request.user
full = person.name
if " " in full:
    given, family = full.split(" ", 1)
    formatted = full
else:
    # Some systems want a family name that is not empty.
    given, family = full, " "
    formatted = full + " "
photos = None
# A picture that is part of the house's own pages has no address that others could read.
if person.avatar.startswith(("http://", "https://")):
    photos = [{"value": person.avatar, "type": "photo"}]
emails = []
if person.email:
    emails = [{"value": person.email, "type": "other", "primary": True}]
return {
    "userName": person.username,
    "name": {"formatted": formatted, "givenName": given, "familyName": family},
    "displayName": full,
    "photos": photos,
    "locale": person.locale() or None,
    "active": person.is_active,
    "emails": emails,
}`
	groupBody = `return {
    "displayName": group.name,
}`
)
