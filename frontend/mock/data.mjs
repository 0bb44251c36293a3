// An office to look at: people, groups, applications and what belongs to them, in the shapes of the REST interface.
import { after, DAY, restart, uuid } from "./base.mjs";
import { careOf } from "./care.mjs";
import { makeApps, makeEvents } from "./happenings.mjs";
import { flows, mapping, policy, stages, typed } from "./parts.mjs";
import { makeGroups, makeUsers, session } from "./people.mjs";

/** Everything that the mock answers from, by the address of its collection. size: 0, 1 or any number of rows. */
export function makeOffice(size) {
	restart();
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
		...careOf(size, all, users),
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
				pk: uuid(17, 2),
				policy: policies[1].pk,
				group: null,
				user: null,
				policy_obj: policies[1],
				group_obj: null,
				user_obj: null,
				target: uuid(16, 1),
				negate: true,
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
