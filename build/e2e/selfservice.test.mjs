// What people do for themselves, and what they are helped with, in Chromium against a server of its own: authenticators and app passwords
// in the portal; invitations, a lost phone, a forgotten password and the steps of a flow in the admin pages. Screenshots go to
// build/bin/e2e. PROGRAM names another server program, which has to have the pages in it.
//
//	node --test build/e2e/selfservice.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { record } from "./answers.mjs";
import { openBrowser } from "./lan/browser.mjs";

const top = fileURLToPath(new URL("../..", import.meta.url));
const program = process.env.PROGRAM ?? join(top, "build/bin/gatehouse-server");
const out = join(top, "build/bin/e2e");
const work = mkdtempSync(join(tmpdir(), "gatehouse-selfservice-"));
const token = "e2e-token-0123456789abcdefghijklmnop";
const admin = { username: "akadmin", password: "nanoseconds-of-wire" };
const ada = { username: "ada", password: "notes-on-the-engine" };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server;
let browser;
let recorded; // ends the record of the API's answers
let base;
let mine; // Ada's page
let office; // the administrator's page

async function api(method, path, body, want = method === "POST" ? 201 : 200) {
	const res = await fetch(`${base}/api/v3/${path}`, { method, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
	const text = await res.text();
	assert.equal(res.status, want, `${method} ${path}: ${text}`);
	return text && JSON.parse(text);
}

// shot takes a picture of a page, wide and as on a phone, and lets axe look at both.
async function shot(page, title) {
	for (const width of [1280, 390]) {
		await page.setViewportSize({ width, height: 844 });
		await page.waitForFunction(() => !document.querySelector("[aria-busy=true], .mantine-Skeleton-root"));
		await page.screenshot({ path: join(out, `selfservice-${title}-${width}.png`), fullPage: true });
		await page.evaluate(axe);
		const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
		assert.equal(found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`).join("\n"), "", `axe on ${title}`);
	}
	await page.setViewportSize({ width: 1280, height: 844 });
}

async function newPage() {
	const context = await browser.newContext({ viewport: { width: 1280, height: 844 }, reducedMotion: "reduce" });
	const page = await context.newPage();
	page.setDefaultTimeout(10_000);
	page.on("pageerror", (problem) => assert.fail(problem));
	return page;
}

async function signIn(page, who) {
	await page.goto(`${base}/if/flow/default-authentication-flow/?next=/if/user/`);
	await page.getByLabel("E-mail address or username").fill(who.username);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Password", { exact: true }).fill(who.password);
	await page.getByRole("button", { name: "Continue" }).click();
}

const place = (name) => `${base}/if/user/#/${name}`;
const desk = (address) => `${base}/if/admin/#${address}`;

// otp is the code of a moment (RFC 6238 with SHA-1 and six digits) for a key in base 32.
function otp(key) {
	const bits = [...key].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const bytes = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
	const moment = Buffer.alloc(8);
	moment.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
	const mac = createHmac("sha1", bytes).update(moment).digest();
	return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

before(async () => {
	mkdirSync(out, { recursive: true });
	server = spawn(program, ["serve", "--data", join(work, "data"), "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--name", "login.office.test", "--log-terminal", "true"], {
		env: { ...process.env, GATEHOUSE_BOOTSTRAP_PASSWORD: admin.password, GATEHOUSE_BOOTSTRAP_TOKEN: token }, stdio: ["ignore", "ignore", "pipe"],
	});
	const ready = await new Promise((done, failed) => {
		let said = "";
		server.stderr.setEncoding("utf8").on("data", (d) => {
			said += d;
			const line = said.split("\n").find((l) => l.includes('"event":"ready"'));
			if (line) done(JSON.parse(line));
		});
		server.on("exit", () => failed(new Error(`the server ended: ${said}`)));
	});
	base = `http://${ready.http}`.replace("127.0.0.1", "localhost");
	const user = await api("POST", "core/users/", { username: ada.username, name: "Ada Lovelace", email: "ada@office.test" });
	ada.pk = user.pk;
	await api("POST", `core/users/${user.pk}/set_password/`, { password: ada.password }, 204);
	browser = await openBrowser(work);
	recorded = record(browser, join(work, "answers.jsonl"));
	mine = await newPage();
	office = await newPage();
	await signIn(office, admin);
	await office.waitForURL(`${base}/if/user/**`);
});
after(async () => {
	try {
		if (recorded) {
			writeFileSync(join(work, "description.json"), JSON.stringify(await api("GET", "schema/?format=json")));
			await recorded();
		}
		await browser?.close();
		if (recorded) execFileSync("go", ["run", "./build/answers", join(work, "description.json"), join(work, "answers.jsonl")], { cwd: top, stdio: "inherit" });
	} finally {
		server?.kill();
		rmSync(work, { recursive: true, force: true });
	}
});

test("a passkey first, then codes from an app, then codes on paper, and each leads back", async () => {
	await signIn(mine, ada);
	await mine.waitForURL(`${base}/if/user/**`);
	const cdp = await mine.context().newCDPSession(mine);
	await cdp.send("WebAuthn.enable");
	await cdp.send("WebAuthn.addVirtualAuthenticator", {
		options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
	});
	await mine.goto(place("security"));
	await mine.getByText("0 of 3 done").waitFor();
	await shot(mine, "security-none");

	await mine.getByRole("link", { name: "Add a passkey or key" }).click();
	await mine.getByRole("button", { name: "Set up a passkey or security key" }).click();
	await mine.waitForURL(place("security"));
	await mine.getByText("1 of 3 done").waitFor();

	await mine.getByRole("link", { name: "Set up an app" }).click();
	const key = (await mine.locator("details pre").textContent()).replaceAll(/\s/g, "");
	await mine.locator("input[name=code]").fill(otp(key));
	await mine.locator("button.primary").click();
	await mine.waitForURL(place("security"));
	await mine.getByText("2 of 3 done").waitFor();

	await mine.getByRole("link", { name: "Make a list of codes" }).click();
	assert.equal(await mine.locator("#codes li").count(), 6);
	await mine.locator("button.primary").click();
	await mine.waitForURL(place("security"));
	await mine.getByText("You are well protected").waitFor();
	await mine.getByText("6 codes left").waitFor();
	await shot(mine, "security-all");
});

test("an authenticator is renamed and removed", async () => {
	const codes = mine.getByRole("region", { name: "Recovery codes" });
	await codes.getByRole("button", { name: /^Rename/ }).click();
	await mine.getByLabel("New name").fill("On paper in the safe");
	await mine.keyboard.press("Enter");
	await mine.getByText("It is called On paper in the safe now.").waitFor();
	await mine.getByRole("button", { name: "Remove On paper in the safe" }).click();
	await mine.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await mine.getByText("On paper in the safe is removed.").waitFor();
	await mine.getByText("2 of 3 done").waitFor();
	const left = await api("GET", `authenticators/admin/all/?user=${ada.pk}`);
	assert.deepEqual(left.map((d) => d.meta_model_name.split(".")[1]).sort(), ["totpdevice", "webauthndevice"]);
});

test("an app password lasts no longer than is allowed, which is said and offered", async () => {
	await mine.goto(place("tokens"));
	await mine.getByRole("button", { name: "Add one" }).click();
	await mine.getByLabel("What is it for?").fill("Mail on the tablet");
	await mine.getByText(/For you that is .* at the latest\./).waitFor();
	assert.deepEqual(await mine.getByLabel("It ends").locator("option").evaluateAll((all) => all.map((o) => o.value)), ["usual", "longest", "date"]); // a day at most
	await mine.getByLabel("It ends").selectOption("date");
	await mine.getByLabel("Day and time").fill(`${new Date().getFullYear() + 1}-06-01T12:00`);
	assert.equal(await mine.getByLabel("Day and time").evaluate((field) => field.validity.rangeOverflow), true);
	await shot(mine, "token-too-long");
	await mine.getByLabel("It ends").selectOption("longest");
	await mine.getByRole("button", { name: "Create" }).click();
	await mine.getByText("Copy the key now.").waitFor();
	const [made] = (await api("GET", "core/tokens/?identifier=ada-mail-on-the-tablet")).results;
	assert.equal(made.intent, "app_password");
	const hours = (new Date(made.expires) - Date.now()) / 3_600_000;
	assert.ok(hours > 23 && hours <= 24, made.expires);
});

test("the password and the profile are changed on the server's pages, and they lead back", async () => {
	await mine.goto(place("profile"));
	await mine.getByRole("link", { name: "Change my details or language" }).click();
	await mine.getByLabel("Name", { exact: true }).fill("Ada King");
	await mine.locator("button.primary").click();
	await mine.waitForURL(place("profile"));
	await mine.getByText("Ada King").first().waitFor();
	await mine.getByRole("link", { name: "Change my password" }).click();
	await mine.waitForURL(/\/if\/flow\/default-password-change\//);
});

test("somebody is invited: the flow is set up, the link prefills, and the account exists", async () => {
	await office.goto(desk("/people/invitations"));
	await office.getByRole("button", { name: "Set it up" }).click();
	await office.getByText("The flow is set up.").waitFor();
	await office.getByRole("button", { name: "Invite somebody" }).first().click();
	await office.getByLabel("Who is it for?").fill("Grace Hopper");
	await office.getByLabel("Their e-mail address").fill("grace@office.test");
	await office.getByRole("button", { name: "Make the invitation" }).click();
	await office.getByRole("heading", { name: "Hand it over" }).waitFor();
	await office.getByRole("img", { name: "QR code with: Link" }).waitFor();
	await shot(office, "invitation");
	const link = new URL(await office.locator("dd .gh-mono").first().textContent());
	assert.equal(link.hostname, "login.office.test");
	const grace = await newPage();
	await grace.goto(base + link.pathname + link.search);
	assert.equal(await grace.getByLabel("E-mail").inputValue(), "grace@office.test");
	assert.equal(await grace.getByLabel("Name", { exact: true }).inputValue(), "Grace Hopper");
	await grace.getByLabel("User name").fill("grace");
	await grace.getByLabel("Password", { exact: true }).fill("a-ship-in-port-is-safe");
	await grace.getByLabel("Password once more").fill("a-ship-in-port-is-safe");
	await grace.locator("button.primary").click();
	await grace.waitForURL(`${base}/if/user/**`);
	await grace.context().close();
	const [made] = (await api("GET", "core/users/?username=grace")).results;
	assert.deepEqual([made.name, made.email], ["Grace Hopper", "grace@office.test"]);
	assert.equal((await api("GET", "stages/invitation/invitations/")).pagination.count, 0);
});

test("a lost phone is removed, and a recovery link lets its owner choose a password", async () => {
	await office.goto(desk(`/people/users/${ada.pk}`));
	await office.getByRole("button", { name: "Help this person" }).click();
	await office.getByRole("button", { name: "Make a recovery link" }).click();
	await office.getByText("No recovery flow set.").waitFor();
	await shot(office, "help");

	const [change] = (await api("GET", "stages/prompt/stages/?name=default-password-change-prompt")).results;
	const [write] = (await api("GET", "stages/user_write/?name=default-password-change-write")).results;
	const recovery = await api("POST", "flows/instances/", { name: "Recover", slug: "recover", title: "Choose a password", designation: "recovery" });
	await api("POST", "flows/bindings/", { target: recovery.pk, stage: change.pk, order: 0 });
	await api("POST", "flows/bindings/", { target: recovery.pk, stage: write.pk, order: 10 });
	const [brand] = (await api("GET", "core/brands/")).results;
	await api("PATCH", `core/brands/${brand.brand_uuid}/`, { flow_recovery: recovery.pk });

	await office.getByRole("button", { name: "Make a recovery link" }).click();
	await office.getByRole("img", { name: "QR code with: Recovery link" }).waitFor();
	const link = new URL(await office.locator("dd .gh-mono").first().textContent());
	assert.equal(link.hostname, "login.office.test");
	const lost = await newPage();
	await lost.goto(base + link.pathname + link.search);
	await lost.getByRole("button", { name: "Continue" }).click(); // so that no scanner of mail uses the link up
	await lost.getByLabel("Password", { exact: true }).waitFor();
	for (const name of ["Password", "Password (repeat)"]) await lost.getByLabel(name, { exact: true }).fill("the-engine-weaves-patterns");
	await lost.locator("button.primary").click();
	await lost.waitForURL((url) => !url.pathname.startsWith("/if/flow/recover/"));
	await lost.waitForLoadState();
	await lost.context().close();

	const factors = office.getByRole("button", { name: /^Remove (?!all)/ });
	assert.equal(await factors.count(), 2);
	await office.getByRole("button", { name: "Remove all" }).click();
	await office.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await office.getByText("2 are removed.").waitFor();
	assert.deepEqual(await api("GET", `authenticators/admin/all/?user=${ada.pk}`), []);

	// With the new password; the sessions from before it are over.
	const sessions = async () => (await api("GET", "core/authenticated_sessions/?user__username=ada")).pagination.count;
	assert.equal(await sessions(), 0);
	const again = await newPage();
	await signIn(again, { ...ada, password: "the-engine-weaves-patterns" });
	await again.waitForURL(`${base}/if/user/**`);
	await again.context().close();
	await office.reload();
	await office.getByText("One session is open.").waitFor();
	await office.getByRole("button", { name: "End all sessions" }).click();
	await office.getByRole("dialog").getByRole("button", { name: "End", exact: true }).click();
	await office.getByText("They are not signed in anywhere.").waitFor();
	assert.equal(await sessions(), 0);
});

test("the steps of a flow are moved with the keyboard and changed in place, and the diagram follows", async () => {
	await office.goto(desk("/advanced/flows/default-authentication-flow"));
	const names = () => office.locator("ol button[aria-expanded]").allTextContents();
	await office.getByRole("button", { name: "Change default-authentication-login" }).focus();
	await office.keyboard.press("Alt+ArrowUp");
	await office.getByText("default-authentication-login is step 3 of 4 now.").waitFor({ state: "attached" });
	assert.equal((await names())[2], "default-authentication-login");
	await office.keyboard.press("Alt+ArrowDown");
	await office.getByText("default-authentication-login is step 4 of 4 now.").waitFor({ state: "attached" });
	assert.equal((await names())[3], "default-authentication-login");
	const flow = await api("GET", "flows/instances/default-authentication-flow/");
	const stored = await api("GET", `flows/bindings/?target=${flow.pk}&ordering=order`);
	assert.deepEqual(stored.results.map((one) => [one.order, one.stage_obj.name.split("-").at(-1)]), [[10, "identification"], [20, "password"], [30, "validation"], [100, "login"]]);

	await office.getByRole("button", { name: "Change default-authentication-password" }).click();
	await office.getByLabel("Wrong attempts").fill("7");
	await office.getByRole("button", { name: "Save", exact: true }).click();
	await office.getByText("Saved.").waitFor();
	const [stage] = (await api("GET", "stages/password/?name=default-authentication-password")).results;
	assert.equal(stage.failed_attempts_before_cancel, 7);
	await shot(office, "flow-step");

	await office.goto(desk("/advanced/flows/default-authentication-flow?tab=diagram"));
	await office.getByText("The same in words").click();
	await office.getByText("Policy denied: leads to default-authentication-mfa-validation").waitFor();
	await shot(office, "flow-diagram");
});

test("a flow is exported, and a file comes in whole or not at all", async () => {
	await office.goto(desk("/advanced/flows/default-password-change"));
	const [file] = await Promise.all([office.waitForEvent("download"), office.getByRole("button", { name: "Export" }).click()]);
	assert.equal(file.suggestedFilename(), "default-password-change.yaml");
	const text = readFileSync(await file.path(), "utf8");
	await office.goto(desk("/advanced/flows"));
	await office.getByRole("button", { name: "Import" }).click();
	const dialog = office.getByRole("dialog");
	const give = (content) => office.locator("input[type=file]").setInputFiles({ name: "flow.yaml", mimeType: "application/yaml", buffer: Buffer.from(content) });
	await give("version: 1\nentries:\n  - model: authentik_flows.flow\n    identifiers:\n      slug: half\n");
	await dialog.getByRole("button", { name: "Import" }).click();
	await dialog.getByText(/designation: This field is required/).waitFor();
	await shot(office, "flow-import");
	assert.equal((await api("GET", "flows/instances/?slug=half")).pagination.count, 0);
	await give(text.replaceAll("Change password", "Choose another password"));
	await dialog.getByRole("button", { name: "Import" }).click();
	await office.getByText("The flow is imported.").waitFor();
	assert.equal((await api("GET", "flows/instances/default-password-change/")).title, "Choose another password");
});
