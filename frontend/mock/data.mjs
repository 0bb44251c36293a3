// An office to look at: people, groups, applications and what belongs to them, in the shapes of the REST interface.

let seed = 7;
const random = () => {
	seed = (seed * 1103515245 + 12345) % 2147483648;
	return seed / 2147483648;
};
const pick = (list) => list[Math.floor(random() * list.length)];
const uuid = (kind, number) => `${kind.toString(16).padStart(8, "0")}-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
const now = Date.now();
export const before = (minutes) => new Date(now - minutes * 60_000).toISOString();
export const after = (minutes) => before(-minutes);
const DAY = 1440;

const first = [
	"Ada",
	"Bela",
	"Chidi",
	"Dunya",
	"Emre",
	"Fatima",
	"Goran",
	"Hana",
	"Ines",
	"Jonas",
	"Katarzyna",
	"Liam",
	"Maja",
	"Nils",
	"Olga",
	"Piotr",
	"Quentin",
	"Rosa",
	"Sven",
	"Tove",
];
const last = [
	"Lovelace",
	"Bartók",
	"Okafor",
	"Şahin",
	"Nowak",
	"Øst",
	"Petrović",
	"Novák",
	"Ferreira",
	"Lindqvist",
	"Wiśniewska",
	"O’Brien",
	"Horvat",
	"Berg",
	"Ivanova",
];

const avatar = (name, hue) =>
	`data:image/svg+xml;utf8,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="hsl(${hue} 40% 32%)"/><text x="32" y="41" font-size="26" font-family="sans-serif" fill="#fff" text-anchor="middle">${name[0]}</text></svg>`)}`;

function user(pk, name, username, more = {}) {
	return {
		pk,
		username,
		name,
		is_active: true,
		last_login: before(Math.floor(random() * 9000) + 2),
		is_superuser: false,
		groups: [],
		groups_obj: [],
		email: `${username}@office.example`,
		avatar: avatar(name || username, (pk * 47) % 360),
		attributes: {},
		uid: `${pk}f3a9c1e7b5d2`.padEnd(64, "4c8e"),
		path: "users",
		type: "internal",
		uuid: uuid(1, pk),
		...more,
	};
}

function makeUsers(count) {
	const users = [user(1, "Ada Lovelace", "ada", { is_superuser: true, last_login: before(3) })];
	if (count > 1) {
		users.push(
			user(2, "", "akadmin", { is_superuser: true, email: "", last_login: null }),
			user(
				3,
				"Wolfeschlegelsteinhausenbergerdorff-Montgomery von und zu Hohenlohe-Langenburg der Ältere",
				"wolfeschlegelsteinhausenbergerdorff.montgomery",
				{ is_active: false },
			),
			user(4, "Backup robot", "backup-robot", { type: "service_account", email: "", path: "users/services", last_login: null }),
			user(5, "LDAP outpost", "ak-outpost-ldap", {
				type: "internal_service_account",
				email: "",
				path: "goauthentik.io/outposts",
				last_login: null,
			}),
		);
	}
	for (let pk = users.length + 1; pk <= count; pk++) {
		const name = `${pick(first)} ${pick(last)}`;
		users.push(
			user(
				pk,
				name,
				`${name
					.toLowerCase()
					.normalize("NFD")
					.replace(/[^a-z]+/g, ".")}${pk}`,
				{ is_active: random() > 0.06, type: random() > 0.95 ? "external" : "internal" },
			),
		);
	}
	return users.slice(0, Math.max(1, count));
}

function makeGroups(count, users) {
	const named = [
		["authentik Admins", null, true],
		["Everyone in the office", null, false],
		["Accounting", 1, false],
		["Workshop", 1, false],
		["Apprentices", 3, false],
		["Management", 1, false],
		["A group with a very long name that somebody typed because the old directory had it like that", null, false],
	];
	const groups = [];
	for (let index = 0; index < count; index++) {
		const [name, parent, admin] = named[index] ?? [`Project ${index}`, index % 3 ? 1 : null, false];
		const members = index === 0 ? users.slice(0, 2) : users.filter((one) => (one.pk + index) % (index + 2) === 0).slice(0, 300);
		groups.push({
			pk: uuid(2, index),
			num_pk: index + 100,
			name,
			is_superuser: admin,
			parent: parent === null || !groups[parent] ? null : groups[parent].pk,
			parent_name: parent === null || !groups[parent] ? null : groups[parent].name,
			users: members.map((one) => one.pk),
			users_obj: members.map(({ pk, username, name: full, is_active, last_login, email, attributes, uid }) => ({
				pk,
				username,
				name: full,
				is_active,
				last_login,
				email,
				attributes,
				uid,
			})),
			attributes: {},
			roles: [],
			roles_obj: [],
		});
		for (const member of members) {
			member.groups.push(groups[index].pk);
			member.groups_obj.push({
				pk: groups[index].pk,
				num_pk: index + 100,
				name,
				is_superuser: admin,
				parent: null,
				parent_name: null,
				attributes: {},
			});
		}
	}
	return groups;
}

const flow = (index, slug, title, designation) => ({
	pk: uuid(3, index),
	policybindingmodel_ptr_id: uuid(4, index),
	name: title,
	slug,
	title,
	designation,
	background: "/static/app/mark.svg",
	stages: [],
	policies: [],
	cache_count: 0,
	policy_engine_mode: "any",
	compatibility_mode: false,
	export_url: `/api/v3/flows/instances/${slug}/export/`,
	layout: "stacked",
	denied_action: "message_continue",
	authentication: designation === "authentication" ? "require_unauthenticated" : "none",
});
const flows = () => [
	flow(0, "default-authentication-flow", "Welcome to Gatehouse!", "authentication"),
	flow(1, "default-invalidation-flow", "Log out", "invalidation"),
	flow(2, "default-provider-authorization-explicit-consent", "Authorize application with consent", "authorization"),
	flow(3, "default-provider-authorization-implicit-consent", "Authorize application", "authorization"),
	flow(4, "default-user-settings-flow", "User settings", "stage_configuration"),
	flow(5, "default-password-change", "Change password", "stage_configuration"),
];

const typed = (model, component, verbose) => ({
	component,
	verbose_name: verbose,
	verbose_name_plural: `${verbose}s`,
	meta_model_name: model,
});
function stages(all) {
	const rows = [
		{
			name: "default-authentication-identification",
			...typed("authentik_stages_identification.identificationstage", "ak-stage-identification-form", "Identification Stage"),
			user_fields: ["email", "username"],
			password_stage: null,
			case_insensitive_matching: true,
			show_matched_user: true,
			enrollment_flow: null,
			recovery_flow: null,
			passwordless_flow: null,
			sources: [],
			show_source_labels: false,
			pretend_user_exists: true,
		},
		{
			name: "default-authentication-password",
			...typed("authentik_stages_password.passwordstage", "ak-stage-password-form", "Password Stage"),
			backends: ["authentik.core.auth.InbuiltBackend", "authentik.core.auth.TokenBackend"],
			configure_flow: all[5].pk,
			failed_attempts_before_cancel: 5,
		},
		{
			name: "default-authentication-mfa-validation",
			...typed(
				"authentik_stages_authenticator_validate.authenticatorvalidatestage",
				"ak-stage-authenticator-validate-form",
				"Authenticator Validation Stage",
			),
			not_configured_action: "skip",
			device_classes: ["totp", "webauthn", "static"],
			configuration_stages: [],
			last_auth_threshold: "seconds=0",
			webauthn_user_verification: "preferred",
			webauthn_allowed_device_types: [],
			webauthn_allowed_device_types_obj: [],
		},
		{
			name: "default-authentication-login",
			...typed("authentik_stages_user_login.userloginstage", "ak-stage-user-login-form", "User Login Stage"),
			session_duration: "seconds=0",
			terminate_other_sessions: false,
			remember_me_offset: "days=30",
			network_binding: "no_binding",
			geoip_binding: "no_binding",
		},
		{
			name: "default-invalidation-logout",
			...typed("authentik_stages_user_logout.userlogoutstage", "ak-stage-user-logout-form", "User Logout Stage"),
		},
		{
			name: "default-provider-authorization-consent",
			...typed("authentik_stages_consent.consentstage", "ak-stage-consent-form", "Consent Stage"),
			mode: "expiring",
			consent_expire_in: "weeks=4",
		},
		{
			name: "default-user-settings",
			...typed("authentik_stages_prompt.promptstage", "ak-stage-prompt-form", "Prompt Stage"),
			fields: [uuid(8, 0)],
			validation_policies: [],
		},
	];
	const small = (one) => ({
		pk: one.pk,
		policybindingmodel_ptr_id: one.policybindingmodel_ptr_id,
		name: one.name,
		slug: one.slug,
		title: one.title,
		designation: one.designation,
	});
	return rows.map((row, index) => ({
		pk: uuid(5, index),
		...row,
		flow_set: [small(all[index < 4 ? 0 : index === 4 ? 1 : index === 5 ? 2 : 4])],
	}));
}

const policy = (index, name, model, verbose, more) => ({
	pk: uuid(7, index),
	name,
	execution_logging: false,
	...typed(model, "ak-policy-form", verbose),
	bound_to: index,
	...more,
});
const mapping = (index, name, scope, expression) => ({
	pk: uuid(9, index),
	managed: `goauthentik.io/providers/oauth2/scope-${scope}`,
	name,
	expression,
	...typed("authentik_providers_oauth2.scopemapping", "ak-property-mapping-scope-form", "Scope Mapping"),
	scope_name: scope,
	description: "",
});

function makeApps(count, all) {
	const names = [
		["Nextcloud", "nextcloud", "Files", "Files, calendar and contacts of the office", "Nextcloud GmbH"],
		["Gitea", "gitea", "Workshop", "Plans and programs", ""],
		["Paperless", "paperless", "Files", "Every letter that came in", ""],
		["Grafana", "grafana", "", "Temperatures and power", "Grafana Labs"],
		[
			"A customer relationship management system with an unreasonably long product name",
			"crm",
			"Sales",
			"",
			"Long Name Software Limited & Co. KG",
		],
	];
	const applications = [];
	const providers = [];
	for (let index = 0; index < count; index++) {
		const [name, slug, group, text, publisher] = names[index] ?? [
			`Service ${index}`,
			`service-${index}`,
			pick(["", "Files", "Sales"]),
			"",
			"",
		];
		const pk = index + 1;
		const provider = {
			pk,
			name: `Provider for ${name}`,
			authentication_flow: null,
			authorization_flow: all[3].pk,
			property_mappings: [0, 1, 2].map((one) => uuid(9, one)),
			...typed("authentik_providers_oauth2.oauth2provider", "ak-provider-oauth2-form", "OAuth2/OpenID Provider"),
			assigned_application_slug: slug,
			assigned_application_name: name,
			assigned_backchannel_application_slug: "",
			assigned_backchannel_application_name: "",
			client_type: "confidential",
			client_id: `k3J9x${slug}`.padEnd(40, "Qz7"),
			client_secret: "s3cr3t".padEnd(64, "Xy9"),
			access_code_validity: "minutes=1",
			access_token_validity: "hours=1;minutes=30",
			refresh_token_validity: "days=30",
			include_claims_in_id_token: true,
			signing_key: uuid(10, 0),
			redirect_uris: `https://${slug}.office.lan/callback`,
			sub_mode: "hashed_user_id",
			issuer_mode: "per_provider",
			jwks_sources: [],
		};
		const linkOnly = index === 3;
		if (!linkOnly) providers.push(provider);
		applications.push({
			pk: uuid(6, index),
			name,
			slug,
			provider: linkOnly ? null : pk,
			provider_obj: linkOnly ? null : provider,
			backchannel_providers: [],
			backchannel_providers_obj: [],
			launch_url: index === 4 ? null : `https://${slug}.office.lan/`,
			open_in_new_tab: true,
			meta_launch_url: `https://${slug}.office.lan/`,
			meta_icon: null,
			meta_description: text,
			meta_publisher: publisher,
			policy_engine_mode: "any",
			group,
		});
	}
	return { applications, providers };
}

function makeEvents(count, users, applications) {
	const shapes = [
		(who) => ({
			action: "login",
			context: { auth_method: "password", http_request: { path: "/if/flow/default-authentication-flow/", method: "GET" } },
			user: who,
		}),
		(who) => ({
			action: "authorize_application",
			context: {
				authorized_application: applications[0] && {
					pk: applications[0].pk.replaceAll("-", ""),
					app: "authentik_core",
					name: applications[0].name,
					model_name: "application",
				},
				scopes: "openid profile email",
			},
			user: who,
		}),
		() => ({
			action: "login_failed",
			context: { username: "ada", stage: { name: "default-authentication-password" } },
			user: { pk: 0, username: "AnonymousUser", email: "" },
		}),
		(who) => ({
			action: "model_updated",
			context: {
				model: { pk: uuid(2, 2).replaceAll("-", ""), app: "authentik_core", name: "Accounting", model_name: "group" },
				diff: {
					name: { previous_value: "Book keeping", new_value: "Accounting" },
					is_superuser: { previous_value: true, new_value: false },
					users: { add: [7, 9], remove: [], clear: false },
				},
			},
			user: who,
		}),
		(who) => ({
			action: "model_created",
			context: { model: { pk: "8", app: "authentik_core", name: "Hana Novák", model_name: "user" } },
			user: who,
		}),
		(who) => ({ action: "logout", context: {}, user: who }),
		(who) => ({ action: "impersonation_started", context: { user: { pk: 8, username: "hana.novak8" } }, user: who }),
		() => ({
			action: "configuration_error",
			context: { message: "The redirect URI https://old.office.lan/cb is not allowed for Nextcloud." },
			user: { pk: 0, username: "AnonymousUser", email: "" },
		}),
		(who) => ({
			action: "secret_view",
			context: { secret: { pk: "1", app: "authentik_core", name: "ada-laptop", model_name: "token" } },
			user: who,
		}),
		() => ({
			action: "policy_exception",
			context: { message: "name ‘requset’ is not defined", binding: { name: "only-in-the-office" } },
			user: { pk: 0, username: "AnonymousUser", email: "" },
		}),
	];
	return Array.from({ length: count }, (_, index) => {
		const one = users[Math.floor(random() * Math.min(users.length, 12))];
		const shape = shapes[index < 10 ? index : Math.floor(random() * random() * 10)];
		return {
			pk: uuid(11, count - index),
			app: "authentik.core.signals",
			client_ip: `192.168.1.${10 + (index % 90)}`,
			created: before(index * 7 + 1),
			expires: after(525_600),
			brand: { pk: uuid(12, 0).replaceAll("-", ""), app: "authentik_brands", name: "Default brand", model_name: "brand" },
			...shape({ pk: one.pk, username: one.username, email: one.email }),
		};
	});
}

const agent = (program, system) => ({
	device: { family: "Other", brand: null, model: null },
	os: { family: system, major: null },
	user_agent: { family: program, major: "131" },
	string: `${program} on ${system}`,
});
const session = (index, who, program, system, minutes, current = false) => ({
	uuid: uuid(13, index),
	current,
	user_agent: agent(program, system),
	geo_ip: null,
	asn: null,
	user: who.pk,
	last_ip: `192.168.1.${20 + index}`,
	last_user_agent: `${program} on ${system}`,
	last_used: before(minutes),
	expires: after(DAY * 13),
	user__username: who.username,
});

/** Everything that the mock answers from, by the address of its collection. size: 0, 1 or any number of rows. */
export function makeOffice(size) {
	seed = 7;
	const users = makeUsers(size);
	const few = Math.min(size, 12);
	const groups = makeGroups(size > 1000 ? 140 : few, users);
	const all = flows();
	const allStages = stages(all);
	const { applications, providers } = makeApps(size > 1000 ? 60 : Math.min(size, 5), all);
	const ada = users[0];
	const some = (rows) => (size === 0 ? [] : size === 1 ? rows.slice(0, 1) : rows);
	const policies = [
		policy(0, "default-source-enrollment-if-sso", "authentik_policies_expression.expressionpolicy", "Expression Policy", {
			expression: "# Only from within the office\nreturn ak_client_ip in ip_network('192.168.1.0/24')",
		}),
		policy(1, "always-yes", "authentik_policies_dummy.dummypolicy", "Dummy Policy", { result: true, wait_min: 0, wait_max: 0 }),
	];
	const prompt = {
		pk: uuid(8, 0),
		name: "default-user-settings-field-name",
		field_key: "name",
		label: "Name",
		type: "text",
		required: true,
		placeholder: "Name",
		initial_value: "return user.name",
		order: 201,
		promptstage_set: [],
		sub_text: "",
		placeholder_expression: false,
		initial_value_expression: true,
	};
	return {
		"/core/users/": users,
		"/core/groups/": groups,
		"/core/applications/": applications,
		"/providers/all/": providers,
		"/providers/oauth2/": providers,
		"/core/brands/": [
			{
				brand_uuid: uuid(12, 0),
				domain: "authentik-default",
				default: true,
				branding_title: "Gatehouse",
				branding_logo: "/static/app/mark.svg",
				branding_favicon: "/static/app/mark.svg",
				flow_authentication: all[0].pk,
				flow_invalidation: all[1].pk,
				flow_recovery: null,
				flow_unenrollment: null,
				flow_user_settings: all[4].pk,
				flow_device_code: null,
				web_certificate: null,
				attributes: {},
			},
		],
		"/core/tokens/": some([
			{
				pk: uuid(14, 0),
				managed: null,
				identifier: "ada-laptop",
				intent: "api",
				user: 1,
				user_obj: ada,
				description: "Scripts on the laptop",
				expires: after(DAY * 20),
				expiring: true,
				user__username: "ada",
			},
			{
				pk: uuid(14, 1),
				managed: null,
				identifier: "ada-mail-on-the-phone",
				intent: "app_password",
				user: 1,
				user_obj: ada,
				description: "Mail on the phone",
				expires: null,
				expiring: false,
				user__username: "ada",
			},
		]),
		"/core/authenticated_sessions/": some([
			session(0, ada, "Firefox", "Linux", 1, true),
			session(1, ada, "Mobile Safari", "iOS", 260),
			session(2, ada, "Chrome", "Windows", 4000),
		]),
		"/core/user_consent/": applications.slice(0, 2).map((application, index) => ({
			pk: index + 1,
			expires: index ? after(DAY * 20) : null,
			expiring: index > 0,
			user: ada,
			application,
			permissions: "openid email profile",
		})),
		"/crypto/certificatekeypairs/": [
			{
				pk: uuid(10, 0),
				name: "authentik Self-signed Certificate",
				fingerprint_sha256: "4b:1f:9a:c3:77:0d:e2:58:3c:aa:91:06:5f:be:20:d4:4b:1f:9a:c3:77:0d:e2:58:3c:aa:91:06:5f:be:20:d4",
				fingerprint_sha1: "9a:c3:77:0d:e2:58:3c:aa:91:06:5f:be:20:d4:4b:1f:9a:c3:77:0d",
				cert_expiry: after(DAY * 12),
				cert_subject: "OU=Self-signed,O=authentik,CN=authentik Self-signed Certificate",
				private_key_available: true,
				private_key_type: "rsa",
				certificate_download_url: "",
				private_key_download_url: "",
				managed: "goauthentik.io/crypto/jwt-managed",
			},
			{
				pk: uuid(10, 1),
				name: "Partner",
				fingerprint_sha256: "00:1f",
				fingerprint_sha1: "00:2f",
				cert_expiry: after(DAY * 800),
				cert_subject: "CN=partner.example",
				private_key_available: false,
				private_key_type: null,
				certificate_download_url: "",
				private_key_download_url: "",
				managed: null,
			},
		],
		"/flows/instances/": all,
		"/flows/bindings/": allStages.slice(0, 4).map((stage, index) => ({
			pk: uuid(15, index),
			policybindingmodel_ptr_id: uuid(16, index),
			target: all[0].pk,
			stage: stage.pk,
			stage_obj: stage,
			evaluate_on_plan: false,
			re_evaluate_policies: true,
			order: index * 10,
			policy_engine_mode: "any",
			invalid_response_action: "retry",
		})),
		"/stages/all/": allStages,
		"/policies/all/": policies,
		"/policies/bindings/": some([
			{
				pk: uuid(17, 0),
				policy: policies[0].pk,
				group: null,
				user: null,
				policy_obj: policies[0],
				group_obj: null,
				user_obj: null,
				target: uuid(4, 0),
				negate: false,
				enabled: true,
				order: 0,
				timeout: 30,
				failure_result: false,
			},
			{
				pk: uuid(17, 1),
				policy: null,
				group: groups[2]?.pk ?? null,
				user: null,
				policy_obj: null,
				group_obj: groups[2] ?? null,
				user_obj: null,
				target: uuid(4, 0),
				negate: true,
				enabled: false,
				order: 10,
				timeout: 30,
				failure_result: false,
			},
		]),
		"/propertymappings/all/": [
			mapping(0, "authentik default OAuth Mapping: OpenID 'openid'", "openid", "# This scope is required by OpenID Connect\nreturn {}"),
			mapping(
				1,
				"authentik default OAuth Mapping: OpenID 'email'",
				"email",
				'return {\n    "email": request.user.email,\n    "email_verified": True,\n}',
			),
			mapping(
				2,
				"authentik default OAuth Mapping: OpenID 'profile'",
				"profile",
				'return {\n    "name": request.user.name,\n    "preferred_username": request.user.username,\n    "groups": [group.name for group in request.user.ak_groups.all()],\n}',
			),
		],
		"/stages/prompt/prompts/": some([prompt]),
		"/sources/all/": some([
			{
				pk: uuid(18, 0),
				name: "authentik Built-in",
				slug: "authentik-built-in",
				enabled: true,
				authentication_flow: null,
				enrollment_flow: null,
				...typed("authentik_core.source", "", "Built-in source"),
				policy_engine_mode: "any",
				user_matching_mode: "identifier",
				managed: "goauthentik.io/sources/inbuilt",
				user_path_template: "",
				icon: null,
			},
		]),
		"/rbac/roles/": some([{ pk: uuid(19, 0), name: "Help desk" }]),
		"/events/events/": makeEvents(size > 1000 ? 10_000 : size === 0 ? 0 : size === 1 ? 1 : 240, users, applications),
	};
}
