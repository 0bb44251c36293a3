// What is more than a collection: our own namespace, settings, verbs of objects.
import { guided, templates } from "./catalog.mjs";
import { expressions, test } from "./expressions.mjs";

const types = {
	"/stages/all/types/": [
		["identificationstage", "Identification Stage"],
		["passwordstage", "Password Stage"],
		["userloginstage", "User Login Stage"],
		["userlogoutstage", "User Logout Stage"],
		["consentstage", "Consent Stage"],
		["denystage", "Deny Stage"],
		["promptstage", "Prompt Stage"],
		["userwritestage", "User Write Stage"],
		["authenticatorvalidatestage", "Authenticator Validation Stage"],
	],
	"/policies/all/types/": [
		["expressionpolicy", "Expression Policy"],
		["dummypolicy", "Dummy Policy"],
	],
	"/providers/all/types/": [["oauth2provider", "OAuth2/OpenID Provider"]],
	"/propertymappings/all/types/": [["scopemapping", "Scope Mapping"]],
	"/sources/all/types/": [],
};
const eventActions = [
	"login",
	"login_failed",
	"logout",
	"user_write",
	"suspicious_request",
	"password_set",
	"secret_view",
	"secret_rotate",
	"authorize_application",
	"impersonation_started",
	"impersonation_ended",
	"policy_exception",
	"property_mapping_exception",
	"configuration_error",
	"model_created",
	"model_updated",
	"model_deleted",
];

function me({ office, impersonating }) {
	const self = (user) => ({
		pk: user.pk,
		username: user.username,
		name: user.name,
		is_active: true,
		is_superuser: user.is_superuser,
		groups: user.groups_obj.map(({ pk, name }) => ({ pk, name })),
		email: user.email,
		avatar: user.avatar,
		uid: user.uid,
		settings: {},
		type: "internal",
		system_permissions: [],
	});
	const ada = office["/core/users/"][0];
	const other = office["/core/users/"][6] ?? ada;
	return impersonating ? { user: { ...self(other), is_superuser: true }, original: self(ada) } : { user: self(ada) };
}

function serverSettings({ after }) {
	return {
		office_name: "Lovelace & Daughters",
		server_name: "gatehouse.office.lan",
		allowed_hosts: ["gatehouse.local"],
		admin_on_lan: true,
		https_url: "https://gatehouse.office.lan:9443",
		http_url: "http://gatehouse.office.lan:9000",
		install_id: "8f14e45f-ceea-467f-a8d2-2f1e0b9c1234",
		ca: {
			subject: "CN=Lovelace & Daughters CA",
			sha256: "7C:4A:8D:09:CA:37:62:AF:61:E5:95:20:94:3D:C2:64:94:F8:94:1B:7C:4A:8D:09:CA:37:62:AF:61:E5:95:20",
			expires: after(5_256_000),
			names: ["gatehouse.office.lan", "gatehouse.local", "localhost", "192.168.1.10"],
			leaf_expires: after(500_000),
		},
		trust_url: "http://gatehouse.office.lan:9000/trust",
	};
}

function status({ office, size, before, after }) {
	const quiet = size !== 1;
	return {
		version: "0.1.0",
		started: before(4000),
		uptime_seconds: 240_000,
		data_dir: "/var/lib/gatehouse",
		database_bytes: 4_812_800,
		disk_free_bytes: 84_000_000_000,
		memory_bytes: 41_000_000,
		users: office["/core/users/"].length,
		active_sessions: size ? 7 : 1,
		applications: office["/core/applications/"].length,
		certificate_expires: after(500_000),
		last_backup: quiet && size ? before(1600) : null,
		second_factor_missing: size > 1 ? 3 : 0,
		checks: [
			{ id: "server", state: "good", text: "The server has been running for 2 days.", help: "", link: "" },
			{
				id: "certificate",
				state: size ? "warning" : "good",
				text: "The certificate expires in 12 days.",
				help: "It is renewed by itself a week before; devices that trust the authority notice nothing.",
				link: "#/settings/certificates",
			},
			{
				id: "backup",
				state: size > 1 ? "notice" : "danger",
				text: size > 1 ? "The last backup is 26 hours old." : "There is no backup yet.",
				help: "If this computer breaks, everything is gone. A backup takes a minute.",
				link: "#/settings/backup",
			},
			{ id: "disk", state: "good", text: "84 GB are free.", help: "", link: "" },
			{ id: "clock", state: "good", text: "The clock is right.", help: "", link: "" },
		],
		steps: [
			{ id: "add_user", done: size > 1, text: "Add the people of the office", link: "#/people/users/new" },
			{ id: "add_application", done: size > 1, text: "Add the first application", link: "#/apps/new" },
			{ id: "trust_ca", done: false, text: "Make every device trust this server", link: "#/settings/certificates" },
			{ id: "backup", done: false, text: "Make a backup and keep it elsewhere", link: "#/settings/backup" },
		],
	};
}

function accessOf({ office, size }) {
	const groups = size > 1 ? office["/core/groups/"].slice(2, 4).map(({ pk, name }) => ({ pk, name })) : [];
	return {
		everyone: false,
		users: [{ pk: 1, username: "ada", name: "Ada Lovelace" }],
		groups,
		sentence: groups.length ? "Accounting, Workshop and Ada Lovelace can use it." : "Ada Lovelace can use it.",
	};
}

function setup(state, application) {
	const provider = application.provider_obj ?? null;
	const base = `https://gatehouse.office.lan:9443/application/o`;
	const saml = `https://gatehouse.office.lan:9443/application/saml/${application.slug}/`;
	const value = (id, label, text, help = "", secret = false) => ({ id, label, value: text, secret, help, where: "", source: "" });
	const known =
		provider &&
		guided(application.template, application.template_url, {
			issuer: `${base}/${application.slug}/`,
			discovery: `${base}/${application.slug}/.well-known/openid-configuration`,
			client_id: provider.client_id,
			client_secret: provider.client_secret,
			authorize: `${base}/authorize/`,
			token: `${base}/token/`,
			userinfo: `${base}/userinfo/`,
			logout: `${base}/${application.slug}/end-session/`,
			jwks: `${base}/${application.slug}/jwks/`,
			entity_id: `${saml}metadata/`,
			metadata: `${saml}metadata/`,
			sso: `${saml}sso/binding/redirect/`,
			sso_post: `${saml}sso/binding/post/`,
			slo: `${saml}slo/binding/redirect/`,
			certificate: "-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n",
			certificate_line: "MIIC",
			fingerprint: "fc:91:e4:4d",
		});
	return {
		application,
		provider,
		guide: null,
		access: accessOf(state),
		warnings: provider && application.slug === "gitea" ? ["The redirect URI has a pattern; a full address is safer."] : [],
		values: provider
			? [
					value("issuer", "Issuer", `${base}/${application.slug}/`, "Also called provider URL."),
					value(
						"discovery",
						"Discovery address",
						`${base}/${application.slug}/.well-known/openid-configuration`,
						"Most applications need only this one.",
					),
					value("client_id", "Client ID", provider.client_id),
					value("client_secret", "Client secret", provider.client_secret, "Keep it to yourself.", true),
					value("authorize", "Authorization address", `${base}/authorize/`),
					value("token", "Token address", `${base}/token/`),
					value("userinfo", "Userinfo address", `${base}/userinfo/`),
					value("end_session", "Sign-out address", `${base}/${application.slug}/end-session/`),
					value("jwks", "Keys (JWKS)", `${base}/${application.slug}/jwks/`),
					value("redirect_uris", "Redirect URIs", provider.redirect_uris),
					value("scopes", "Scopes", "openid email profile"),
				]
			: [],
		...known,
	};
}

const volume = (action, size) =>
	Array.from({ length: 28 }, (_, index) => ({
		x_cord: Math.floor(Date.now() / 21_600_000 - 27 + index) * 21_600_000,
		y_cord: size < 2 ? 0 : Math.round((Math.sin(index / 2) + 1.4) * (action === "login" ? 10.6 : action === "login_failed" ? 1.6 : 15)),
	}));
const usual = {
	avatars: "gravatar,initials",
	default_user_change_name: true,
	default_user_change_email: true,
	default_user_change_username: false,
	event_retention: "days=180",
	footer_links: [{ name: "Help desk", href: "https://help.office.lan" }],
	gdpr_compliance: true,
	impersonation: true,
	default_token_duration: "days=1",
	default_token_length: 60,
};

/** What the search over everything finds. */
function found(office, text) {
	const hits = (path, model, kind, urlOf) =>
		office[path]
			.filter((row) => JSON.stringify([row.name, row.username, row.slug]).toLowerCase().includes(text))
			.slice(0, 5)
			.map((row) => ({
				model,
				kind,
				pk: String(row.pk),
				title: row.name || row.username,
				subtitle: row.username ?? row.slug ?? "",
				url: `/if/admin/#${urlOf(row)}`,
			}));
	return [
		...hits("/core/users/", "authentik_core.user", "User", ({ pk }) => `/people/users/${pk}`),
		...hits("/core/groups/", "authentik_core.group", "Group", ({ pk }) => `/people/groups/${pk}`),
		...hits("/core/applications/", "authentik_core.application", "Application", ({ slug }) => `/apps/${slug}`),
		...hits("/flows/instances/", "authentik_flows.flow", "Flow", ({ slug }) => `/advanced/flows/${slug}`),
	];
}

/** Answers that belong to no collection; nothing when the address is another. */
export function own(state, method, path, query, body) {
	const { office, size } = state;
	const ran = expressions(path, query, body);
	if (ran) return ran;
	if (types[path])
		return [
			200,
			types[path].map(([model_name, name]) => ({
				name,
				description: "",
				component: `ak-${model_name}`,
				model_name,
				requires_enterprise: false,
			})),
		];
	const app = /^\/gatehouse\/applications\/([^/]+)\/(access\/)?$/.exec(path);
	if (app) {
		const found = office["/core/applications/"].find((one) => one.slug === decodeURIComponent(app[1]));
		if (!found) return [404, { detail: "Not found." }];
		return [
			200,
			app[2]
				? { ...accessOf(state), everyone: body.everyone, sentence: body.everyone ? "Everyone can use it." : accessOf(state).sentence }
				: setup(state, found),
		];
	}
	if (/^\/gatehouse\/providers\/oauth2\/\d+\/signins\/$/.test(path)) return [200, signIns()];
	if (/^\/gatehouse\/providers\/oauth2\/\d+\/beyond\/$/.test(path))
		return [
			200,
			{
				backchannel_logout_uri: "",
				backchannel_logout_session_required: false,
				require_pushed_authorization_requests: false,
				dpop_bound_access_tokens: false,
				dpop_nonce_required: false,
				resources: "",
				...body,
			},
		];
	if (path.startsWith("/gatehouse/undo/"))
		return [
			200,
			{ event: "", action: "model_updated", model: "", pk: "", name: "It", fields: ["name"], notes: [], possible: true, reason: "" },
		];
	if (/^\/gatehouse\/invitations\/[^/]+\/mail\/$/.test(path)) {
		const mails = ["queued", "failed", "sent"].map((kind, index) => ({
			pk: `00000000-0000-4000-8000-00000000001${index}`,
			created: new Date(Date.now() - (index + 1) * 600_000).toISOString(),
			to: ["grace@office.example", "nobody@office.example", "ada@office.example"][index],
			subject: "Your account at Gatehouse",
			state: kind,
			tries: index,
			words: ["", "The mail server mail.office.lan says: 550 5.1.1 No such person here.", "The mail server took it."][index],
			next: null,
			finished: null,
		}));
		return [200, { results: mails, problem: "" }];
	}
	switch (path) {
		case "/gatehouse/search/":
			return [200, { results: found(office, (query.get("search") ?? "").toLowerCase()) }];
		case "/gatehouse/bulk/delete/":
		case "/gatehouse/bulk/update/": {
			const results = body.pks.map((pk) => ({ pk, name: pk, ok: true, errors: {}, used_by: 1 }));
			return [200, { dry_run: !!body.dry_run, done: !body.dry_run, ok: results.length, failed: 0, results }];
		}
		case "/schema/":
			return [200, state.schema];
		case "/core/users/me/":
			return [200, me(state)];
		case "/core/users/paths/":
			return [200, { paths: size > 1 ? ["users", "users/services", "goauthentik.io/outposts"] : ["users"] }];
		case "/core/users/impersonate_end/":
			return [204];
		case "/core/users/service_account/":
			return [200, { username: body.name, token: "tok".padEnd(60, "a9"), user_uid: "x", user_pk: 4, group_pk: "" }];
		case "/core/brands/current/":
			return [
				200,
				{
					matched_domain: "authentik-default",
					branding_title: "Gatehouse",
					branding_logo: "",
					branding_favicon: "",
					ui_footer_links: [{ name: "Help desk", href: "https://help.office.lan" }],
					ui_theme: "automatic",
					flow_authentication: "default-authentication-flow",
					flow_user_settings: "default-user-settings-flow",
					default_locale: "",
				},
			];
		case "/admin/settings/": {
			state.settings ??= { ...usual };
			if (method !== "GET") Object.assign(state.settings, body);
			return [200, state.settings];
		}
		case "/gatehouse/settings/":
			return method === "GET"
				? [200, serverSettings(state)]
				: body.server_name === ""
					? [400, { server_name: ["Give the server a name."] }]
					: [200, { ...serverSettings(state), ...body }];
		case "/gatehouse/mail/":
			state.mail ??= {
				host: "mail.office.lan",
				port: 587,
				security: "starttls",
				username: "gatehouse",
				from_address: "Gatehouse <gatehouse@office.lan>",
				timeout: 10,
				has_password: true,
				configured: true,
				fixed: {},
			};
			if (method !== "GET") Object.assign(state.mail, body, { password: undefined, configured: (body.host ?? state.mail.host) !== "" });
			return [200, state.mail];
		case "/gatehouse/mail/test/":
			return [
				200,
				{
					successful: false,
					to: body.to || "ada@office.lan",
					message: "The mail server mail.office.lan says: 535 5.7.8 Wrong name or password.",
				},
			];
		case "/gatehouse/tokens/life/": {
			const day = (count) => new Date(Date.now() + count * 86_400_000).toISOString();
			return [200, { now: day(0), ends: true, usual: day(1), longest: day(45), problem: "" }];
		}
		case "/gatehouse/webauthn/metadata/":
			if (method !== "GET") return [400, { file: ["This is no metadata blob of the FIDO Alliance."] }];
			return [
				200,
				{
					number: 187,
					next_update: "2026-12-01",
					taken: new Date(Date.now() - 3 * 86_400_000).toISOString(),
					entries: 312,
					skipped: 41,
					stale: false,
					source: "https://mds3.fidoalliance.org",
					device_types: 358,
					own: 44,
					imported: 312,
				},
			];
		case "/gatehouse/webauthn/metadata/update/":
			return [400, { file: ["This is list 186; the newer list 187 is there."] }];
		case "/stages/authenticator/webauthn_device_types/": {
			const makes = [
				["00000000-0000-0000-0000-000000000000", "Unknown devices"],
				["fbfc3007-154e-4ecc-8c0b-6e020557d7bd", "Apple Passwords (iCloud Keychain)"],
				["08987058-cadc-4b81-b6e1-30de50dcbe96", "Windows Hello (hardware)"],
				["2fc0579f-8113-47ea-b116-bb5a8db9202a", "YubiKey 5 NFC (5.2, 5.4)"],
				["12ded745-4bed-47d4-abaa-e713f51d6393", "A security key of a maker who describes it at some length, second series with a sensor"],
			];
			const results = makes.map(([aaguid, description]) => ({ aaguid, description }));
			const count = results.length;
			return [200, { pagination: { next: 0, previous: 0, count, current: 1, total_pages: 1, start_index: 1, end_index: count }, results }];
		}
		case "/gatehouse/oauth2/registration/":
			if (method !== "GET") state.registration = { ...state.registration, enabled: body.enabled };
			return [200, { enabled: true, token: true, made: new Date(Date.now() - 86_400_000).toISOString(), ...state.registration }];
		case "/gatehouse/oauth2/registration/token/":
			state.registration = { ...state.registration, token: method === "POST", made: method === "POST" ? new Date().toISOString() : null };
			return method === "POST"
				? [201, { token: "k3".repeat(32), endpoint: "https://sso.office.lan:9443/application/o/register/" }]
				: [204, null];
		case "/gatehouse/oauth2/registration/clients/": {
			const client = (provider, name, slug, redirect_uris) => ({ provider, name, slug, client_id: `client-${provider}`, redirect_uris });
			return [
				200,
				{
					clients: [
						client(21, "Build server", "build-server", ["https://build.office.lan/callback"]),
						client(22, "An assistant that somebody set up in the workshop, with a name that goes on", "assistant", [
							"http://127.0.0.1:33418/callback",
							"https://assistant.department-of-long-names.office.lan/oauth/callback/of/the/assistant",
						]),
						client(23, "Left over", "", []),
					],
				},
			];
		}
		case "/gatehouse/mail/log/":
			return [
				200,
				{
					more: false,
					results: ["sent", "queued", "failed"].map((kind, index) => ({
						pk: `00000000-0000-4000-8000-00000000000${index}`,
						created: new Date(Date.now() - (index + 1) * 3_600_000).toISOString(),
						to: index === 2 ? "somebody-with-a-very-long-address-indeed@department.of.long.names.office.lan" : "ada@office.lan",
						subject: "Choose a new password",
						state: kind,
						tries: index + 1,
						words: [
							"The mail server took it.",
							"The mail server mail.office.lan says: 451 4.7.1 Try again later.",
							"The mail server mail.office.lan says: 550 5.1.1 No such person here.",
						][index],
						next: null,
						finished: null,
					})),
				},
			];
		case "/gatehouse/status/":
			return [200, status(state)];
		case "/gatehouse/access/":
			return [
				200,
				{
					results: office["/core/applications/"].slice(0, 20).map(({ slug, name }, index) => ({
						slug,
						name,
						passing: index % 2 === 0,
						reason: index % 2 ? "Not in Accounting or Workshop." : "Is in Accounting.",
					})),
				},
			];
		case "/gatehouse/catalog/":
			return [200, { results: templates }];
		case "/gatehouse/applications/":
		case "/gatehouse/saml/applications/": {
			const template = templates.find((one) => one.slug === body.template);
			if (template && !body.url?.startsWith("http"))
				return [400, { url: [`Write the address of ${template.name} as people open it, such as ${template.address}.`] }];
			if (!template && path === "/gatehouse/saml/applications/" && !body.acs_url?.startsWith("http"))
				return [400, { acs_url: ["Enter a valid URL."] }];
			if (!template && path === "/gatehouse/applications/" && !body.redirect_uris?.startsWith("http"))
				return [400, { redirect_uris: ["A redirect URI starts with https://."] }];
			const slug = body.slug || body.name.toLowerCase().replace(/\W+/g, "-");
			const made = {
				...(office["/core/applications/"][0] ?? {}),
				pk: slug,
				name: body.name,
				slug,
				launch_url: body.launch_url ?? body.url ?? null,
				template: body.template,
				template_url: body.url,
				provider_obj: office["/providers/all/"][0] ?? null,
			};
			office["/core/applications/"].push(made);
			return [201, setup(state, made)];
		}
		case "/events/events/actions/":
			return [200, eventActions.map((name) => ({ name, description: "", component: name, model_name: "", requires_enterprise: false }))];
		case "/events/events/volume/":
			return [200, volume(query.get("action"), size)];
		case "/events/events/top_per_user/":
			return [
				200,
				office["/core/applications/"].slice(0, 4).map((one, index) => ({
					application: { pk: one.pk, name: one.name },
					counted_events: 120 - index * 31,
					unique_users: 14 - index * 3,
				})),
			];
		case "/crypto/certificatekeypairs/generate/":
			return [200, office["/crypto/certificatekeypairs/"][0]];
		default:
			return undefined;
	}
}

/** Verbs of one object; nothing when the verb is another. */
export function actions(state, _method, collection, row, _id, verb, query, body) {
	switch (verb) {
		case "used_by":
			return [
				200,
				collection === "/core/users/"
					? [
							{ app: "authentik_core", model_name: "token", pk: "1", name: "ada-laptop", action: "cascade" },
							{ app: "authentik_core", model_name: "application", pk: "2", name: "Nextcloud", action: "set_null" },
						]
					: [],
			];
		case "metrics":
			return [
				200,
				{ logins: volume("login", state.size), logins_failed: volume("login_failed", state.size), authorizations: volume("x", state.size) },
			];
		case "recovery":
			return [200, { link: "http://127.0.0.1:40123/if/flow/recovery/?flow_token=0Zx9pQ" }];
		case "recovery_email":
			return [204];
		case "set_password":
			return body.password.length < 8 ? [400, { password: ["Use at least 8 characters."] }] : [204];
		case "view_key":
			return [200, { key: "tok".padEnd(60, "Zq4") }];
		case "view_certificate":
		case "view_private_key":
			return [200, { data: "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n" }];
		case "check_access":
			return [
				200,
				{
					passing: query.get("for_user") !== "3",
					messages: query.get("for_user") === "3" ? ["Not in Accounting or Workshop."] : [],
					log_messages: [],
				},
			];
		case "preview_user":
			return [
				200,
				{
					preview: {
						iss: "https://gatehouse.office.lan:9443/application/o/nextcloud/",
						sub: "8f14e45fceea467fa8d22f1e0b9c1234",
						email: "ada@office.example",
						name: "Ada Lovelace",
						groups: ["Accounting"],
					},
				},
			];
		case "test":
			return test(collection, row, body);
		case "add_user": {
			const one = state.office["/core/users/"].find((user) => user.pk === body.pk);
			one.groups.push(row.pk);
			one.groups_obj.push({ pk: row.pk, name: row.name, is_superuser: row.is_superuser });
			row.users.push(body.pk);
			return [204];
		}
		case "remove_user": {
			const one = state.office["/core/users/"].find((user) => user.pk === body.pk);
			one.groups = one.groups.filter((pk) => pk !== row.pk);
			one.groups_obj = one.groups_obj.filter((group) => group.pk !== row.pk);
			row.users = row.users.filter((pk) => pk !== body.pk);
			return [204];
		}
		case "impersonate":
		case "set_icon":
		case "set_icon_url":
			return [204];
		default:
			return undefined;
	}
}

/** Sign-ins at an application that failed in the usual ways, and some that did not. */
function signIns() {
	const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();
	const refused = (minutes, more) => ({
		first: ago(minutes + 30),
		last: ago(minutes),
		count: 1,
		place: "authorize",
		came: "",
		expected: "",
		username: "",
		client_ip: "192.168.1.20",
		fixed: false,
		fix: "",
		value: "",
		...more,
	});
	const address = "https://cloud.office.example:8443/apps/oidc_login/oidc";
	return {
		refused: [
			refused(2, {
				cause: "redirect_uri",
				says: "The application wants people sent back to an address that is not registered here.",
				came: address,
				expected: "https://cloud.office.example/apps/oidc_login/oidc",
				count: 12,
				fix: "add_redirect_uri",
				value: address,
			}),
			refused(9, {
				cause: "scope",
				says: "The application asks for the scope groups, which this provider does not have. The sign-in goes on without it, so the claims under it are missing.",
				came: "groups",
				expected: "openid email profile",
				username: "ada",
				fixed: true,
			}),
			refused(60, {
				place: "token",
				cause: "client_secret",
				says: "The client_secret is wrong.",
				came: "a secret of 127 characters",
				expected: "a secret of 128 characters",
			}),
		],
		given: [1, 25, 300].map((minutes) => ({
			when: ago(minutes),
			username: minutes > 20 ? "grace" : "ada",
			scopes: "openid email profile",
		})),
	};
}
