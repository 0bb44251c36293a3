// Passkeys in a real browser: Chromium with authenticators of software, against a server of its own on this machine, where localhost is a
// secure context. Set up, cancelled and tried again, a second one in the same visit, beside a password, alone, among the names, and at an
// IP address. Screenshots go to build/bin/e2e. PROGRAM names another server program.
//
//	node --test build/e2e/passkeys.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
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
const work = mkdtempSync(join(tmpdir(), "gatehouse-passkeys-"));
const token = "e2e-token-0123456789abcdefghijklmnop";
const ada = { username: "ada", password: "notes-on-the-engine" };
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let server;
let browser;
let recorded; // ends the record of the API's answers
let context;
let page;
let cdp;
let base; // by name
let byIP;
const flow = {}; // keys of what the tests made

async function api(method, path, body, want = method === "POST" ? 201 : 200) {
	const res = await fetch(`${byIP}/api/v3/${path}`, { method, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
	const text = await res.text();
	assert.equal(res.status, want, `${method} ${path}: ${text}`);
	return text && JSON.parse(text);
}

async function shot(title) {
	await page.screenshot({ path: join(out, `passkey-${title}.png`), fullPage: true });
	await page.evaluate(axe);
	const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
	assert.equal(found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`).join("\n"), "", `axe on ${title}`);
}

// plug adds an authenticator: built into the device, or a security key.
async function plug(transport) {
	const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
		options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport, hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
	});
	return {
		id: authenticatorId,
		heed: (enabled) => cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }), // whether somebody is there to touch it
		know: (isUserVerified) => cdp.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }), // whether it knows its owner's finger
		unplug: () => cdp.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId }),
		credentials: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
	};
}

// signOut leaves the pages first, whose scripts would go to the sign-in by themselves.
async function signOut() {
	await page.goto("about:blank");
	await context.clearCookies();
}

async function signIn() {
	await page.goto(`${base}/if/flow/default-authentication-flow/?next=/if/user/`);
	await page.getByLabel("E-mail address or username").fill(ada.username);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Password", { exact: true }).fill(ada.password);
	await page.getByRole("button", { name: "Continue" }).click();
}

const me = () => page.evaluate(async () => (await (await fetch("/api/v3/core/users/me/")).json()).user?.username);
const devices = () => page.evaluate(async () => (await (await fetch("/api/v3/authenticators/webauthn/")).json()).results);
const challenges = () => page.evaluate(() => JSON.parse(localStorage.getItem("challenges") ?? "[]")); // of every ceremony that a page began

before(async () => {
	mkdirSync(out, { recursive: true });
	server = spawn(program, ["serve", "--data", join(work, "data"), "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--name", "login.office.test", "--log-terminal", "true"], {
		env: { ...process.env, GATEHOUSE_BOOTSTRAP_PASSWORD: "nanoseconds-of-wire", GATEHOUSE_BOOTSTRAP_TOKEN: token }, stdio: ["ignore", "ignore", "pipe"],
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
	byIP = `http://${ready.http}`;
	base = byIP.replace("127.0.0.1", "localhost");
	const user = await api("POST", "core/users/", { username: ada.username, name: "Ada Lovelace" });
	await api("POST", `core/users/${user.pk}/set_password/`, { password: ada.password }, 204);
	flow.stage = (await api("POST", "stages/authenticator/webauthn/", { name: "keys", resident_key_requirement: "required" })).pk;
	const setup = (await api("POST", "flows/instances/", { name: "Set up", slug: "set-up", title: "Set up a passkey", designation: "stage_configuration", authentication: "require_authenticated" })).pk;
	await api("POST", "flows/bindings/", { target: setup, stage: flow.stage, order: 0 });
	await api("PATCH", `stages/authenticator/webauthn/${flow.stage}/`, { configure_flow: setup });
	flow.alone = (await api("POST", "flows/instances/", { name: "Alone", slug: "alone", title: "Sign in without a password", designation: "authentication" })).pk;
	const ask = await api("POST", "stages/authenticator/validate/", { name: "alone", device_classes: ["webauthn"], not_configured_action: "deny" });
	const login = (await api("GET", "stages/user_login/?name=default-authentication-login")).results[0];
	await api("POST", "flows/bindings/", { target: flow.alone, stage: ask.pk, order: 0 });
	await api("POST", "flows/bindings/", { target: flow.alone, stage: login.pk, order: 10 });

	browser = await openBrowser(work);
	recorded = record(browser, join(work, "answers.jsonl"), { hold: true });
	context = await browser.newContext({ viewport: { width: 390, height: 844 } });
	page = await context.newPage();
	cdp = await context.newCDPSession(page);
	await cdp.send("WebAuthn.enable");
	await context.addInitScript(() => {
		for (const verb of ["create", "get"]) {
			const real = navigator.credentials[verb].bind(navigator.credentials);
			navigator.credentials[verb] = (o) => {
				const had = JSON.parse(localStorage.getItem("challenges") ?? "[]");
				localStorage.setItem("challenges", JSON.stringify([...had, btoa(String.fromCharCode(...new Uint8Array(o.publicKey.challenge)))]));
				return real(o);
			};
		}
	});
});
after(async () => {
	try {
		if (recorded) {
			writeFileSync(join(work, "description.json"), JSON.stringify(await api("GET", "schema/?format=json")));
			await recorded();
			execFileSync("go", ["run", "./build/answers", join(work, "description.json"), join(work, "answers.jsonl")], { cwd: top, stdio: "inherit" });
		}
	} finally {
		await browser?.close();
		server?.kill();
		rmSync(work, { recursive: true, force: true });
	}
});

let phone;
let yubikey;

test("set up, after a try that was cancelled, without a reload", async () => {
	await signIn();
	await page.waitForURL(`${base}/if/user/**`);
	phone = await plug("internal");
	await page.goto(`${base}/flows/-/configure/${flow.stage}/`);
	const button = page.getByRole("button", { name: "Set up a passkey or security key" });
	await button.waitFor();
	await shot("set-up");
	await phone.know(false); // the owner's finger is not the one: as a ceremony that was cancelled
	let loads = 0;
	page.on("load", () => loads++);
	for (let i = 0; i < 2; i++) {
		await button.click();
		await page.getByRole("status").filter({ hasText: "it was cancelled, or it took too long" }).waitFor();
	}
	assert.equal(loads, 0);
	await shot("cancelled");
	await phone.know(true);
	await button.click();
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal((await devices()).length, 1);
	assert.equal(new Set(await challenges()).size, 3, "each try has a challenge of its own");
});

test("a second one in the same visit; the first is told to be there", async () => {
	await page.goto(`${base}/flows/-/configure/${flow.stage}/`);
	const button = page.getByRole("button", { name: "Set up a passkey or security key" });
	await button.click();
	await page.getByRole("status").filter({ hasText: "This key is set up for you already." }).waitFor();
	await phone.heed(false);
	yubikey = await plug("usb");
	await button.click();
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal((await devices()).length, 2);
	assert.equal((await yubikey.credentials()).length, 1);
	await phone.heed(true);
});

test("a password and a key", async () => {
	await signOut();
	await phone.know(false);
	await yubikey.heed(false);
	await signIn();
	await page.getByRole("status").filter({ hasText: "it was cancelled" }).waitFor(); // it began by itself
	await shot("second-factor");
	assert.equal(await me(), undefined);
	await phone.know(true);
	await page.getByRole("button", { name: "Use a passkey or security key" }).click();
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal(await me(), ada.username);
});

test("a passkey alone", async () => {
	await signOut();
	await page.goto(`${base}/if/flow/alone/?next=/if/user/`);
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal(await me(), ada.username);
});

test("a passkey alone, by the link of the sign-in page", async () => {
	await phone.unplug();
	await yubikey.heed(false);
	const ident = (await api("GET", "stages/identification/?name=default-authentication-identification")).results[0];
	await api("PATCH", `stages/identification/${ident.pk}/`, { passwordless_flow: flow.alone });
	await signOut();
	await page.goto(`${base}/if/flow/default-authentication-flow/?next=/if/user/`);
	assert.equal(await page.getByLabel("E-mail address or username").getAttribute("autocomplete"), "username webauthn");
	await shot("sign-in");
	await yubikey.heed(true);
	await page.getByRole("link", { name: "Use a passkey or security key" }).click();
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal(await me(), ada.username);
	await yubikey.unplug();
});

test("a passkey among the names", async () => {
	await signOut();
	phone = await plug("internal");
	await signIn();
	await page.getByRole("button", { name: "Use a passkey or security key" }).waitFor();
	await signOut();
	for (const d of (await api("GET", "authenticators/admin/webauthn/")).results) await api("DELETE", `authenticators/admin/webauthn/${d.pk}/`, undefined, 204);
	await signIn();
	await page.waitForURL(`${base}/if/user/**`);
	await page.goto(`${base}/flows/-/configure/${flow.stage}/`);
	await page.getByRole("button", { name: "Set up a passkey or security key" }).click();
	await page.waitForURL(`${base}/if/user/**`);
	await signOut();
	// Chromium's authenticators of software choose the passkey that is offered as a person would.
	await page.goto(`${base}/if/flow/default-authentication-flow/?next=/if/user/`);
	await page.waitForURL(`${base}/if/user/**`);
	assert.equal(await me(), ada.username);
});

test("an IP address is explained", async () => {
	await page.goto(`${byIP}/if/flow/alone/`);
	await page.getByText("Passkeys and security keys don't work at an IP address such as 127.0.0.1. Open https://login.office.test:").waitFor();
	await shot("ip-address");
});

test("without a script the page says what is missing", async () => {
	const plain = await browser.newContext({ javaScriptEnabled: false });
	const p = await plain.newPage();
	await p.goto(`${base}/if/flow/alone/`);
	await p.locator("noscript p").waitFor();
	assert.match(await p.locator("noscript p").innerText(), /^Passkeys and security keys need JavaScript/);
	assert.equal(await p.getByRole("button").count(), 0);
	await plain.close();
});
