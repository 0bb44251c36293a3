// The main job, as people do it: the first-run wizard, an admin, a person and three applications; then those who are refused. Browser
// and applications are in the office's namespace and reach the server by its name with its own authority; certificate errors are fatal.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { record } from "./answers.mjs";
import { openBrowser } from "./lan/browser.mjs";
import { startGo, startNode, startProxy, startThird } from "./rp/start.mjs";
import { signIn, signedInAs } from "./rp/third/third.mjs";

const { WORK: work, OUT: out, GORP: program, THIRD: third, SERVER_LOG: serverLog } = process.env;
const name = "login.office.test";
const base = `https://${name}:9443`;
const caFile = join(work, "ca.pem");
const admin = { username: "grace", name: "Grace Hopper", email: "grace@office.test", password: "nanoseconds-of-wire" };
const ada = { username: "ada", name: "Ada Lovelace", email: "ada@office.test", password: "notes-on-the-engine" };
let browser;
let office; // the admin's browser context
let recorded; // ends the record of the API's answers

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// shot keeps a picture of a page, and holds the page to WCAG 2.2 AA.
async function shot(page, title) {
	await page.screenshot({ path: join(out, `${title}.png`), fullPage: true });
	if (page.url().includes("news.office.test")) return; // the pages of other people's products are theirs
	await page.evaluate(axe);
	const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
	const told = found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`);
	assert.equal(told.join("\n"), "", `axe on ${title} (${page.url()})`);
}

async function until(what, condition) {
	for (let i = 0; i < 200; i++) {
		const got = await condition();
		if (got) return got;
		await sleep(50);
	}
	throw new Error(`${what} did not happen`);
}

before(async () => {
	const home = join(work, "home");
	mkdirSync(home);
	await until("the server's start", () => /not set up yet/.test(readFileSync(serverLog, "utf8")));
	const answer = await fetch("http://10.77.0.1:9000/trust/ca.pem");
	assert.equal(answer.status, 200);
	writeFileSync(caFile, await answer.text());
	execFileSync(fileURLToPath(new URL("lan/trust.sh", import.meta.url)), [home, caFile]);
	browser = await openBrowser(home);
	recorded = record(browser, join(work, "answers.jsonl"));
	office = await browser.newContext({ viewport: { width: 1280, height: 900 } });
});
after(async () => {
	// What the answers are held to: the description that this server serves.
	const description = await asAdmin((page) => change(page, "GET", "schema/?format=json"));
	writeFileSync(join(work, "description.json"), JSON.stringify(description));
	await recorded();
	await browser?.close();
});

test("nothing but the wizard answers, and only to who has its link", async () => {
	const page = await office.newPage();
	for (const path of ["/", "/if/admin/", "/if/flow/initial-setup/", "/api/v3/core/users/", "/setup/", "/setup/?t=wrong", "/application/o/token/"]) {
		const got = await page.goto(`https://10.77.0.1:9443${path}`);
		assert.equal(got.status(), 503, path);
	}
	await page.goto("https://10.77.0.1:9443/");
	await shot(page, "setup-closed");
	await page.close();
});

test("the wizard", async () => {
	const link = readFileSync(serverLog, "utf8").match(/https:\/\/10\.77\.0\.1:9443\/setup\/\?t=[\w-]+/)[0];
	const page = await office.newPage();
	await page.goto(link);
	assert.equal(page.url(), "https://10.77.0.1:9443/setup/");
	await shot(page, "setup-office");
	await page.getByLabel("Name of the office").fill("Example Office");
	await page.getByRole("button", { name: "Next" }).click();
	await page.getByLabel("Username").fill(admin.username);
	await page.getByLabel("Full name").fill(admin.name);
	await page.getByLabel("E-mail address").fill(admin.email);
	await page.locator("[name=password]").fill(admin.password);
	await page.locator("[name=password_repeat]").fill("something else");
	await page.getByRole("button", { name: "Next" }).click();
	assert.match(await page.textContent("main"), /two passwords are not the same/);
	await shot(page, "setup-admin");
	await page.locator("[name=password]").fill(admin.password);
	await page.locator("[name=password_repeat]").fill(admin.password);
	await page.getByRole("button", { name: "Next" }).click();
	await page.locator("[name=server_name]").fill("10.77.0.1");
	await page.getByRole("button", { name: "Next" }).click();
	assert.match(await page.textContent("main"), /name with a dot/);
	await page.locator("[name=server_name]").fill(name);
	assert.ok(await page.locator("[name=admin_on_lan]").isChecked());
	await shot(page, "setup-name");
	await page.getByRole("button", { name: "Next" }).click();
	await shot(page, "setup-https");
	await page.getByRole("button", { name: "Finish" }).click();
	await page.getByText("Gatehouse is ready").waitFor();
	await shot(page, "setup-done");
	assert.match(await page.textContent("main"), new RegExp(base));
	// The link works no more, for nobody.
	const stranger = await browser.newContext();
	const other = await stranger.newPage();
	await other.goto(`https://${name}:9443/setup/?t=${new URL(link).searchParams.get("t")}`);
	assert.doesNotMatch(other.url(), /setup/);
	for (const path of ["/if/flow/initial-setup/", "/api/v3/flows/executor/initial-setup/"]) {
		assert.equal((await other.goto(base + path)).status(), 404, path);
	}
	assert.equal((await other.goto("https://10.77.0.1:9443/").catch(() => null))?.status() ?? 421, 421);
	await stranger.close();
	await page.close();
});

async function atGatehouse(page, who) {
	await page.locator("[name=uid_field]").fill(who.username);
	await page.locator("[name=uid_field]").press("Enter");
	await page.locator("[name=password]").fill(who.password);
	await page.locator("[name=password]").press("Enter");
}

test("the admin signs in and adds a person and an application", async () => {
	const page = await office.newPage();
	await page.goto(`${base}/if/admin/`);
	await page.locator("[name=uid_field]").waitFor();
	await shot(page, "sign-in");
	await atGatehouse(page, admin);
	await page.waitForURL(/\/if\/admin\//);
	await page.getByRole("heading").first().waitFor();
	await shot(page, "admin-home");

	await page.goto(`${base}/if/admin/#/people/users/new`);
	await page.getByLabel("User name").fill(ada.username);
	await page.getByLabel("Name", { exact: true }).fill(ada.name);
	await page.getByLabel("E-mail", { exact: true }).fill(ada.email);
	await shot(page, "admin-user-new");
	await page.getByRole("button", { name: /^(Save|Add|Create)/ }).first().click();
	await page.waitForURL(/#\/people\/users\/\d+/);
	await shot(page, "admin-user");
	ada.pk = Number(page.url().match(/users\/(\d+)/)[1]);
	await change(page, "POST", `core/users/${ada.pk}/set_password/`, { password: ada.password });

	await page.goto(`${base}/if/admin/#/apps/new`);
	await page.getByRole("button", { name: "Another application" }).click();
	await page.getByLabel("Redirect URIs").waitFor();
	await page.getByLabel(/^Name/).first().fill("Wiki");
	await page.getByLabel("Redirect URIs").fill("http://app1.office.test:8081/callback\nhttp://app1.office.test:8081/signed-out");
	await page.getByLabel("Everyone who has an account here").check();
	await page.locator("main").getByRole("button", { name: /^Advanced/ }).click();
	await page.getByLabel("Ask people for their consent").focus();
	await page.keyboard.press("Space");
	await shot(page, "admin-app-new");
	await page.getByRole("button", { name: /^(Save|Add|Create)/ }).first().click();
	await page.waitForURL(/#\/apps\/wiki/);
	await page.getByText("Values for the other side").waitFor();
	assert.match(await page.textContent("main"), /https:\/\/login\.office\.test:9443\/application\/o\/wiki\//);
	await shot(page, "admin-app");
	await page.close();
});

test("every page of the admin GUI is usable by everybody (axe, WCAG 2.2 AA), with what the server really holds", async () => {
	const page = await office.newPage();
	await page.goto(`${base}/if/admin/`);
	const first = async (path) => (await change(page, "GET", `${path}/?page_size=1`)).results[0].pk;
	const [event, brand, pair, group] = [await first("events/events"), await first("core/brands").catch(() => ""), await first("crypto/certificatekeypairs"), await first("core/groups")];
	const brandUUID = brand || (await change(page, "GET", "core/brands/")).results[0].brand_uuid;
	for (const address of [
		"/", "/people/users", `/people/users/${ada.pk}`, `/people/users/${ada.pk}?tab=apps`, `/people/users/${ada.pk}?tab=activity`, "/people/users/new", "/people/users/new-service",
		"/people/groups", "/people/groups/new", `/people/groups/${group}`, "/apps", "/apps/new", "/apps/new/grafana", "/apps/wiki?tab=access", "/apps/wiki?tab=details", "/apps/wiki?tab=signIn", "/activity", `/activity/${event}`,
		"/settings/server", "/settings/system", "/settings/certificates", `/settings/certificates/${pair}`, "/settings/brands", `/settings/brands/${brandUUID}`, "/settings/backup",
		"/advanced", "/advanced/flows", "/advanced/flows/default-authentication-flow", "/advanced/stages", "/advanced/policies", "/advanced/bindings", "/advanced/providers",
	]) {
		await page.goto("about:blank");
		await page.goto(`${base}/if/admin/#${address}`);
		await page.waitForFunction(() => document.querySelector("h1") && !document.querySelector("[aria-busy=true], .mantine-Skeleton-root"));
		await shot(page, `page${address.replaceAll(/[^a-z]+/g, "-")}`);
	}
	await page.close();
});

test("the admin writes a policy: names are offered, a mistake is marked, and it is run as a person before and after it is saved", async () => {
	const page = await office.newPage();
	await page.goto(`${base}/if/admin/#/advanced/policies/new?model=expressionpolicy`);
	await page.getByLabel("Name", { exact: false }).first().fill("ada-only");
	const write = async (text) => {
		await page.locator("#field-expression.cm-content").focus();
		await page.keyboard.press("Control+a");
		await page.keyboard.insertText(text);
	};
	await write("return request.user.us");
	await page.keyboard.press("Control+Space");
	await page.getByRole("option", { name: /^username/ }).waitFor();
	await shot(page, "expression-names");
	await page.keyboard.press("Escape");
	await write("if request.user.username:\nreturn True");
	await page.getByRole("button", { name: /^Line 2: / }).waitFor();
	await shot(page, "expression-mistake");

	// Run as Ada: first one that goes wrong, then one that is right. Nothing of it is recorded.
	const recorded = async () => (await change(page, "GET", "events/events/?page_size=1")).pagination.count;
	const before = await recorded();
	await page.getByRole("combobox", { name: "User" }).fill(ada.username);
	await page.getByRole("option", { name: new RegExp(ada.username) }).click();
	await write('asked = request.user.username\nreturn context["nothing"]');
	await page.getByRole("button", { name: "Run as this user" }).click();
	const outcome = page.getByRole("status").filter({ hasText: "It ended with an error." });
	await outcome.getByText("KeyError: 'nothing'").waitFor();
	await outcome.getByRole("button", { name: "Go to line 2" }).waitFor();
	await shot(page, "expression-error");
	await write('ak_logger.info("asked", who=request.user.username)\nak_message("Hello, Ada.")\nreturn request.user.username == "ada"');
	await page.getByRole("button", { name: "Run as this user" }).click();
	await page.getByRole("status").filter({ hasText: "It passes." }).getByText("Hello, Ada.").waitFor();
	await page.getByRole("list", { name: "Log" }).getByText("asked").waitFor();
	await shot(page, "expression-run");
	assert.equal(await recorded(), before, "a test run is no event");

	await page.getByRole("button", { name: "Create" }).click();
	await page.waitForURL(/#\/advanced\/policies\/[\w-]{36}/);
	await page.getByRole("button", { name: "Test", exact: true }).click();
	const dialog = page.getByRole("dialog", { name: "Test ada-only" });
	await dialog.getByRole("button", { name: "Run as this user" }).click();
	await dialog.getByText("It does not pass.").waitFor();
	await dialog.getByText("asked").waitFor();
	await shot(page, "expression-test");
	await page.close();
});

// change asks the API with the admin's session, as the admin's page does.
function change(page, method, path, body) {
	return page.evaluate(
		async ([method, path, body]) => {
			const csrf = document.cookie.match(/authentik_csrf=([^;]+)/)?.[1] ?? "";
			const res = await fetch(`/api/v3/${path}`, {
				method,
				headers: { "content-type": "application/json", "X-authentik-CSRF": csrf },
				body: body && JSON.stringify(body),
			});
			const text = await res.text();
			if (!res.ok) throw new Error(`${method} ${path}: ${res.status} ${text}`);
			return text ? JSON.parse(text) : null;
		},
		[method, path, body],
	);
}

async function asAdmin(what) {
	const page = await office.newPage();
	await page.goto(`${base}/if/admin/`);
	try {
		return await what(page);
	} finally {
		await page.close();
	}
}

async function values(slug) {
	const app = await asAdmin((page) => change(page, "GET", `gatehouse/applications/${slug}/`));
	return Object.fromEntries(app.values.map((v) => [v.id, v.value]));
}

async function addApp(body) {
	await asAdmin((page) => change(page, "POST", "gatehouse/applications/", body));
	return values(body.slug);
}

const starts = {
	gorp: { slug: "wiki", port: 8081, start: (s) => startGo({ program, ...s }) },
	noderp: { slug: "board", port: 8082, start: startNode, alg: "ES256" },
};
for (const [rpName, { slug, port, start, alg }] of Object.entries(starts)) {
	test(`a person signs in to ${rpName}, refreshes and signs out`, async () => {
		const redirect = `http://app1.office.test:${port}/callback`;
		if (slug !== "wiki") {
			await addApp({
				name: "Board", slug, redirect_uris: `${redirect}\nhttp://app1.office.test:${port}/signed-out`, access: "everyone", consent: true, signing: "es256",
			});
		}
		const v = await values(slug);
		const rp = await start({
			issuer: v.issuer, "client-id": v.client_id, "client-secret": v.client_secret, listen: `10.77.0.2:${port}`, "redirect-url": redirect, caFile,
			scopes: "openid email profile offline_access", ...(alg ? { alg } : {}),
		});
		const person = await browser.newContext();
		const page = await person.newPage();
		try {
			await page.goto(rp.url);
			await page.click("#login");
			await page.locator("[name=uid_field]").waitFor();
			await atGatehouse(page, ada);
			await page.getByRole("button", { name: "Allow" }).waitFor();
			await shot(page, `consent-${rpName}`);
			await page.getByRole("button", { name: "Allow" }).click();
			await page.waitForURL(`${rp.url}`);
			assert.equal(await page.textContent("#status"), "Signed in", await page.textContent("body"));
			assert.equal(await page.textContent("#username"), ada.username);
			assert.equal(await page.textContent("#email"), ada.email);
			await page.click("#refresh");
			assert.equal(await page.textContent("#status"), "Signed in", await page.textContent("body"));
			await page.click("#logout");
			await page.waitForURL(rp.url);
			assert.equal(await page.textContent("#status"), "Signed out");
			// The session at Gatehouse ended too: the next sign-in asks again.
			await page.click("#login");
			await page.locator("[name=uid_field]").waitFor();
		} finally {
			await person.close();
			await rp.stop();
		}
	});
}

test("a person signs in to Miniflux, a product of others", async () => {
	const url = "http://news.office.test:8083";
	// As the catalogue says that it is added; what it says to type is what the program is started with.
	const v = await addApp({ name: "News", slug: "news", template: "miniflux", url, access: "everyone" });
	assert.equal(v.redirect, `${url}/oauth2/oidc/callback`);
	const rp = await startThird({
		dir: third, issuer: v.issuer, "client-id": v.client_id, "client-secret": v.client_secret, listen: "10.77.0.2:8083", url, caFile,
	});
	const person = await browser.newContext();
	const page = await person.newPage();
	try {
		const who = await signIn(page, { url, atProvider: (p) => atGatehouse(p, ada) });
		assert.equal(who, ada.username, rp.log());
		await shot(page, "third");
		assert.equal(await signedInAs(page, url), ada.username);
	} finally {
		await person.close();
		await rp.stop();
	}
});

test("a person signs in to an application behind OAuth2 Proxy, another product of others", async () => {
	const url = "http://intranet.office.test:8086";
	const v = await addApp({ name: "Intranet", slug: "intranet", template: "oauth2-proxy", url, access: "everyone" });
	assert.equal(v.redirect, `${url}/oauth2/callback`);
	// The application behind it knows no sign-in: it shows what the proxy says.
	const behind = createServer((req, res) => res.end(`name ${req.headers["x-forwarded-preferred-username"]}, mail ${req.headers["x-forwarded-email"]}`));
	await new Promise((resolve) => behind.listen(0, "127.0.0.1", resolve));
	const rp = await startProxy({
		dir: third, issuer: v.issuer, "client-id": v.client_id, "client-secret": v.client_secret, listen: "10.77.0.2:8086", url, caFile,
		upstream: `http://127.0.0.1:${behind.address().port}/`,
	});
	const person = await browser.newContext();
	const page = await person.newPage();
	try {
		await page.goto(url);
		assert.doesNotMatch(await page.textContent("body"), /name ada/);
		await page.goto(`${url}/oauth2/start?rd=%2F`);
		await atGatehouse(page, ada);
		await page.waitForURL(`${url}/`);
		assert.equal(await page.textContent("body"), `name ${ada.username}, mail ${ada.email}`, rp.log());
	} finally {
		await person.close();
		await rp.stop();
		behind.close();
	}
});

test("the portal shows the person's applications", async () => {
	const person = await browser.newContext({ viewport: { width: 1280, height: 900 } });
	const page = await person.newPage();
	await page.goto(`${base}/`);
	await atGatehouse(page, ada);
	await page.getByText("Board").first().waitFor();
	await shot(page, "portal");
	// Her pages, not the admin's.
	const got = await page.goto(`${base}/if/admin/`);
	assert.equal(got.status(), 403);
	await shot(page, "admin-refused");
	await person.close();
});

test("who has no access, and who is switched off, are refused by a page that says why", async () => {
	const v = await addApp({ name: "Payroll", slug: "payroll", redirect_uris: "http://app2.office.test:8084/callback", access: "chosen", users: [(await asAdmin((page) => change(page, "GET", "core/users/me/"))).user.pk] });
	const rp = await startGo({ program, issuer: v.issuer, "client-id": v.client_id, "client-secret": v.client_secret, listen: "10.77.0.2:8084", "redirect-url": "http://app2.office.test:8084/callback", caFile });
	const person = await browser.newContext();
	const page = await person.newPage();
	try {
		await page.goto(rp.url);
		await page.click("#login");
		await atGatehouse(page, ada);
		await page.getByText("Payroll").first().waitFor();
		assert.match(await page.textContent("main"), /no access to Payroll/);
		assert.equal(new URL(page.url()).origin, base, "no redirect to the application");
		await shot(page, "refused-access");
		await asAdmin((p) => change(p, "PATCH", `core/users/${ada.pk}/`, { is_active: false }));
		await page.context().clearCookies();
		await page.goto(rp.url);
		await page.click("#login");
		await atGatehouse(page, ada);
		await shot(page, "refused-inactive");
		assert.match(await page.textContent("main"), /switched off|inactive|Invalid password|Failed/i);
	} finally {
		await person.close();
		await rp.stop();
	}
});
