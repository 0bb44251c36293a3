// Every page of both programs, with what has to be done on it before a picture shows its point.

const group = "00000002-0000-7000-8000-000000000002";
const event = (number) => `0000000b-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
const stage = "00000005-0000-7000-8000-000000000000";
const pair = "0000000a-0000-7000-8000-000000000000";
const brand = "0000000c-0000-7000-8000-000000000000";

const flow = "/advanced/flows/default-authentication-flow";
const step = "0000000f-0000-7000-8000-000000000001";

export const policy = "/advanced/policies/00000007-0000-7000-8000-000000000000";

/** Writes a text in the editor of an expression. */
export async function write(page, text) {
	await page.locator("#field-expression.cm-content").focus();
	await page.keyboard.press("Control+a");
	await page.keyboard.insertText(text);
}

/** Writes a text and runs it. */
const tried = (text) => async (page) => {
	await write(page, text);
	await page.getByRole("button", { name: "Run as this user" }).click();
	await page.getByRole("heading", { name: "Log" }).waitFor();
};

const click = (name) => async (page) => page.getByRole("button", { name }).first().click();

/** Adds an application of the catalogue. */
const added = (url) => async (page) => {
	await page.getByLabel(/^Address of the application/).fill(url);
	await page.getByLabel("Everyone who has an account here").check();
	await page.locator("form button[type=submit]").click();
	await page.getByRole("heading", { name: /^What to type at/ }).waitFor();
};

/** name, address, and what to do first. Pages of an empty office are those of the lists. */
export const adminPages = [
	["home", "/"],
	["users", "/people/users"],
	["users-selected", "/people/users", async (page) => page.getByRole("checkbox").nth(2).check()],
	["users-filtered", "/people/users?is_active=false&search=zzz"],
	["user-new", "/people/users/new"],
	["service-new", "/people/users/new-service"],
	["user", "/people/users/1"],
	["user-long", "/people/users/3"],
	["user-help", "/people/users/1?tab=help"],
	[
		"user-help-link",
		"/people/users/1?tab=help",
		async (page) => {
			await click("Make a recovery link")(page);
			await page.getByRole("img", { name: /QR code/ }).waitFor();
		},
	],
	["user-help-remove", "/people/users/1?tab=help", click("Remove Phone")],
	["user-groups", "/people/users/1?tab=groups"],
	["user-apps", "/people/users/1?tab=apps"],
	["user-sessions", "/people/users/1?tab=sessions"],
	["user-tokens", "/people/users/1?tab=tokens"],
	["user-activity", "/people/users/1?tab=activity"],
	["user-delete", "/people/users/7", async (page) => page.getByRole("button", { name: "Delete…" }).click()],
	["groups", "/people/groups"],
	["groups-tree", "/people/groups?view=tree"],
	["group-new", "/people/groups/new"],
	["group", `/people/groups/${group}`],
	["group-details", `/people/groups/${group}?tab=details`],
	["invitations", "/people/invitations"],
	["invitation", "/people/invitations/00000021-0000-7000-8000-000000000000"],
	[
		"invitation-mail",
		"/people/invitations/00000021-0000-7000-8000-000000000000",
		async (page) => {
			await click("Send by mail")(page);
			await page.getByLabel("E-mail addresses").fill("grace@office.example, ada@office.example");
		},
	],
	["invitation-over", "/people/invitations/00000021-0000-7000-8000-000000000002"],
	["invitation-new", "/people/invitations/new"],
	["invitation-new-refused", "/people/invitations/new", async (page) => page.locator("form button[type=submit]").click()],
	["apps", "/apps"],
	["catalog", "/apps/new"],
	[
		"catalog-found",
		"/apps/new",
		async (page) => {
			await page.getByLabel("Search the catalogue").fill("wiki");
			await page.getByRole("status").filter({ hasText: "2 applications" }).waitFor();
		},
	],
	[
		"catalog-nothing",
		"/apps/new",
		async (page) => {
			await page.getByLabel("Search the catalogue").fill("zzz");
			await page.getByText("The catalogue has no such application.").waitFor();
		},
	],
	["catalog-app", "/apps/new/nextcloud"],
	["catalog-app-refused", "/apps/new/wikijs", async (page) => page.locator("form button[type=submit]").click()],
	["catalog-unknown", "/apps/new/nonsense"],
	["catalog-added", "/apps/new/gitlab", added("https://gitlab.office.lan")],
	["catalog-added-tried", "/apps/new/miniflux", added("https://news.office.lan")],
	["catalog-added-long", "/apps/new/paperless-ngx", added("https://paperless.office.lan")],
	[
		"catalog-saml",
		"/apps/new/nextcloud-saml",
		async (page) => page.getByLabel(/^Address of the application/).fill("https://cloud.office.lan"),
	],
	["catalog-saml-refused", "/apps/new/kimai", async (page) => page.locator("form button[type=submit]").click()],
	["catalog-saml-added", "/apps/new/gitlab-saml", added("https://gitlab.office.lan")],
	["saml-new", "/apps/new/saml"],
	["app-new", "/apps/new/own"],
	["app-new-refused", "/apps/new/own", async (page) => page.locator("form button[type=submit]").click()],
	[
		"app-new-unfolded",
		"/apps/new/own",
		async (page) => {
			await page.getByLabel("Only people and groups that I choose").check();
			await click("Advanced")(page);
		},
	],
	["app", "/apps/nextcloud"],
	["app-warning", "/apps/gitea"],
	["app-link", "/apps/grafana"],
	["app-access", "/apps/nextcloud?tab=access"],
	["app-details", "/apps/nextcloud?tab=details"],
	["app-sign-in", "/apps/nextcloud?tab=signIn"],
	["app-preview", "/apps/nextcloud?tab=preview"],
	["app-activity", "/apps/nextcloud?tab=activity"],
	["activity", "/activity"],
	["event", `/activity/${event(237)}`],
	["settings-server", "/settings/server"],
	["settings-server-renamed", "/settings/server", async (page) => page.getByLabel("Name of the server").fill("sso.office.lan")],
	["settings-system", "/settings/system"],
	["mail", "/settings/mail"],
	[
		"mail-tried",
		"/settings/mail",
		async (page) => {
			await page.getByRole("button", { name: "Send a test mail" }).click();
			await page.getByText("Wrong name or password").first().waitFor();
		},
	],
	["certificates", "/settings/certificates"],
	["certificate-new", "/settings/certificates/new"],
	["certificate-import", "/settings/certificates/new?tab=import"],
	["certificate", `/settings/certificates/${pair}`],
	["passkeys", "/settings/passkeys"],
	["registration", "/settings/registration"],
	[
		"registration-token",
		"/settings/registration",
		async (page) => {
			await page.getByRole("button", { name: "Make it anew" }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Make it anew" }).click();
			await page.getByText("not shown again").first().waitFor();
		},
	],
	["brands", "/settings/brands"],
	["brand", `/settings/brands/${brand}`],
	["brand-new", "/settings/brands/new"],
	["backup", "/settings/backup"],
	["advanced", "/advanced"],
	["flows", "/advanced/flows"],
	["flow", "/advanced/flows/default-authentication-flow"],
	["flow-step", `${flow}?step=${step}`],
	["flow-step-when", `${flow}?step=${step}&part=policies`],
	["flow-step-how", `${flow}?step=${step}&part=settings`],
	["flow-step-new", `${flow}?step=new&model=denystage`],
	["flow-diagram", `${flow}?tab=diagram`, async (page) => page.locator("summary").click()],
	["flow-try-empty", `${flow}?tab=try`],
	[
		"flow-try",
		`${flow}?tab=try`,
		async (page) => {
			await page.getByRole("button", { name: "From where, and with what" }).click();
			await page.getByRole("button", { name: "Try as this user" }).click();
			await page.getByText("Access is denied here").waitFor();
			await page.locator("#flow-try-context.cm-content").waitFor();
		},
	],
	[
		"flow-import",
		"/advanced/flows",
		async (page) => {
			await page.getByRole("button", { name: "Import" }).click();
			await page.locator("input[type=file]").setInputFiles({ name: "flow.yaml", mimeType: "text/yaml", buffer: Buffer.from("refuse") });
			await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
			await page.getByText("Nothing was changed.").waitFor();
		},
	],
	["flow-settings", "/advanced/flows/default-authentication-flow?tab=settings"],
	["flow-bindings", "/advanced/flows/default-authentication-flow?tab=bindings"],
	["flow-new", "/advanced/flows/new"],
	["stages", "/advanced/stages"],
	["stage", `/advanced/stages/${stage}`],
	["stage-new", "/advanced/stages/new?model=userloginstage"],
	["steps", "/advanced/steps"],
	["policies", "/advanced/policies"],
	["policy", policy],
	["policy-passes", policy, tried("return True")],
	["policy-refuses", policy, tried('ak_message("Come to the office for that.")\nreturn False')],
	["policy-fails", policy, tried('# What the flow asked for\nasked = context["missing"]\nreturn bool(asked)')],
	[
		"policy-mistake",
		policy,
		async (page) => {
			await write(page, "return ip_network(");
			await page
				.getByText(/was never closed/)
				.first()
				.waitFor();
		},
	],
	[
		"policy-names",
		policy,
		async (page) => {
			await write(page, "people = request.user\nreturn people.");
			await page.keyboard.press("Control+Space");
			await page.getByRole("option", { name: /username/ }).waitFor();
			await page.waitForTimeout(150);
			await page.keyboard.press("ArrowDown");
		},
	],
	[
		"policy-context",
		policy,
		async (page) => {
			await click("Context")(page);
			await page.locator(".cm-content[id$=context]").focus();
			await page.keyboard.insertText("{");
			await click("Run as this user")(page);
		},
	],
	["policy-test", "/advanced/policies", click(/^Test default/)],
	[
		"policy-tested",
		policy,
		async (page) => {
			await page.getByRole("button", { name: "Test", exact: true }).click();
			await page.getByRole("dialog").getByRole("button", { name: "Run as this user" }).click();
			await page.getByRole("dialog").getByText("It passes.").waitFor();
		},
	],
	["policy-new", "/advanced/policies/new?model=expressionpolicy"],
	["bindings", "/advanced/bindings"],
	["binding-new", "/advanced/bindings/new"],
	["providers", "/advanced/providers"],
	["provider-new", "/advanced/providers/new?model=oauth2provider"],
	["mappings", "/advanced/mappings"],
	["mapping", "/advanced/mappings/00000009-0000-7000-8000-000000000002"],
	["mapping-run", "/advanced/mappings/00000009-0000-7000-8000-000000000002", tried('return {"groups": request.user.groups}')],
	["prompts", "/advanced/prompts"],
	["prompt", "/advanced/prompts/00000008-0000-7000-8000-000000000000"],
	["sources", "/advanced/sources"],
	["source", "/advanced/sources/authentik-built-in"],
	["tokens", "/advanced/tokens"],
	["token", "/advanced/tokens/ada-laptop"],
	["token-new", "/advanced/tokens/new?user=1"],
	["roles", "/advanced/roles"],
	["missing", "/nowhere"],
	[
		"palette",
		"/",
		async (page) => {
			await page.keyboard.press("Control+k");
			await page.waitForFunction(() => document.activeElement?.tagName === "INPUT");
			await page.keyboard.type("ada");
			await page.waitForTimeout(500);
		},
	],
];

export const portalPages = [
	["portal-apps", "/apps"],
	["portal-profile", "/profile"],
	["portal-security", "/security"],
	["portal-security-rename", "/security", click("Rename Phone")],
	["portal-security-remove", "/security", click("Remove Phone")],
	["portal-sessions", "/sessions"],
	["portal-consents", "/consents"],
	["portal-connections", "/connections"],
	["portal-tokens", "/tokens"],
	["portal-token-new", "/tokens", click("Add one")],
	["portal-session-end", "/sessions", click(/^End the session/)],
];

const lists = [
	"home",
	"users",
	"groups",
	"groups-tree",
	"apps",
	"activity",
	"certificates",
	"tokens",
	"bindings",
	"prompts",
	"roles",
	"sources",
	"user",
	"user-groups",
	"user-help",
	"invitations",
	"user-apps",
	"user-sessions",
	"user-tokens",
	"app-new",
	"palette",
];

/** The pages on which the number of rows makes a difference. */
export const isList = (name) => lists.includes(name) || (name.startsWith("portal") && !/new|end|rename|remove/.test(name));
