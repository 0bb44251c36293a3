// Other people's OAuth clients against a server of its own: npm oauth4webapi with everything that goes beyond a plain code (pushed requests,
// DPoP with a nonce, resources, device codes, client_credentials, introspection, revocation, registration), and a relying party on
// zitadel/oidc. People sign in as programs do, through the flow executor. PROGRAM names another server program.
//
//	node --test build/e2e/oauth.test.mjs

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import * as oauth from "oauth4webapi";
import { startGo } from "./rp/start.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const program = process.env.PROGRAM ?? here("../bin/gatehouse-server");
const token = "e2e-token-0123456789abcdefghijklmnop";
const ada = { username: "ada", password: "notes-on-the-engine" };
const work = mkdtempSync(join(tmpdir(), "gatehouse-oauth-"));
const plain = { [oauth.allowInsecureRequests]: true };
let server;
let base;

async function api(method, path, body, want = method === "POST" ? 201 : 200) {
	const res = await fetch(`${base}/api/v3/${path}`, { method, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
	const text = await res.text();
	assert.equal(res.status, want, `${method} ${path}: ${text}`);
	return text && JSON.parse(text);
}

before(async () => {
	server = spawn(program, ["serve", "--data", join(work, "data"), "--http", "127.0.0.1:0", "--https", "127.0.0.1:0"], {
		env: { ...process.env, GATEHOUSE_BOOTSTRAP_PASSWORD: "nanoseconds-of-wire", GATEHOUSE_BOOTSTRAP_TOKEN: token }, stdio: ["ignore", "ignore", "pipe"],
	});
	let said = "";
	const ready = await new Promise((done, failed) => {
		server.stderr.setEncoding("utf8").on("data", (d) => {
			said += d;
			const line = said.split("\n").find((l) => l.includes('"event":"ready"'));
			if (line) done(JSON.parse(line));
		});
		server.on("exit", () => failed(new Error(`the server ended: ${said}`)));
	});
	base = `http://${ready.http}`;
	const { pk } = await api("POST", "core/users/", { username: ada.username, name: "Ada", email: "ada@office.test" });
	await api("POST", `core/users/${pk}/set_password/`, { password: ada.password }, 204);
});
after(() => {
	server?.kill();
	rmSync(work, { recursive: true, force: true });
});

// Browser keeps cookies of each origin and follows redirects by itself, through flows too.
class Browser {
	jars = {};
	async go(url, init = {}) {
		const at = new URL(url, base);
		const jar = (this.jars[at.origin] ??= {});
		const headers = { ...init.headers, cookie: Object.entries(jar).map(([k, v]) => `${k}=${v}`).join("; ") };
		if (jar.authentik_csrf) headers["X-authentik-CSRF"] = jar.authentik_csrf;
		const res = await fetch(at, { redirect: "manual", ...init, headers });
		for (const line of res.headers.getSetCookie()) {
			const [pair] = line.split(";");
			jar[pair.slice(0, pair.indexOf("="))] = pair.slice(pair.indexOf("=") + 1);
		}
		return res;
	}
	async step(path, answer) {
		let res = await this.go(path, answer && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(answer) });
		while (res.status === 302) res = await this.go(res.headers.get("location"));
		assert.equal(res.status, 200, await res.clone().text());
		return res.json();
	}
	// flow answers a flow's challenges until it leads somewhere else.
	async flow(slug, query) {
		const path = `/api/v3/flows/executor/${slug}/?query=${encodeURIComponent(query)}`;
		let out = await this.step(path);
		for (let i = 0; i < 8 && out.type !== "redirect"; i++) {
			if (out.component === "ak-stage-identification") out = await this.step(path, { uid_field: ada.username });
			else if (out.component === "ak-stage-password") out = await this.step(path, { password: ada.password });
			else if (out.component === "ak-stage-consent") out = await this.step(path, { token: out.token });
			else if (out.component === "ak-provider-oauth2-device-code-finish") return undefined;
			else assert.fail(`the flow asks ${JSON.stringify(out)}`);
		}
		return out.to;
	}
	// open follows an address until it leads to one that begins with until, or a page stays.
	async open(url, until) {
		for (let i = 0; i < 12; i++) {
			if (until && String(url).startsWith(until)) return new URL(url);
			const res = await this.go(url);
			const to = res.headers.get("location");
			if (res.status !== 302 && res.status !== 303) return res;
			const next = new URL(to, new URL(url, base));
			const slug = /^\/if\/flow\/([^/]+)\/$/.exec(next.pathname);
			url = slug && next.origin === base ? await this.flow(slug[1], next.search.slice(1)) : next.href;
			if (!url) return undefined;
		}
		assert.fail("too many redirects");
	}
}

async function application(name, redirect, more = {}) {
	const made = await api("POST", "gatehouse/applications/", { name, redirect_uris: redirect, access: "everyone" });
	const { pk, client_id } = made.provider;
	await api("PATCH", `gatehouse/providers/oauth2/${pk}/beyond/`, more);
	const as = await oauth.processDiscoveryResponse(
		new URL(`${base}/application/o/${made.application.slug}/`),
		await oauth.discoveryRequest(new URL(`${base}/application/o/${made.application.slug}/`), plain),
	);
	return { as, client: { client_id }, auth: oauth.ClientSecretPost(made.values.find((v) => v.id === "client_secret").value), pk };
}

test("oauth4webapi: pushed request, code, DPoP with a nonce, a resource, userinfo, refresh, introspection, revocation", async () => {
	const redirect = "https://wiki.office.test/callback";
	const resource = "https://api.office.test/";
	const { as, client, auth } = await application("Wiki", redirect, {
		require_pushed_authorization_requests: true, dpop_bound_access_tokens: true, dpop_nonce_required: true, resources: resource,
	});
	const DPoP = oauth.DPoP(client, await oauth.generateKeyPair("ES256"));
	const again = async (ask) => {
		try {
			return await ask();
		} catch (err) {
			if (!oauth.isDPoPNonceError(err)) throw err;
			return ask();
		}
	};
	const verifier = oauth.generateRandomCodeVerifier();
	const state = oauth.generateRandomState();
	const nonce = oauth.generateRandomNonce();
	const params = new URLSearchParams({
		redirect_uri: redirect, response_type: "code", scope: "openid email offline_access", state, nonce, resource, login_hint: "ada",
		code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256", claims: JSON.stringify({ userinfo: { nickname: null } }),
	});
	const pushed = await again(async () =>
		oauth.processPushedAuthorizationResponse(as, client, await oauth.pushedAuthorizationRequest(as, client, auth, params, { DPoP, ...plain })),
	);
	const browser = new Browser();
	const to = await browser.open(`${as.authorization_endpoint}?${new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri })}`, redirect);
	const answer = oauth.validateAuthResponse(as, client, to, state);
	assert.equal(to.searchParams.get("iss"), as.issuer);
	const grant = () => oauth.authorizationCodeGrantRequest(as, client, auth, answer, redirect, verifier, { DPoP, ...plain });
	const tokens = await again(async () => oauth.processAuthorizationCodeResponse(as, client, await grant(), { expectedNonce: nonce, requireIdToken: true }));
	assert.equal(tokens.token_type, "dpop");
	const { sub } = oauth.getValidatedIdTokenClaims(tokens);
	const person = await again(async () => oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...plain })));
	assert.deepEqual([person.email, person.nickname, person.name], ["ada@office.test", "ada", undefined]);
	const refreshed = await again(async () =>
		oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, { DPoP, ...plain })),
	);
	const known = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, refreshed.access_token, plain));
	assert.deepEqual([known.active, known.aud, known.token_type, typeof known.cnf.jkt], [true, resource, "DPoP", "string"]);
	await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, refreshed.access_token, plain));
	const gone = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, refreshed.access_token, plain));
	assert.equal(gone.active, false);
	// The code is good once, and what it brought ends with its second use.
	await assert.rejects(async () => again(async () => oauth.processAuthorizationCodeResponse(as, client, await grant())), { error: "invalid_grant" });
});

test("oauth4webapi: client_credentials", async () => {
	const { as, client, auth } = await application("Robot", "https://robot.office.test/cb");
	const out = await oauth.processClientCredentialsResponse(as, client, await oauth.clientCredentialsGrantRequest(as, client, auth, { scope: "openid profile" }, plain));
	assert.equal(out.token_type, "bearer");
	const known = await oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, out.access_token, plain));
	assert.deepEqual([known.active, known.scope], [true, "openid profile"]);
});

test("oauth4webapi: a device with a code", async () => {
	const { as, client, auth } = await application("Television", "https://tv.office.test/cb");
	const flow = await api("POST", "flows/instances/", { name: "Device", slug: "device", title: "Device", designation: "stage_configuration" });
	const brand = (await api("GET", "core/brands/")).results[0];
	await api("PATCH", `core/brands/${brand.brand_uuid}/`, { flow_device_code: flow.pk });
	const waits = await oauth.processDeviceAuthorizationResponse(as, client, await oauth.deviceAuthorizationRequest(as, client, auth, { scope: "openid email" }, plain));
	const ask = async () => oauth.processDeviceCodeResponse(as, client, await oauth.deviceCodeGrantRequest(as, client, auth, waits.device_code, plain));
	await assert.rejects(ask, { error: "authorization_pending" });
	await new Browser().open(waits.verification_uri_complete);
	const tokens = await ask();
	const { sub } = oauth.getValidatedIdTokenClaims(tokens);
	const person = await oauth.processUserInfoResponse(as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token, plain));
	assert.equal(person.email, "ada@office.test");
});

test("oauth4webapi: an application registers itself", async () => {
	const { as } = await application("Door", "https://door.office.test/cb");
	assert.equal(as.registration_endpoint, undefined);
	const initial = await api("POST", "gatehouse/oauth2/registration/token/");
	await api("PUT", "gatehouse/oauth2/registration/", { enabled: true });
	const next = await oauth.processDiscoveryResponse(new URL(as.issuer), await oauth.discoveryRequest(new URL(as.issuer), plain));
	const made = await oauth.processDynamicClientRegistrationResponse(
		await oauth.dynamicClientRegistrationRequest(next, { redirect_uris: ["https://self.office.test/cb"], client_name: "Self" }, { initialAccessToken: initial.token, ...plain }),
	);
	assert.ok(made.client_id && made.client_secret);
	await api("PUT", "gatehouse/oauth2/registration/", { enabled: false });
});

test("zitadel/oidc's relying party signs somebody in", async () => {
	const port = await new Promise((done) => {
		const s = createServer().listen(0, "127.0.0.1", () => {
			const { port } = s.address();
			s.close(() => done(port));
		});
	});
	const redirect = `http://127.0.0.1:${port}/callback`;
	const made = await api("POST", "gatehouse/applications/", { name: "Zitadel", redirect_uris: redirect, access: "everyone" });
	const bin = join(work, "zitadelrp");
	execFileSync("go", ["build", "-o", bin, "."], { cwd: here("rp/zitadelrp"), stdio: "inherit" });
	const rp = await startGo({
		program: bin, issuer: `${base}/application/o/zitadel/`, "client-id": made.provider.client_id, "redirect-url": redirect, listen: `127.0.0.1:${port}`,
		"client-secret": made.values.find((v) => v.id === "client_secret").value,
	});
	try {
		const res = await new Browser().open(`http://127.0.0.1:${port}/login`);
		const out = await res.json();
		assert.deepEqual([res.status, out.name, out.email], [200, "ada", "ada@office.test"]);
		assert.ok(out.sub && out.sub === out.userinfo_sub && out.sub === out.refreshed_sub, JSON.stringify(out));
	} finally {
		await rp.stop();
	}
});
