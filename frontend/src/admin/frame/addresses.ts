// Every address of the admin pages, in one place.

const part = encodeURIComponent;

export const at = {
	home: "/",
	users: "/people/users",
	newUser: "/people/users/new",
	newService: "/people/users/new-service",
	user: (pk: number | string, tab?: string) => `/people/users/${pk}${tab ? `?tab=${tab}` : ""}`,
	groups: "/people/groups",
	newGroup: "/people/groups/new",
	group: (pk: string, tab?: string) => `/people/groups/${pk}${tab ? `?tab=${tab}` : ""}`,
	invitations: "/people/invitations",
	newInvitation: "/people/invitations/new",
	invitation: (pk: string) => `/people/invitations/${pk}`,
	apps: "/apps",
	newApp: "/apps/new",
	newScim: "/apps/new-scim",
	/** The form of an application of the catalogue, or of one's own. */
	newAppOf: (template: string) => `/apps/new/${part(template)}`,
	app: (slug: string, tab?: string) => `/apps/${part(slug)}${tab ? `?tab=${tab}` : ""}`,
	activity: "/activity",
	event: (pk: string) => `/activity/${pk}`,
	settings: "/settings/server",
	system: "/settings/system",
	mail: "/settings/mail",
	certificates: "/settings/certificates",
	newCertificate: "/settings/certificates/new",
	certificate: (pk: string) => `/settings/certificates/${pk}`,
	passkeys: "/settings/passkeys",
	registration: "/settings/registration",
	brands: "/settings/brands",
	newBrand: "/settings/brands/new",
	brand: (pk: string) => `/settings/brands/${pk}`,
	backup: "/settings/backup",
	thisWindow: "/settings/window",
	advanced: "/advanced",
	family: (family: string) => `/advanced/${family}`,
	newOf: (family: string, model?: string, query?: Record<string, string>) => {
		const search = new URLSearchParams({ ...(model ? { model } : {}), ...query }).toString();
		return `/advanced/${family}/new${search ? `?${search}` : ""}`;
	},
	object: (family: string, id: string, tab?: string) => `/advanced/${family}/${part(id)}${tab ? `?tab=${tab}` : ""}`,
};

const p = (value: string | undefined) => value ?? "";

/** The hash routes that authentik 2024.4 published, and where each thing is here. */
const published: [RegExp, (...found: string[]) => string][] = [
	[/^\/administration\/overview$/, () => at.home],
	[/^\/administration\/dashboard\/users$/, () => at.home],
	[/^\/identity\/users$/, () => at.users],
	[/^\/identity\/users\/(\d+)$/, (pk) => at.user(p(pk))],
	[/^\/identity\/groups$/, () => at.groups],
	[/^\/identity\/groups\/([\w-]+)$/, (pk) => at.group(p(pk))],
	[/^\/identity\/roles$/, () => at.family("roles")],
	[/^\/identity\/roles\/([\w-]+)$/, (pk) => at.object("roles", p(pk))],
	[/^\/core\/applications$/, () => at.apps],
	[/^\/core\/applications\/([\w-]+)$/, (slug) => at.app(p(slug))],
	[/^\/core\/providers$/, () => at.family("providers")],
	[/^\/core\/providers\/(\d+)$/, (pk) => at.object("providers", p(pk))],
	[/^\/core\/property-mappings$/, () => at.family("mappings")],
	[/^\/core\/sources$/, () => at.family("sources")],
	[/^\/core\/sources\/([\w-]+)$/, (slug) => at.object("sources", p(slug))],
	[/^\/core\/tokens$/, () => at.family("tokens")],
	[/^\/core\/brands$/, () => at.brands],
	[/^\/events\/log$/, () => at.activity],
	[/^\/events\/log\/([\w-]+)$/, (pk) => at.event(p(pk))],
	[/^\/policy\/policies$/, () => at.family("policies")],
	[/^\/flow\/flows$/, () => at.family("flows")],
	[/^\/flow\/flows\/([\w-]+)$/, (slug) => at.object("flows", p(slug))],
	[/^\/flow\/stages$/, () => at.family("stages")],
	[/^\/flow\/stages\/prompts$/, () => at.family("prompts")],
	[/^\/flow\/stages\/invitations$/, () => at.invitations],
	[/^\/crypto\/certificates$/, () => at.certificates],
	[/^\/admin\/settings$/, () => at.system],
];

/** Our address of a published route; its parameters after ";" belong to pages that work differently here. */
export function fromPublished(path: string): string | undefined {
	const bare = path.split(";")[0]?.replace(/\/+$/, "") ?? "";
	for (const [pattern, to] of published) {
		const found = pattern.exec(bare);
		if (found) return to(...found.slice(1));
	}
	return undefined;
}
