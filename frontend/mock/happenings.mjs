// Applications, and what happened.
import { after, before, pick, random, uuid } from "./base.mjs";
import { typed } from "./parts.mjs";

export function makeApps(count, all) {
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

export function makeEvents(count, users, applications) {
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
