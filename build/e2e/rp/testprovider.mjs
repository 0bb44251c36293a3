// A small OpenID provider for testing the relying parties, with the addresses and habits of Gatehouse, that lies on request.
// It has no pages: everybody is Ada, and an authorization request is answered at once.

import { createHash, createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const base64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const random = () => randomBytes(16).toString("hex");
const now = () => Math.floor(Date.now() / 1000);

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const keys = { RS256: rsa(), ES256: ec() };
const otherKeys = { RS256: rsa(), ES256: ec() };

export class TestProvider {
	clientID = "demo";
	secret = "not a real secret, but long enough: + % & =";
	lie = ""; // what the next answers get wrong
	tokenRequests = [];
	#codes = new Map();
	#refreshTokens = new Set();
	#accessTokens = new Set();
	#server;

	// listen serves with the certificate that ca.sh made for host in dir.
	async listen(dir, { host = "127.0.0.1", address = host, port = 0 } = {}) {
		const read = (name) => readFileSync(`${dir}/${name}`);
		const tls = { cert: read(`${host}.pem`), key: read(`${host}.key`) };
		this.#server = createServer(tls, (req, res) => this.#serve(req, res).catch((err) => res.writeHead(500).end(err.message)));
		await new Promise((resolve) => {
			this.#server.listen(port, address, resolve);
		});
		this.origin = `https://${host}:${this.#server.address().port}`;
		this.issuer = `${this.origin}/application/o/demo/`;
	}

	close() {
		this.#server.closeAllConnections();
		this.#server.close();
	}

	// authorize answers the authorization request with the address that the browser would be sent back to.
	authorize(location) {
		const q = new URL(location).searchParams;
		const want = { client_id: this.clientID, response_type: "code", code_challenge_method: "S256" };
		for (const [name, value] of Object.entries(want)) {
			if (q.get(name) !== value) throw new Error(`authorization request: ${name} is ${q.get(name)}, not ${value}`);
		}
		const code = random();
		this.#codes.set(code, {
			nonce: q.get("nonce") ?? undefined,
			challenge: q.get("code_challenge"),
			redirect: q.get("redirect_uri"),
			scope: q.get("scope"),
		});
		const back = new URL(q.get("redirect_uri"));
		back.searchParams.set("code", code);
		back.searchParams.set("state", q.get("state"));
		return back;
	}

	async #serve(req, res) {
		let body = "";
		for await (const chunk of req) body += chunk;
		const answer = (status, value) => {
			res.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" }).end(JSON.stringify(value));
		};
		const url = new URL(req.url, this.origin);
		switch (url.pathname) {
			case "/":
				return res.writeHead(200, { "Content-Type": "text/html" }).end("<title>Test provider</title>");
			case "/application/o/authorize/":
				return res.writeHead(302, { Location: this.authorize(url).href }).end();
			case "/application/o/demo/end-session/": {
				const back = new URL(url.searchParams.get("post_logout_redirect_uri"));
				back.searchParams.set("state", url.searchParams.get("state"));
				return res.writeHead(302, { Location: back.href }).end();
			}
			case "/application/o/demo/.well-known/openid-configuration":
				return answer(200, this.#discovery());
			case "/application/o/demo/jwks/":
				return answer(200, {
					keys: ["RS256", "ES256"].map((alg) => ({
						...createPublicKey(keys[alg]).export({ format: "jwk" }),
						kid: alg,
						alg,
						use: "sig",
					})),
				});
			case "/application/o/token/":
				return this.#token(req, new URLSearchParams(body), answer);
			case "/application/o/userinfo/":
				if (this.lie === "userinfo refuses" || !this.#accessTokens.has(req.headers.authorization?.replace("Bearer ", ""))) {
					return res.writeHead(401, { "WWW-Authenticate": 'error="invalid_token"' }).end();
				}
				return answer(200, { ...this.#person(), sub: /another person|userinfo is/.test(this.lie) ? "eve" : "ada" });
			default:
				return answer(404, {});
		}
	}

	#discovery() {
		const doc = {
			issuer: this.lie === "discovery has another issuer" ? "https://login.example.com/application/o/demo/" : this.issuer,
			authorization_endpoint: `${this.origin}/application/o/authorize/`,
			token_endpoint: `${this.origin}/application/o/token/`,
			userinfo_endpoint: `${this.origin}/application/o/userinfo/`,
			end_session_endpoint: `${this.origin}/application/o/demo/end-session/`,
			jwks_uri: `${this.origin}/application/o/demo/jwks/`,
			response_types_supported: ["code"],
			id_token_signing_alg_values_supported: [this.alg],
			subject_types_supported: ["public"],
			token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
			code_challenge_methods_supported: this.lie === "discovery lacks S256" ? ["plain"] : ["plain", "S256"],
		};
		if (this.lie === "discovery has no end_session_endpoint") delete doc.end_session_endpoint;
		if (this.lie === "discovery has a plain token endpoint") doc.token_endpoint = doc.token_endpoint.replace("https:", "http:");
		return doc;
	}

	#token(req, form, answer) {
		const basic = /^Basic (.+)$/.exec(req.headers.authorization ?? "")?.[1];
		const given = basic ? Buffer.from(basic, "base64").toString() : `${form.get("client_id")}:${form.get("client_secret")}`;
		const known = [`${this.clientID}:${this.secret}`, `${this.clientID}:${encodeURIComponent(this.secret).replaceAll("%20", "+")}`];
		this.tokenRequests.push(basic ? "basic" : "post");
		if (!known.includes(given)) return answer(400, { error: "invalid_client", error_description: "wrong client or secret" });
		const grant = form.get("grant_type") === "refresh_token" ? this.#renewed(form) : this.#redeemed(form);
		if (!grant || this.lie === "the token endpoint refuses") {
			return answer(400, { error: "invalid_grant", error_description: "no such grant" });
		}
		const accessToken = random();
		this.#accessTokens.add(accessToken);
		const reply = { access_token: accessToken, token_type: "Bearer", expires_in: 3600, id_token: this.#idToken(grant) };
		if (this.lie === "there is no ID token") delete reply.id_token;
		if (grant.offline) {
			reply.refresh_token = random();
			this.#refreshTokens.add(reply.refresh_token);
		}
		return answer(200, reply);
	}

	#redeemed(form) {
		const code = this.#codes.get(form.get("code"));
		this.#codes.delete(form.get("code"));
		const challenge = createHash("sha256")
			.update(form.get("code_verifier") ?? "")
			.digest("base64url");
		if (!code || code.challenge !== challenge || code.redirect !== form.get("redirect_uri")) return undefined;
		return { nonce: code.nonce, offline: code.scope.split(" ").includes("offline_access") };
	}

	#renewed(form) {
		return this.#refreshTokens.delete(form.get("refresh_token")) ? { offline: true } : undefined;
	}

	#person() {
		return { sub: "ada", preferred_username: "ada", name: "Ada <Lovelace>", email: "ada@office.test", groups: ["staff"] };
	}

	#idToken({ nonce }) {
		const claims = {
			iss: this.issuer,
			aud: this.clientID,
			iat: now(),
			exp: now() + 300,
			auth_time: this.signedInAt ?? now(),
			...this.#person(),
			nonce,
		};
		this.signedInAt = claims.auth_time;
		let alg = this.alg;
		let key = keys[alg];
		switch (this.lie) {
			case "another nonce":
				claims.nonce = "another";
				break;
			case "no nonce":
				delete claims.nonce;
				break;
			case "another issuer":
				claims.iss = "https://login.example.com/application/o/demo/";
				break;
			case "another audience":
				claims.aud = "somebody-else";
				break;
			case "an expired ID token":
				claims.iat -= 3600;
				claims.exp -= 3600;
				break;
			case "an old sign-in":
				claims.auth_time -= 7200;
				break;
			case "another person":
				claims.sub = "eve";
				break;
			case "another key":
				key = otherKeys[alg];
				break;
			case "no signature":
				alg = "none";
				break;
			case "the public key as a secret":
				alg = "HS256";
				key = createPublicKey(key ?? keys.RS256).export({ format: "pem", type: "spki" });
				break;
		}
		const head = `${base64({ alg, typ: "JWT", ...(keys[alg] && { kid: alg }) })}.${base64(claims)}`;
		return `${head}.${this.#signature(alg, head, key)}`;
	}

	#signature(alg, head, key) {
		if (alg === "none") return "";
		if (alg === "HS256")
			return createHmac("sha256", key ?? (this.lie === "another secret" ? "wrong" : this.secret))
				.update(head)
				.digest("base64url");
		return sign("sha256", Buffer.from(head), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
	}
}
