// Proves that both relying parties accept an honest provider and refuse each lie in words. Needs go, node and openssl.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startGo, startNode } from "./start.mjs";
import { TestProvider } from "./testprovider.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), "rp-"));
const provider = new TestProvider();
const program = join(dir, "gorp");
const caFile = join(dir, "ca.pem");

before(async () => {
	execFileSync(here("../lan/ca.sh"), [dir, "127.0.0.1"]);
	execFileSync("go", ["build", "-o", program, "."], { cwd: here("gorp"), stdio: "inherit" });
	await provider.listen(dir);
});
after(() => {
	provider.close();
	rmSync(dir, { recursive: true });
});

// Browser keeps one cookie and follows nothing.
class Browser {
	constructor(rp) {
		this.rp = rp;
	}
	async get(path) {
		const headers = { Accept: "application/json", ...(this.cookie && { Cookie: this.cookie }) };
		const res = await fetch(new URL(path, this.rp.url), { headers, redirect: "manual" });
		const cookie = res.headers.getSetCookie()[0];
		if (cookie) {
			assert.match(cookie, /HttpOnly; SameSite=Lax/);
			this.cookie = cookie.split(";")[0];
		}
		const location = res.headers.get("location");
		const isJSON = res.headers.get("content-type")?.startsWith("application/json");
		return { status: res.status, location, body: isJSON ? await res.json() : undefined };
	}
	async login(query = "") {
		provider.signedInAt = undefined;
		const res = await this.get(`/login${query}`);
		assert.equal(res.status, 302, JSON.stringify(res.body));
		const sent = new URL(res.location).searchParams;
		for (const name of ["state", "nonce", "code_challenge"]) assert.ok(sent.get(name)?.length > 20, `${name} is missing or short`);
		return this.get(provider.authorize(res.location));
	}
	async signIn() {
		const before = this.cookie;
		const res = await this.login();
		assert.deepEqual([res.status, res.location], [303, "/"], JSON.stringify(res.body));
		assert.notEqual(this.cookie, before, "the session's key stayed the same over the sign-in");
	}
}

const refused = (res, status, words) => {
	assert.equal(res.status, status, JSON.stringify(res.body));
	assert.match(res.body.error, words);
};

async function freePort() {
	const s = createServer().listen(0, "127.0.0.1");
	await new Promise((resolve) => s.on("listening", resolve));
	const { port } = s.address();
	await new Promise((resolve) => s.close(resolve));
	return port;
}

async function settings(more) {
	const port = await freePort();
	return {
		issuer: provider.issuer,
		"client-id": provider.clientID,
		"client-secret": provider.secret,
		listen: `127.0.0.1:${port}`,
		"redirect-url": `http://127.0.0.1:${port}/callback`,
		alg: provider.alg,
		caFile,
		...more,
	};
}

const parties = { gorp: (s) => startGo({ program, ...s }), noderp: startNode };

const liesAtLogin = {
	"another nonce": /nonce/,
	"no nonce": /nonce/,
	"another issuer": /"iss"|different provider/,
	"another audience": /"aud"|audience/,
	"an expired ID token": /"exp"|expired/,
	"there is no ID token": /id_token|ID Token/,
	"userinfo is somebody else": /"sub"|userinfo has sub/,
	"userinfo refuses": /userinfo failed.*401/,
	"the token endpoint refuses": /invalid_grant.*no such grant/,
	"no signature": /alg|algorithm/,
};
const liesOfKeys = { "another key": /signature/, "the public key as a secret": /alg|algorithm/ };
const liesInDiscovery = {
	"discovery has another issuer": /issuer/,
	"discovery lacks S256": /S256/,
	"discovery has a plain token endpoint": /token_endpoint/,
};
const liesAtRefresh = {
	"another person": /refreshed ID token has sub/,
	"another nonce": /nonce/,
	"another issuer": /"iss"|different provider/,
	"another audience": /"aud"|audience/,
	"an expired ID token": /"exp"|expired/,
	"an old sign-in": /auth_time/,
	"there is no ID token": /id_token|ID Token/,
	"userinfo is somebody else": /"sub"|userinfo has sub/,
	"the token endpoint refuses": /invalid_grant.*no such grant/,
};

for (const [name, start] of Object.entries(parties)) {
	for (const alg of ["RS256", "ES256", "HS256"]) {
		describe(`${name} with ${alg}`, () => {
			let rp;
			const lying = async (lie, f) => {
				provider.lie = lie;
				try {
					await f();
				} finally {
					provider.lie = "";
				}
			};
			before(async () => {
				provider.alg = alg;
				rp = await start(await settings());
			});
			after(() => rp.stop());

			test("signs in, refreshes twice and signs out", async () => {
				const b = new Browser(rp);
				assert.deepEqual((await b.get("/")).body, { app: name, signed_in: false });
				await b.signIn();
				let { body } = await b.get("/");
				assert.equal(body.sub, "ada");
				assert.equal(body.id_token.iss, provider.issuer);
				assert.equal(body.userinfo.email, "ada@office.test");
				assert.deepEqual(body.refresh, { held: true, count: 0, rotated: false });
				for (const count of [1, 2]) {
					({ body } = await b.get("/refresh"));
					assert.deepEqual(body.refresh, { held: true, count, rotated: true });
				}
				const out = await b.get("/logout");
				assert.equal(out.status, 302);
				const to = new URL(out.location);
				assert.equal(to.origin + to.pathname, `${provider.issuer}end-session/`);
				assert.equal(to.searchParams.get("id_token_hint").split(".").length, 3);
				assert.equal((await b.get("/")).body.signed_in, false);
				refused(await b.get("/signed-out?state=other"), 400, /state/);
				const back = `${to.searchParams.get("post_logout_redirect_uri")}?state=${to.searchParams.get("state")}`;
				assert.equal((await b.get(back)).status, 303);
			});

			const lies = { ...liesAtLogin, ...(alg === "HS256" ? { "another secret": /signature/ } : liesOfKeys) };
			for (const [lie, words] of Object.entries(lies)) {
				test(`refuses a sign-in: ${lie}`, () =>
					lying(lie, async () => {
						const b = new Browser(rp);
						refused(await b.login(), 502, words);
						assert.equal((await b.get("/")).body.signed_in, false);
					}));
			}

			const refreshLies = { ...liesAtRefresh, ...(alg === "HS256" ? { "another secret": /signature/ } : liesOfKeys) };
			for (const [lie, words] of Object.entries(refreshLies)) {
				test(`refuses a refresh: ${lie}`, async () => {
					const b = new Browser(rp);
					await b.signIn();
					await lying(lie, async () => refused(await b.get("/refresh"), 502, words));
					assert.equal((await b.get("/")).body.refresh.count, 0);
				});
			}

			test("refuses an old sign-in when max_age was sent", async () => {
				await lying("an old sign-in", async () =>
					refused(await new Browser(rp).login("?max_age=60"), 502, /signed in .* ago|time has elapsed/),
				);
				const res = await new Browser(rp).login("?max_age=60");
				assert.equal(res.status, 303, JSON.stringify(res.body));
			});
		});
	}

	describe(name, () => {
		let rp;
		before(async () => {
			provider.alg = "RS256";
			rp = await start(await settings());
		});
		after(() => rp.stop());

		test("refuses a callback that it did not ask for", async () => {
			const b = new Browser(rp);
			refused(await b.get("/callback?code=a&state=b"), 400, /state/);
			const { location } = await b.get("/login");
			const back = provider.authorize(location);
			refused(await new Browser(rp).get(back), 400, /state/);
			assert.equal((await b.get(back)).status, 303);
			refused(await b.get(back), 400, /state/);
		});

		test("tells the provider's error", async () => {
			const b = new Browser(rp);
			const state = new URL((await b.get("/login")).location).searchParams.get("state");
			refused(await b.get(`/callback?error=access_denied&error_description=not+today&state=${state}`), 403, /access_denied: not today/);
		});

		test("refuses refresh and logout when nobody is signed in", async () => {
			refused(await new Browser(rp).get("/refresh"), 401, /nobody/);
			refused(await new Browser(rp).get("/logout"), 401, /nobody/);
		});

		test("shows claims as text in HTML", async () => {
			const b = new Browser(rp);
			await b.signIn();
			const page = await (await fetch(rp.url, { headers: { Cookie: b.cookie } })).text();
			assert.match(page, /<p id="status">Signed in<\/p>/);
			assert.match(page, /<dd id="name">Ada &[^;]+;Lovelace&[^;]+;<\/dd>/);
			const fault = await fetch(new URL("/callback?state=<b>", rp.url));
			assert.equal(fault.status, 400);
			assert.match(await fault.text(), /<p id="status">Failed<\/p>\n<p id="reason">the state &[^;]+;&[^;]+;b/);
		});

		for (const [lie, words] of Object.entries(liesInDiscovery)) {
			test(`refuses discovery, and asks again: ${lie}`, async () => {
				const other = await start(await settings());
				try {
					provider.lie = lie;
					refused(await new Browser(other).get("/login"), 502, words);
					provider.lie = "";
					await new Browser(other).signIn();
				} finally {
					provider.lie = "";
					await other.stop();
				}
			});
		}

		test("refuses logout without an end_session_endpoint", async () => {
			provider.lie = "discovery has no end_session_endpoint";
			const other = await start(await settings());
			try {
				const b = new Browser(other);
				await b.signIn();
				refused(await b.get("/logout"), 502, /end_session_endpoint/);
			} finally {
				provider.lie = "";
				await other.stop();
			}
		});

		test("refuses a certificate of an unknown authority", async () => {
			const other = await start(await settings({ caFile: undefined }));
			try {
				refused(await new Browser(other).get("/login"), 502, /certificate/);
			} finally {
				await other.stop();
			}
		});

		for (const auth of ["basic", "post"]) {
			test(`sends its secret as ${auth}, once`, async () => {
				const other = await start(await settings({ auth }));
				provider.tokenRequests = [];
				try {
					provider.lie = "the token endpoint refuses";
					refused(await new Browser(other).login(), 502, /invalid_grant/);
					provider.lie = "";
					await new Browser(other).signIn();
				} finally {
					provider.lie = "";
					await other.stop();
				}
				assert.deepEqual(provider.tokenRequests, [auth, auth]);
			});
		}

		test("tells when there is no refresh token", async () => {
			const other = await start(await settings({ scopes: "openid" }));
			try {
				const b = new Browser(other);
				await b.signIn();
				refused(await b.get("/refresh"), 409, /no refresh token/);
			} finally {
				await other.stop();
			}
		});

		test("does not start with settings that cannot work", async () => {
			await assert.rejects(async () => start(await settings({ issuer: "http://127.0.0.1/" })), /issuer must begin with https/);
			await assert.rejects(async () => start(await settings({ "redirect-url": "/callback" })), /redirect-url/);
			await assert.rejects(async () => start(await settings({ alg: "none" })), /alg none/);
			await assert.rejects(async () => start(await settings({ caFile: join(dir, "missing.pem") })), /missing\.pem/);
		});
	});
}
