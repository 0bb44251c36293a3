// What people set up for themselves, what they are helped with, and who is invited.
import { after, before, DAY, uuid } from "./base.mjs";

const device = (kind, pk, name, more) => ({ kind, pk, name, ...more });

const mine = [
	device("webauthn", 1, "Laptop in the office", {
		created_on: before(DAY * 40),
		device_type: { aaguid: uuid(30, 1), description: "Windows Hello" },
		aaguid: uuid(30, 1),
	}),
	device("totp", 1, "Phone"),
	device("static", 1, "Static Token", { token_set: [{ token: "a" }, { token: "b" }] }),
];

const verbose = {
	webauthn: "WebAuthn Device",
	totp: "TOTP Device",
	static: "Static Device",
};

const configure = (number, component, title) => ({
	object_uid: uuid(31, number),
	component: `ak-user-settings-${component}`,
	title,
	configure_url: `/flows/-/configure/${uuid(31, number)}/`,
});

const setups = [
	configure(0, "password", "Password"),
	configure(1, "authenticator-static", "Static tokens"),
	configure(2, "authenticator-totp", "TOTP Device"),
	configure(3, "authenticator-webauthn", "WebAuthn device"),
];

const source = (slug, name) => ({ pk: uuid(32, name.length), slug, name, icon: null });

/** The collections that this part adds to an office. */
export function careOf(size, all, users) {
	const some = (rows) => (size === 0 ? [] : size === 1 ? rows.slice(0, 1) : rows);
	const join = { ...all[0], pk: uuid(3, 90), slug: "join-by-invitation", name: "Join by invitation", designation: "enrollment" };
	const invitation = (number, name, known, expires, single) => ({
		pk: uuid(33, number),
		name,
		expires,
		fixed_data: known,
		created_by: users[0],
		single_use: single,
		flow: join.pk,
		flow_obj: join,
	});
	const devices = some(mine).map((one) => ({ ...one }));
	return {
		...Object.fromEntries(
			["webauthn", "totp", "static", "duo", "sms"].map((kind) => [`/authenticators/${kind}/`, devices.filter((one) => one.kind === kind)]),
		),
		"/sources/user_connections/all/": some([{ pk: 1, user: 1, source: source("github", "GitHub"), created: before(DAY * 9) }]),
		"/stages/invitation/stages/": size === 0 ? [] : [{ pk: uuid(34, 0), name: "invitation", flow_set: [join] }],
		"/stages/invitation/invitations/": some([
			invitation(0, "grace-hopper", { name: "Grace Hopper", email: "grace@office.example" }, after(DAY * 2), true),
			invitation(1, "apprentices", {}, after(DAY * 20), false),
			invitation(2, "somebody-who-did-not-come-in-time-and-has-a-long-name", {}, before(60), true),
		]),
		"/stages/email/": some([{ pk: uuid(35, 0), name: "default-recovery-email" }]),
		"/policies/reputation/scores/": some([
			{ pk: uuid(36, 0), identifier: "ada", ip: "192.168.1.77", score: -6, updated: before(12), ip_geo_data: {}, ip_asn_data: {} },
		]),
	};
}

const diagram = [
	"graph TD",
	'flow_start[["Flow\nWelcome to Gatehouse!"]]',
	'flow_auth_requirement["Flow authentication requirement\nrequire_unauthenticated"]',
	'stage_0(["Stage (Identification Stage)\ndefault-authentication-identification"])',
	'stage_1_policy_0{{"Policy (Expression Policy)\ndefault-authentication-flow-password-stage"}}',
	'stage_1(["Stage (Password Stage)\ndefault-authentication-password"])',
	'stage_2(["Stage (Authenticator Validation Stage)\ndefault-authentication-mfa-validation"])',
	'stage_3(["Stage (User Login Stage)\ndefault-authentication-login"])',
	'done[["End of the flow"]]',
	"flow_auth_requirement --Requirement fulfilled--> flow_start",
	"flow_auth_requirement --Requirement not fulfilled--> done",
	"flow_start --> stage_0",
	"stage_0 --Binding 10--> stage_1_policy_0",
	"stage_1_policy_0 --Policy passed--> stage_1",
	"stage_1_policy_0 --Policy denied--> stage_2",
	"stage_1 --> stage_2",
	"stage_2 --> stage_3",
	"stage_3 --End of the flow--> done",
].join("\n");

const shown = ({ kind, pk, name }) => ({
	verbose_name: verbose[kind],
	verbose_name_plural: `${verbose[kind]}s`,
	meta_model_name: `authentik_stages_authenticator_${kind}.${kind}device`,
	pk,
	name,
	type: `authentik_stages_authenticator_${kind}.${kind}device`,
	confirmed: true,
});

const voice = (n, name, more) => ({
	pk: `00000011-0000-7000-8000-00000000000${n}`,
	via: "policy",
	target: "00000007-0000-7000-8000-000000000000",
	name,
	verbose_name: "Expression Policy",
	negate: false,
	order: n,
	enabled: true,
	passing: true,
	messages: [],
	log_messages: [],
	error: null,
	took_ms: 0.42,
	...more,
});
const tried = (n, name, kind, more) => ({
	order: n * 10,
	binding: `0000000f-0000-7000-8000-00000000000${n}`,
	stage: {
		pk: `00000005-0000-7000-8000-00000000000${n}`,
		name,
		component: `ak-stage-${kind}-form`,
		verbose_name: "Stage",
		meta_model_name: `authentik_stages_${kind}.${kind}stage`,
	},
	evaluated: "run",
	re_evaluate: true,
	included: true,
	outcome: "asks",
	challenge: `ak-stage-${kind}`,
	to: null,
	message: "",
	user: "ada.lovelace",
	policies: [],
	...more,
});

/** A try in which everything happens that can; context "deny" ends it before the first step. */
function trial({ context }) {
	const asked = [voice(1, "only-inside", { took_ms: 1.3 }), voice(2, "Staff", { via: "group", verbose_name: "Group" })];
	if (context?.deny) {
		const no = { passing: false, messages: ["Not from here."] };
		return {
			passing: false,
			messages: ["Not from here."],
			signed_in: false,
			requirement: { authentication: "none", met: true },
			flow_policies: [voice(1, "only-inside", no)],
			flow_policies_user: null,
			steps: [tried(1, "identification", "identification", { outcome: "open", included: null, challenge: null })],
		};
	}
	const line = (event, more) => ({ timestamp: before(0), log_level: "info", logger: "default-password", event, attributes: {}, ...more });
	const trace = "Traceback (most recent call last):\n  File \"asks-for-code\", line 3, in <module>\nKeyError: 'prompt_data'";
	const failure = { type: "KeyError", message: "'prompt_data'", line: 3, trace };
	return {
		passing: false,
		messages: ["KeyError: 'prompt_data' (line 3)"],
		signed_in: false,
		requirement: { authentication: "none", met: true },
		flow_policies: asked,
		flow_policies_user: null,
		steps: [
			tried(1, "default-authentication-identification", "identification"),
			tried(2, "default-authentication-password", "password", {
				outcome: "skipped",
				included: false,
				policies: [
					voice(3, "default-authentication-flow-password-stage-with-a-very-long-name-that-has-to-break-somewhere", {
						passing: false,
						messages: ["The password was asked before."],
						log_messages: [line("looked at the plan", { attributes: { backend: "authentik.core.auth.InbuiltBackend" } }), line("done")],
					}),
					voice(4, "never", { enabled: false, passing: null, took_ms: 0 }),
				],
			}),
			tried(3, "default-authentication-mfa-validation", "dummy", {
				outcome: "runs",
				policies: [voice(5, "ada.lovelace", { via: "user", negate: true, verbose_name: "User" })],
			}),
			{ ...tried(4, "terms", "consent"), binding: null, order: null },
			tried(5, "ask-for-a-code", "prompt", {
				outcome: "fails",
				included: null,
				policies: [voice(6, "asks-for-code", { passing: false, messages: ["KeyError: 'prompt_data' (line 3)"], error: failure })],
			}),
			tried(6, "default-authentication-login", "deny", { outcome: "open", included: null, challenge: null }),
		],
	};
}

const kinds = ["webauthn", "totp", "static", "duo", "sms"];

/** Answers that belong to no collection; nothing when the address is another. */
export function care({ office }, method, path, body) {
	const theirs = /^\/authenticators\/admin\/(\w+)\/(\d+)\/$/.exec(path);
	if (theirs && method === "DELETE") {
		const rows = office[`/authenticators/${theirs[1]}/`];
		rows.splice(
			rows.findIndex(({ pk }) => String(pk) === theirs[2]),
			1,
		);
		return [204];
	}
	if (path.endsWith("/diagram/")) return [200, { diagram }];
	if (path.startsWith("/gatehouse/flows/") && path.endsWith("/try/")) return [200, trial(body)];
	switch (path) {
		case "/authenticators/all/":
		case "/authenticators/admin/all/":
			return [200, kinds.flatMap((kind) => office[`/authenticators/${kind}/`]).map(shown)];
		case "/stages/all/user_settings/":
			return [200, setups];
		case "/sources/all/user_settings/":
			return [
				200,
				[
					{
						object_uid: "github",
						component: "ak-user-settings-source-oauth",
						title: "GitHub",
						configure_url: "/source/oauth/login/github/",
					},
					{
						object_uid: "google",
						component: "ak-user-settings-source-oauth",
						title: "Google",
						configure_url: "/source/oauth/login/google/",
					},
				],
			];
		case "/flows/instances/import/": {
			const success = !body.raw?.includes("refuse");
			const said = (event) => ({ timestamp: before(0), log_level: "warning", logger: "gatehouse.blueprint", event, attributes: {} });
			return [
				200,
				{ success, logs: success ? [] : [said('Entry invalid: line 3: authentik_flows.flow "x": name: This field is required.')] },
			];
		}
		default:
			return undefined;
	}
}
