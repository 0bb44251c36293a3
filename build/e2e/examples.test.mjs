// The example blueprints of the release, walked in Chromium to the end of every flow that they make: sign-up, sign-up with a mail, a
// forgotten password, a second factor, a captcha for who failed too often, and leaving. Applied as an admin applies them, against a server
// of its own. Mail goes to a server of this file, and so does the captcha. Screenshots go to build/bin/e2e. PROGRAM names another server
// program, which has to have the pages in it.
//
//	node --test build/e2e/examples.test.mjs

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, afterEach, before, test } from "node:test";
import { openHouse, openPost, otp, steady } from "./house.mjs";

const examples = [
	"flows-enrollment-2-stage", "flows-enrollment-email-verification", "flows-login-2fa", "flows-login-conditional-captcha",
	"flows-recovery-email-verification", "flows-unenrollment", "sources-google-ldap-mappings",
];
const ada = { username: "ada", name: "Ada Lovelace", email: "ada@office.test", password: "notes-on-the-engine" };
const bob = { username: "bob", name: "Bob", email: "bob@office.test", password: "bricks-and-mortar-1" };
let house;
let post; // where mails arrive
let service; // says who is a person
const asked = []; // what the service was asked
const shot = (page, title, how) => house.shot(page, `example-${title}`, undefined, how);

// apply is what an admin does with an example: once more changes nothing, which the tests of the server hold.
async function apply(name) {
	const { pk } = await house.api("POST", "managed/blueprints/", { name: `try ${name}`, path: `example/${name}.yaml` });
	assert.equal((await house.api("POST", `managed/blueprints/${pk}/apply/`, undefined, 200)).status, "successful");
}

const start = (slug, next = "/if/user/") => `${house.base}/if/flow/${slug}/?next=${next}`;

// linkIn gives the link of a mail.
const linkIn = (mail) => house.here(mail.text.match(/https:\/\/login\.office\.test\S*flow_token=[^\s)]+/)[0]);

// widget is a script like those of captcha services: it draws a box to tick, which gives an answer.
const widget = `window.turnstile = { render(box, o) {
	const tick = Object.assign(document.createElement("button"), { type: "button", textContent: "I am a person" });
	tick.addEventListener("click", () => o.callback(o.sitekey + ":solved"));
	box.append(tick);
} };`;

before(async () => {
	post = await openPost();
	service = createServer((req, res) => {
		if (req.method === "GET") {
			res.writeHead(200, { "content-type": "text/javascript" }).end(widget);
			return;
		}
		let body = "";
		req.on("data", (d) => {
			body += d;
		}).on("end", () => {
			const answer = new URLSearchParams(body);
			asked.push(Object.fromEntries(answer));
			const good = answer.get("response").endsWith(":solved") && asked.length > 1; // the first one comes too late
			res.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(good ? { success: true } : { success: false, "error-codes": ["timeout-or-duplicate"] }));
		});
	});
	await new Promise((done) => service.listen(0, "127.0.0.1", done));
	house = await openHouse("examples", { env: {
		GATEHOUSE_EMAIL__HOST: "127.0.0.1", GATEHOUSE_EMAIL__PORT: String(post.port), GATEHOUSE_EMAIL__USE_TLS: "false", GATEHOUSE_EMAIL__FROM: "Gatehouse <gatehouse@office.test>",
		GATEHOUSE_OUTGOING__ALLOW: "127.0.0.1",
	} });
	await house.add(ada);
});
afterEach(() => house.quiet());
after(async () => {
	await house?.close();
	post?.close();
	service?.close();
});

test("every example of the release is walked here", async () => {
	const there = (await house.api("GET", "managed/blueprints/available/")).map((one) => one.path).filter((path) => path.startsWith("example/"));
	assert.deepEqual(there.sort(), examples.map((name) => `example/${name}.yaml`));
});

test("sign-up in two steps, with the keyboard alone", async () => {
	await apply("flows-enrollment-2-stage");
	const flow = await house.api("GET", "flows/instances/default-enrollment-flow/");
	const stage = await house.one("stages/identification/?name=default-authentication-identification");
	await house.api("PATCH", `stages/identification/${stage.pk}/`, { enrollment_flow: flow.pk });

	const page = await house.page();
	const keys = page.keyboard;
	const at = () => page.evaluate(() => document.activeElement.name || document.activeElement.textContent.trim());
	await page.goto(start("default-authentication-flow"));
	for (let i = 0; (await at()) !== "Need an account? Sign up."; i++) {
		assert.ok(i < 8, "the link to sign up is not reached with the Tab key");
		await keys.press("Tab");
	}
	await keys.press("Enter");
	await page.waitForURL(/default-enrollment-flow/);
	assert.equal(await at(), "username");
	await shot(page, "enrolment-first");
	await keys.type("emma");
	await keys.press("Tab");
	await keys.type("emma-enrolled-1");
	for (let i = 0; (await at()) !== "password_repeat"; i++) {
		assert.ok(i < 3, "the second password is not reached with the Tab key");
		await keys.press("Tab");
	}
	await keys.type("emma-enrolled-2");
	await keys.press("Enter");
	await page.locator("[aria-invalid=true], .errors").first().waitFor();
	await shot(page, "enrolment-differ");
	await keys.press("Escape");
	for (const field of ["password", "password_repeat"]) {
		await page.locator(`[name=${field}]`).focus();
		await keys.type("emma-enrolled-1");
	}
	await keys.press("Enter");
	await page.locator("[name=email]").waitFor();
	assert.equal(await at(), "name");
	await shot(page, "enrolment-second");
	await keys.type("Emma Example");
	await keys.press("Tab");
	await keys.type("emma@office.test");
	await keys.press("Enter");
	await page.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(page), "emma");
	const made = await house.user("emma");
	assert.deepEqual([made.name, made.email, made.is_active], ["Emma Example", "emma@office.test", true]);

	// The name is taken from now on, which the page says at the field.
	const twin = await house.page();
	await twin.goto(start("default-enrollment-flow"));
	await twin.locator("[name=username]").fill("emma");
	for (const field of ["password", "password_repeat"]) await twin.locator(`[name=${field}]`).fill("emma-enrolled-1");
	await twin.locator("button.primary").click();
	await twin.locator("[name=username][aria-invalid=true]").waitFor();
	await shot(twin, "enrolment-taken");
	await twin.context().close();
	await page.context().close();
});

test("sign-up with a mail, without JavaScript, the link opened on a phone", async () => {
	await apply("flows-enrollment-email-verification");
	const page = await house.page({ javaScriptEnabled: false });
	await page.goto(start("default-enrollment-flow"));
	await page.locator("[name=username]").fill("fred");
	for (const field of ["password", "password_repeat"]) await page.locator(`[name=${field}]`).fill("fred-enrolled-1");
	await page.locator("button.primary").click();
	await page.locator("[name=name]").fill("Fred Example");
	await page.locator("[name=email]").fill("fred@office.test");
	await page.locator("button.primary").click();
	await page.getByText("A mail is on its way.").waitFor();
	await shot(page, "verification-sent", { script: false });
	assert.equal((await house.user("fred")).is_active, false);
	const mail = await post.mail(1);
	assert.deepEqual(mail.to, ["fred@office.test"]);
	await page.getByRole("button", { name: "Send the mail again" }).click();
	await page.getByText("The mail was sent once more.").waitFor();
	const again = await post.mail(2);

	// Who could not sign in yet is told why.
	const early = await house.page();
	await house.signIn(early, { username: "fred", password: "fred-enrolled-1" });
	await early.locator("h1").waitFor();
	await shot(early, "verification-early");
	assert.equal(await house.me(early), undefined);
	await early.context().close();

	const phone = await house.page({ phone: true });
	await phone.goto(linkIn(again));
	await phone.getByRole("button", { name: "Continue" }).waitFor(); // so that no scanner of mail uses the link up
	assert.equal((await house.user("fred")).is_active, false);
	await shot(phone, "verification-link");
	await phone.getByRole("button", { name: "Continue" }).tap();
	await phone.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(phone), "fred");
	assert.equal((await house.user("fred")).is_active, true);

	const late = await house.page();
	await late.goto(linkIn(again));
	await late.locator("h1").waitFor();
	await shot(late, "verification-used");
	assert.equal(await house.me(late), undefined);
	for (const one of [page, phone, late]) await one.context().close();
});

test("a forgotten password is chosen anew by a link in a mail", async () => {
	await apply("flows-recovery-email-verification");
	const flow = await house.api("GET", "flows/instances/default-recovery-flow/");
	const stage = await house.one("stages/identification/?name=default-authentication-identification");
	await house.api("PATCH", `stages/identification/${stage.pk}/`, { recovery_flow: flow.pk });
	const page = await house.page();
	await page.goto(start("default-authentication-flow"));
	await page.getByRole("link", { name: "Forgot your password?" }).click();
	await page.waitForURL(/default-recovery-flow/);
	await shot(page, "recovery-who");

	// Nobody of that name: the same page, and no mail.
	const before = post.count();
	await page.locator("[name=uid_field]").fill("nobody-here");
	await page.locator("button.primary").click();
	await page.locator("h1").waitFor();
	await shot(page, "recovery-nobody");
	await page.getByRole("link", { name: "Start again" }).click();
	await page.getByRole("link", { name: "Forgot your password?" }).click();
	await page.waitForURL(/default-recovery-flow/);

	await page.locator("[name=uid_field]").fill(ada.email);
	await page.locator("button.primary").click();
	await page.getByText("A mail is on its way.").waitFor();
	await shot(page, "recovery-sent");
	const mail = await post.mail(before + 1);
	assert.deepEqual(mail.to, [ada.email]);
	await page.goto(linkIn(mail));
	await page.getByRole("button", { name: "Continue" }).click();
	await page.getByLabel("Password", { exact: true }).waitFor();
	await shot(page, "recovery-choose");
	ada.old = ada.password;
	ada.password = "the-engine-weaves-patterns";
	for (const name of ["Password", "Password (repeat)"]) await page.getByLabel(name, { exact: true }).fill(ada.password);
	await page.locator("button.primary").click();
	await page.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(page), ada.username);
	await page.context().close();

	const again = await house.page();
	await house.signIn(again, { ...ada, password: ada.old });
	await again.locator("[name=password][aria-invalid=true]").waitFor();
	await shot(again, "recovery-old-password");
	await again.getByLabel("Password", { exact: true }).fill(ada.password);
	await again.locator("button.primary").click();
	await again.waitForURL(`${house.base}/if/user/**`);
	await again.context().close();
	assert.equal(post.count(), before + 1);
});

test("a second factor is asked for, but not with the password of an app", async () => {
	await apply("flows-login-2fa");
	const page = await house.page();
	await house.signIn(page, ada); // who has none is not asked
	await page.waitForURL(`${house.base}/if/user/**`);
	await page.goto(`${house.base}/if/user/#/security`);
	await page.getByRole("link", { name: "Set up an app" }).click();
	const key = (await page.locator("details pre").textContent()).replaceAll(/\s/g, "");
	await steady();
	await page.locator("input[name=code]").fill(otp(key));
	await page.locator("button.primary").click();
	await page.getByText("1 of 3 done").waitFor();
	await page.context().close();

	const bare = await house.page({ javaScriptEnabled: false });
	await house.signIn(bare, ada);
	await bare.locator("[name=code]").fill("000000");
	await bare.locator("button.primary").click();
	await bare.locator("[name=code][aria-invalid=true]").waitFor();
	await shot(bare, "2fa-wrong", { script: false });
	for (let i = 0; i < 20 && bare.url().includes("/if/flow/"); i++) { // after a wrong code the next one counts a second later
		await bare.locator("[name=code]").fill(otp(key, 1));
		await bare.locator("button.primary").click();
		await bare.waitForLoadState();
	}
	await bare.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(bare), ada.username);
	await bare.context().close();

	const asking = await house.page();
	await house.signIn(asking, ada);
	await asking.locator("[name=code]").waitFor();
	await shot(asking, "2fa-asked");
	await asking.context().close();

	const { identifier } = await house.api("POST", "core/tokens/", { identifier: "ada-mail", intent: "app_password", user: (await house.user("ada")).pk });
	const { key: password } = await house.api("GET", `core/tokens/${identifier}/view_key/`);
	const app = await house.page();
	await house.signIn(app, { ...ada, password });
	await app.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(app), ada.username);
	await app.context().close();
});

test("who failed too often solves a puzzle", async () => {
	await apply("flows-login-conditional-captcha");
	await house.add(bob);
	const address = `http://127.0.0.1:${service.address().port}`;
	const stage = await house.one("stages/captcha/?name=default-authentication-flow-captcha");
	await house.api("PATCH", `stages/captcha/${stage.pk}/`, { js_url: `${address}/api.js`, api_url: `${address}/siteverify` });
	for (const { pk } of (await house.api("GET", "policies/reputation/scores/")).results) await house.api("DELETE", `policies/reputation/scores/${pk}/`, undefined, 204);
	const easy = await house.page();
	await house.signIn(easy, bob); // nothing failed yet: no puzzle
	await easy.waitForURL(`${house.base}/if/user/**`);
	await easy.context().close();
	assert.deepEqual(asked, []);

	const page = await house.page();
	const tries = (await house.one("stages/password/?name=default-authentication-password")).failed_attempts_before_cancel;
	await house.signIn(page, { ...bob, password: "wrong" });
	for (let i = 1; i < tries; i++) {
		await page.locator("[name=password][aria-invalid=true]").waitFor();
		await page.getByLabel("Password", { exact: true }).fill(`wrong ${i}`);
		await page.locator("button.primary").click();
	}
	await page.getByText("That was a wrong password too many times.").waitFor();
	await shot(page, "captcha-tries");
	await house.signIn(page, { ...bob, password: "wrong" });
	await page.locator("[name=password][aria-invalid=true]").waitFor();
	await page.getByLabel("Password", { exact: true }).fill(bob.password);
	await page.locator("button.primary").click();

	await page.getByRole("button", { name: "I am a person" }).waitFor();
	await shot(page, "captcha-asked");
	await page.getByRole("button", { name: "I am a person" }).click();
	await page.getByRole("button", { name: "Try again" }).waitFor();
	await shot(page, "captcha-late");
	await page.getByRole("button", { name: "Try again" }).click();
	await page.getByRole("button", { name: "I am a person" }).click();
	await page.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(page), bob.username);
	assert.deepEqual(asked.map(({ response, secret }) => [response, secret.length > 10]), [[`${stage.public_key}:solved`, true], [`${stage.public_key}:solved`, true]]);
	await page.context().close();
	await house.api("DELETE", `stages/captcha/${stage.pk}/`, undefined, 204);
});

test("somebody deletes their own account, and is asked before", async () => {
	await apply("flows-unenrollment");
	const flow = await house.api("GET", "flows/instances/default-unenrollment-flow/");
	const brand = await house.one("core/brands/");
	await house.api("PATCH", `core/brands/${brand.brand_uuid}/`, { flow_unenrollment: flow.pk });

	// A link leads through the sign-in to a question, and deletes nothing by itself.
	const leave = "/if/flow/default-unenrollment-flow/";
	const page = await house.page();
	await page.goto(start("default-authentication-flow", leave));
	await page.getByLabel("E-mail address or username").fill(bob.username);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Password", { exact: true }).fill(bob.password);
	await page.getByRole("button", { name: "Continue" }).click();
	await page.getByRole("heading", { name: "Delete your account?" }).waitFor();
	assert.ok(await house.user("bob"));
	await page.getByRole("button", { name: "Keep it" }).click();
	await page.waitForURL(`${house.base}/if/user/**`);
	await page.goto(`http://127.0.0.1:${service.address().port}/elsewhere.html`);
	await page.evaluate((to) => location.assign(to), house.base + leave);
	await page.getByRole("heading", { name: "Delete your account?" }).waitFor();
	assert.ok(await house.user("bob"));

	await page.goto(`${house.base}/if/user/#/profile`);
	await page.getByRole("link", { name: "Delete my account" }).waitFor();
	await shot(page, "unenrolment-profile");
	await page.getByRole("link", { name: "Delete my account" }).click();
	await page.getByRole("heading", { name: "Delete your account?" }).waitFor();
	await shot(page, "unenrolment-ask");
	await page.getByRole("button", { name: "Delete my account" }).click();
	await page.getByRole("heading", { name: "Your account is deleted" }).waitFor();
	await shot(page, "unenrolment-done");
	assert.equal(await house.user("bob"), undefined);
	assert.equal(await house.me(page), undefined);
	await house.signIn(page, bob);
	await page.locator("[name=password][aria-invalid=true]").waitFor();
	await page.context().close();
});

test("the mappings of Google Workspace are there for a source", async () => {
	await apply("sources-google-ldap-mappings");
	const made = (await house.api("GET", "propertymappings/ldap/?search=Google")).results;
	assert.deepEqual(made.map((one) => one.object_field).sort(), ["name", "username"]);
});
