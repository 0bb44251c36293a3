// Proves, from within the office's namespace, that a TLS server in the other one is reached by name with its authority trusted and
// not without: by Chromium, by both relying parties and by the third party's product. check.sh sets the stage.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startGo, startNode, startThird } from "../rp/start.mjs";
import { signedInAs, signIn, signOut } from "../rp/third/third.mjs";
import { openBrowser } from "./browser.mjs";

const { WORK: work, SERVER: served, GORP: program, THIRD: third } = process.env;
const { issuer, clientID, secret } = JSON.parse(served);
const caFile = join(work, "ca.pem");
const origin = new URL(issuer).origin;
const homes = { trusting: join(work, "trusting"), other: join(work, "other") };
const address = "10.77.0.2";
let trusting;
let other;

before(async () => {
	for (const home of Object.values(homes)) mkdirSync(home);
	execFileSync(fileURLToPath(new URL("trust.sh", import.meta.url)), [homes.trusting, caFile]);
	trusting = await openBrowser(homes.trusting);
	other = await openBrowser(homes.other);
});
after(() => Promise.all([trusting.close(), other.close()]));

test("Chromium reaches the server by its name", async () => {
	const page = await trusting.newPage();
	await page.goto(`${origin}/`);
	assert.equal(await page.title(), "Test provider");
	assert.equal((await (await page.goto(`${origin}/`)).securityDetails()).subjectName, "login.office.test");
});

test("Chromium refuses the server without the authority, and under a name that is not in the certificate", async () => {
	await assert.rejects((await other.newPage()).goto(`${origin}/`), /ERR_CERT_AUTHORITY_INVALID/);
	const byAddress = origin.replace("login.office.test", "10.77.0.1");
	await assert.rejects((await trusting.newPage()).goto(`${byAddress}/`), /ERR_CERT_COMMON_NAME_INVALID/);
});

const settings = (port, more) => ({
	issuer,
	"client-id": clientID,
	"client-secret": secret,
	listen: `${address}:${port}`,
	"redirect-url": `http://app1.office.test:${port}/callback`,
	caFile,
	...more,
});

let port = 8081;
for (const [name, start] of Object.entries({ gorp: (s) => startGo({ program, ...s }), noderp: startNode })) {
	test(`${name} signs in, refreshes and signs out`, async () => {
		const rp = await start(settings(port++));
		const page = await trusting.newPage();
		try {
			await page.goto(rp.url);
			assert.equal(await page.textContent("#status"), "Signed out");
			await page.click("#login");
			assert.equal(page.url(), rp.url);
			assert.equal(await page.textContent("#status"), "Signed in");
			assert.equal(await page.textContent("#username"), "ada");
			await page.click("#refresh");
			assert.equal(await page.textContent("#status"), "Signed in");
			await page.click("#logout");
			assert.equal(page.url(), rp.url);
			assert.equal(await page.textContent("#status"), "Signed out");
		} finally {
			await page.close();
			await rp.stop();
		}
	});

	test(`${name} refuses the server without the authority`, async () => {
		const rp = await start(settings(port++, { caFile: undefined }));
		const page = await trusting.newPage();
		try {
			const res = await page.goto(`${rp.url}login`);
			assert.equal(res.status(), 502);
			assert.equal(await page.textContent("#status"), "Failed");
			assert.match(await page.textContent("#reason"), /certificate/);
		} finally {
			await page.close();
			await rp.stop();
		}
	});
}

const missing = !existsSync(join(third, "miniflux")) && "Miniflux is not installed (rp/third/install.sh)";

test("Miniflux signs in and out", { skip: missing }, async () => {
	const url = `http://app2.office.test:${port}`;
	const { "redirect-url": _, ...rest } = settings(port++, { url, dir: third });
	const rp = await startThird(rest);
	const page = await trusting.newPage();
	try {
		assert.equal(await signIn(page, { url, atProvider: async () => {} }), "ada");
		await page.goto(`${url}/settings`);
		assert.equal(await signedInAs(page, url), "ada");
		await signOut(page);
	} finally {
		await page.close();
		await rp.stop();
	}
});

test("Miniflux refuses the server without the authority", { skip: missing }, async () => {
	const url = `http://app2.office.test:${port}`;
	const { "redirect-url": _, ...rest } = settings(port++, { url, dir: third, caFile: join(work, "other.pem") });
	const rp = await startThird(rest);
	const page = await trusting.newPage();
	try {
		await assert.rejects(signIn(page, { url, atProvider: async () => {} }), /sign-in page again|Timeout/);
		assert.match(rp.log(), /certificate signed by unknown authority/);
	} finally {
		await page.close();
		await rp.stop();
	}
});
