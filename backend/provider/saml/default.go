package saml

// Default is a mapping that exists from the first start.
type Default struct{ Managed, Name, SAMLName, Expression string }

// Defaults are the mappings that exist from the first start (protocols.md 2.10).
func Defaults() []Default {
	const managed, name = "goauthentik.io/providers/saml/", "authentik default SAML Mapping: "
	const claims = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
	return []Default{
		{managed + "upn", name + "UPN", claims + "upn", `return request.user.attributes.get("upn", request.user.email)`},
		{managed + "name", name + "Name", claims + "name", `return request.user.name`},
		{managed + "email", name + "Email", claims + "emailaddress", `return request.user.email`},
		{managed + "username", name + "Username", "http://schemas.goauthentik.io/2021/02/saml/username", `return request.user.username`},
		{managed + "uid", name + "User ID", "http://schemas.goauthentik.io/2021/02/saml/uid", `return request.user.pk`},
		{managed + "groups", name + "Groups", "http://schemas.xmlsoap.org/claims/Group", "for group in request.user.ak_groups.all():\n    yield group.name"},
		{managed + "ms-windowsaccountname", name + "WindowsAccountname (Username)", "http://schemas.microsoft.com/ws/2008/06/identity/claims/windowsaccountname", `return request.user.username`},
	}
}
