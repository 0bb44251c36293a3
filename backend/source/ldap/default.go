package ldap

// Default is a mapping that exists from the first start.
type Default struct{ Managed, Name, ObjectField, Expression string }

// Defaults are the mappings that exist from the first start (protocols.md 9.1).
func Defaults() []Default {
	const managed, ldap, ad = "goauthentik.io/sources/ldap/", "authentik default LDAP Mapping: ", "authentik default Active Directory Mapping: "
	one := func(name string) string { return `return list_flatten(ldap.get("` + name + `"))` }
	return []Default{
		{managed + "default-dn-path", ldap + "DN to User Path", "path", dnPath},
		{managed + "default-name", ldap + "Name", "name", `return ldap.get("name")`},
		{managed + "default-mail", ldap + "mail", "email", `return ldap.get("mail")`},
		{managed + "ms-samaccountname", ad + "sAMAccountName", "username", `return ldap.get("sAMAccountName")`},
		{managed + "ms-userprincipalname", ad + "userPrincipalName", "attributes.upn", one("userPrincipalName")},
		{managed + "ms-givenName", ad + "givenName", "attributes.givenName", one("givenName")},
		{managed + "ms-sn", ad + "sn", "attributes.sn", one("sn")},
		{managed + "openldap-uid", "authentik default OpenLDAP Mapping: uid", "username", `return ldap.get("uid")`},
		{managed + "openldap-cn", "authentik default OpenLDAP Mapping: cn", "name", `return ldap.get("cn")`},
	}
}

const dnPath = `parts = []
for pair in dn.split(","):
    attribute, _, value = pair.partition("=")
    if attribute.lower() not in ["cn", "dc"]:
        parts.append(value)
parts.reverse()
path = source.get_user_path()
if parts:
    path += "/" + "/".join(parts)
return path`
