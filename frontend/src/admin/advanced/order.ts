// The fields that a form under Advanced asks for first, where the server's order would bury them.

export const lists: Record<string, readonly string[] | undefined> = {
	flow: ["name", "title", "slug", "designation", "authentication"],
	token: ["identifier", "user", "intent", "description", "expiring", "expires"],
	policybinding: ["policy", "group", "user", "target", "order", "enabled", "negate"],
	flowstagebinding: ["target", "stage", "order"],
	oauth2provider: ["name", "redirect_uris", "client_type", "client_id", "client_secret", "authorization_flow", "property_mappings"],
};
