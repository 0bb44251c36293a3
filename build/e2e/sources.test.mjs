// Sources with other sides that are real: a second Gatehouse behind a SAML source, and another project's OpenID provider (npm oidc-provider)
// behind an OAuth source. The source stage is walked over both in Chromium: password, then the other side, then the same flow goes on. The
// other sides are at 127.0.0.1 and this one at localhost, so that the form between them crosses sites, as in an office.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";
import { admin, openHouse } from "./house.mjs";

const words = { here: "engine-of-numbers-1843", there: "compiler-of-words-1952" };
const people = { ada: "Ada Lovelace", grace: "Grace Hopper" };
const usernames = "http://schemas.goauthentik.io/2021/02/saml/username";
let here, there, op, flows;

// openOP is the OpenID provider: whoever types a name is that person.
async function openOP(redirect) {
	let serve;
	const server = createServer((req, res) => serve(req, res));
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const issuer = `http://127.0.0.1:${server.address().port}`;
	const provider = new Provider(issuer, {
		clients: [{ client_id: "gatehouse", client_secret: "a secret of the two of them", redirect_uris: [redirect], token_endpoint_auth_method: "client_secret_post" }],
		claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "nickname", "preferred_username"] },
		findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, email: `${sub}@office.test`, email_verified: true, name: people[sub], nickname: sub }) }),
		cookies: { keys: ["for a test alone"] },
	});
	provider.on("server_error", (_, problem) => console.error(problem));
	serve = provider.callback();
	return { issuer, close: () => server.close() };
}

before(async () => {
	[here, there] = await Promise.all([
		openHouse("sources", { env: { GATEHOUSE_OUTGOING__ALLOW: "127.0.0.1" } }), openHouse("sources-other", { host: "127.0.0.1", pages: false }),
	]);
	op = await openOP(`${here.base}/source/oauth/callback/accounts/`);
	for (const [username, name] of Object.entries(people)) {
		await here.add({ username, name, email: `${username}@office.test`, password: words.here });
		await there.add({ username, name, email: `${username}@office.test`, password: words.there });
	}
	flows = Object.fromEntries((await here.api("GET", "flows/instances/?page_size=100")).results.map((f) => [f.slug, f.pk]));

	const [key, implicit, mappings] = await Promise.all([
		there.one("crypto/certificatekeypairs/?has_key=true"), there.one("flows/instances/?slug=default-provider-authorization-implicit-consent"), there.api("GET", "propertymappings/saml/"),
	]);
	const made = await there.api("POST", "providers/saml/", {
		name: "here", authorization_flow: implicit.pk, acs_url: `${here.base}/source/saml/branch/acs/`, audience: `${here.base}/source/saml/branch/metadata/`, issuer: `${there.base}/saml`, sp_binding: "post",
		signing_kp: key.pk, property_mappings: mappings.results.map((m) => m.pk),
	});
	await there.api("POST", "core/applications/", { name: "Here", slug: "here", provider: made.pk });
	const { metadata } = await there.api("GET", `providers/saml/${made.pk}/metadata/`);
	await here.api("POST", "gatehouse/sources/saml/import/", { name: "The branch", slug: "branch", metadata });
	const beyond = await here.api("GET", "gatehouse/sources/saml/branch/beyond/");
	assert.equal(beyond.idp_entity_id, `${there.base}/saml`);
	await here.api("PUT", "gatehouse/sources/saml/branch/beyond/", { ...beyond, username_attribute: usernames });
	await here.api("PATCH", "sources/saml/branch/", { user_matching_mode: "username_link" });
	await here.api("POST", "sources/oauth/", {
		name: "Accounts", slug: "accounts", provider_type: "openidconnect", consumer_key: "gatehouse", consumer_secret: "a secret of the two of them", oidc_well_known_url: `${op.issuer}/.well-known/openid-configuration`,
		user_matching_mode: "username_link", authentication_flow: flows["default-source-authentication"], enrollment_flow: flows["default-source-enrollment"],
	});
});
after(async () => {
	op?.close();
	await Promise.all([here?.close(), there?.close()]);
});

// password signs in here as far as the other side.
async function password(page) {
	await page.route("https://fonts.googleapis.com/**", (route) => route.abort()); // of the OpenID provider's pages
	await here.signIn(page, { username: "ada", password: words.here });
}

const sides = {
	branch: {
		kind: "saml", back: "/source/saml/branch/acs/",
		at: () => there.base,
		async enter(page, who) {
			await page.waitForURL((url) => url.origin === there.base);
			await page.getByLabel("E-mail address or username").fill(who);
			await page.getByRole("button", { name: "Log in" }).click();
			await page.getByLabel("Password", { exact: true }).fill(words.there);
			await page.getByRole("button", { name: "Continue" }).click();
		},
		refusal: "another browser",
	},
	accounts: {
		kind: "oauth", back: "/source/oauth/callback/accounts/",
		at: () => op.issuer,
		async enter(page, who) {
			await page.waitForURL((url) => url.origin === op.issuer);
			await page.locator("input[name=login]").fill(who);
			await page.locator("input[name=password]").fill("whatever");
			await page.locator("button[type=submit]").click();
			await page.getByRole("button", { name: "Continue" }).click();
		},
		refusal: "State check failed",
	},
};

for (const [slug, side] of Object.entries(sides)) {
	test(`the source stage over ${slug}`, async (t) => {
		const source = await here.api("GET", `sources/${side.kind}/${slug}/`);
		const stage = await here.api("POST", "stages/source/", { name: `away to ${slug}`, source: source.pk, resume_timeout: "minutes=10" });
		const binding = await here.api("POST", "flows/bindings/", { target: flows["default-authentication-flow"], stage: stage.pk, order: 25 });
		t.after(() => here.api("DELETE", `flows/bindings/${binding.pk}/`, undefined, 204));

		// Password, the other side, and the same flow goes on. Until then nobody is signed in, and an empty answer leads nowhere.
		let page = await here.page();
		await password(page);
		await page.waitForURL((url) => url.origin === side.at());
		const executor = `${here.base}/api/v3/flows/executor/default-authentication-flow/?query=${encodeURIComponent("next=/if/user/")}`;
		const { value: csrf } = (await page.context().cookies(here.base)).find((c) => c.name === "authentik_csrf");
		const empty = await page.context().request.post(executor, { data: {}, headers: { "X-authentik-CSRF": csrf } });
		assert.match((await empty.json()).to, new RegExp(`^/source/${side.kind}/`));
		assert.equal(await here.me(page), undefined);
		await side.enter(page, "ada");
		await page.waitForURL(`${here.base}/if/user/**`);
		assert.equal(await here.me(page), "ada");
		await page.context().close();

		// Somebody else's account at the other side.
		page = await here.page();
		await password(page);
		await side.enter(page, "grace");
		await page.getByText("has been denied").waitFor();
		assert.equal(await here.me(page), undefined);
		await page.context().close();

		// What the other side says to one browser counts in no other, also not in one that waits for the same.
		page = await here.page();
		const second = await here.page();
		await password(page);
		await password(second);
		await second.waitForURL((url) => url.origin === side.at());
		const taken = page.waitForRequest((r) => r.url().startsWith(here.base + side.back));
		await page.route(`${here.base}${side.back}`, (route) => route.fulfill({ body: "stopped" })); // a form; what follows a redirect can't be stopped
		await side.enter(page, "ada");
		const stolen = await taken;
		const form = stolen.method() === "POST" ? Object.fromEntries(new URLSearchParams(stolen.postData())) : undefined;
		const got = form ? await second.context().request.post(stolen.url(), { form }) : await second.context().request.get(stolen.url());
		assert.equal(got.status(), 400);
		assert.match(await got.text(), new RegExp(side.refusal));
		assert.equal(await here.me(second), undefined);
		await page.context().close();
		await second.context().close();

		// Too long away: the flow begins anew.
		await here.api("PATCH", `stages/source/${stage.pk}/`, { resume_timeout: "seconds=0" });
		page = await here.page();
		await password(page);
		await side.enter(page, "ada");
		await page.waitForURL(`${here.base}/if/flow/default-authentication-flow/**`);
		await page.getByLabel("E-mail address or username").waitFor();
		assert.equal(await here.me(page), undefined);
		await page.context().close();

		const links = (await here.api("GET", `sources/user_connections/${side.kind}/`)).results;
		assert.deepEqual(links.map((c) => [c.source.slug, c.user]), [[slug, (await here.user("ada")).pk]]);
		here.quiet(`${op.issuer}/`);
	});
}

// direct signs in as ada over the branch, and says where that ended.
async function direct() {
	const page = await here.page();
	await page.goto(`${here.base}/source/saml/branch/`);
	await sides.branch.enter(page, "ada");
	await page.waitForURL((url) => url.origin === here.base && (url.pathname.startsWith("/if/user/") || url.pathname === sides.branch.back));
	const who = await here.me(page);
	const said = who ? "" : await page.locator("body").innerText();
	await page.context().close();
	return who ?? said;
}

test("the other side changes its certificate, and with both of them chosen in the window nobody is kept out", async (t) => {
	const provider = await there.one("providers/saml/");
	const next = await there.api("POST", "crypto/certificatekeypairs/generate/", { common_name: "next.branch.test", validity_days: 90 }, 200);
	const { data } = await there.api("GET", `crypto/certificatekeypairs/${next.pk}/view_certificate/`);
	const kept = await here.api("POST", "crypto/certificatekeypairs/", { name: "The branch, next", certificate_data: data });
	const signsWith = (pk) => there.api("PATCH", `providers/saml/${provider.pk}/`, { signing_kp: pk });
	t.after(() => signsWith(provider.signing_kp));
	await signsWith(next.pk);
	assert.match(await direct(), /certificate/, "nobody chose the new one yet");

	const page = await here.page();
	await here.signIn(page, admin);
	await page.waitForURL(`${here.base}/if/user/**`);
	await page.goto(`${here.base}/if/admin/#/advanced/sources/branch`);
	const field = page.getByRole("combobox", { name: "Further certificates of the other side" }).or(page.getByLabel("Further certificates of the other side")).first();
	await field.click();
	await page.getByRole("option", { name: "The branch, next" }).click();
	await page.keyboard.press("Escape");
	await here.shot(page, "source-further");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("The settings are saved.").waitFor();
	await page.getByText(/CN=next.branch.test/).waitFor();
	assert.equal(await page.getByText("Verification: the other side signs answers with it").count(), 2);
	assert.deepEqual((await here.api("GET", "gatehouse/sources/saml/branch/beyond/")).further_verification_kps, [kept.pk]);
	assert.equal(await direct(), "ada", "the new one");
	await signsWith(provider.signing_kp);
	assert.equal(await direct(), "ada", "the old one");

	// Afterwards it goes again.
	await page.reload();
	await field.press("Backspace");
	await page.getByRole("button", { name: "Save" }).click();
	await page.getByText("The settings are saved.").waitFor();
	assert.deepEqual((await here.api("GET", "gatehouse/sources/saml/branch/beyond/")).further_verification_kps, []);
	await page.context().close();
	here.quiet();
});

test("the window shows what the other side has to know, and why a message was refused", async () => {
	const page = await here.page();
	await here.signIn(page, admin);
	await page.waitForURL(`${here.base}/if/user/**`);
	await page.goto(`${here.base}/if/admin/#/advanced/sources/branch`);
	const log = page.getByRole("log");
	await log.getByText("another browser").first().waitFor();
	await page.getByText(`${here.base}/source/saml/branch/acs/`, { exact: true }).waitFor();
	await page.getByText(/^Until /).first().waitFor();
	await here.shot(page, "source-saml");
	await page.goto(`${here.base}/if/admin/#/advanced/sources/accounts`);
	await page.getByRole("log").getByText("State check failed.").first().waitFor();
	await here.shot(page, "source-oauth", [1280]);
	await page.goto(`${here.base}/if/admin/#/advanced/sources`);
	await page.getByRole("button", { name: "SAML from metadata" }).click();
	await page.getByLabel("Name").fill("Büro Süd");
	await page.getByLabel("Address of the metadata").fill(`${there.base}/none`);
	await page.getByRole("button", { name: "Add the source" }).click();
	await page.getByText("The identity provider answered with 404").waitFor();
	await here.shot(page, "source-import", [1280]);
	await page.getByLabel("Address of the metadata").fill("");
	const { pk } = await there.one("providers/saml/");
	const { metadata } = await there.api("GET", `providers/saml/${pk}/metadata/`);
	await page.locator("input[type=file]").setInputFiles({ name: "idp.xml", mimeType: "application/xml", buffer: Buffer.from(metadata) });
	await page.getByRole("button", { name: "Add the source" }).click();
	await page.waitForURL(`${here.base}/if/admin/#/advanced/sources/buro-sud`);
	await page.getByText(`${here.base}/source/saml/buro-sud/acs/`, { exact: true }).waitFor();
	here.quiet();
});
