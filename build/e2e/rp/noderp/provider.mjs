// What the application asks of the OpenID provider, each answer checked.

import { createHmac, timingSafeEqual } from "node:crypto";
import * as client from "openid-client";
import { Fault } from "./pages.mjs";

export class Provider {
	#settings;
	#config;

	constructor(settings) {
		this.#settings = settings;
	}

	// ready gives what discovery told; it is asked for at first need and again as long as it failed.
	async #ready() {
		if (this.#config) return this.#config;
		const s = this.#settings;
		// The library checks signatures of ID tokens from the token endpoint only when told to, and HS256 not at all (see signed).
		const execute = s.alg === "HS256" ? [] : [client.enableNonRepudiationChecks];
		const config = await ask("discovery", () =>
			client.discovery(new URL(s.issuer), s["client-id"], { id_token_signed_response_alg: s.alg }, clientAuth(s), {
				execute,
				timeout: 15,
			}),
		);
		const meta = config.serverMetadata();
		if (meta.issuer !== s.issuer) throw new Fault(502, `discovery gives "${meta.issuer}" as issuer, expected "${s.issuer}"`);
		for (const name of ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"]) {
			if (!meta[name]?.startsWith("https://")) throw new Fault(502, `discovery gives "${meta[name]}" as ${name}, which is no https URL`);
		}
		if (!meta.supportsPKCE("S256")) throw new Fault(502, "discovery does not offer PKCE with S256");
		this.#config = config;
		return config;
	}

	// begin gives a sign-in to remember and the address to send the browser to.
	async begin(parameters) {
		const config = await this.#ready();
		const login = {
			state: client.randomState(),
			nonce: client.randomNonce(),
			verifier: client.randomPKCECodeVerifier(),
			maxAge: parameters.max_age === undefined ? undefined : Number(parameters.max_age),
		};
		const to = client.buildAuthorizationUrl(config, {
			...parameters,
			redirect_uri: this.#settings.redirect.href,
			scope: this.#settings.scopes,
			state: login.state,
			nonce: login.nonce,
			code_challenge: await client.calculatePKCECodeChallenge(login.verifier),
			code_challenge_method: "S256",
		});
		return { login, to };
	}

	// finish redeems the code of a callback.
	async finish(url, login) {
		const config = await this.#ready();
		const tokens = await ask("the code", () =>
			client.authorizationCodeGrant(config, url, {
				pkceCodeVerifier: login.verifier,
				expectedState: login.state,
				expectedNonce: login.nonce,
				maxAge: login.maxAge,
				idTokenExpected: true,
			}),
		);
		return { ...(await this.#identify(config, tokens)), nonce: login.nonce, refresh: tokens.refresh_token };
	}

	// renew uses the refresh token and gives what changes; the newest refresh token is kept even when a check fails.
	async renew(user) {
		const config = await this.#ready();
		const tokens = await ask("the refresh token", () => client.refreshTokenGrant(config, user.refresh));
		user.rotated = tokens.refresh_token !== undefined && tokens.refresh_token !== user.refresh;
		user.refresh = tokens.refresh_token ?? user.refresh;
		const next = await this.#identify(config, tokens);
		const { sub, nonce, auth_time: at } = next.claims;
		if (sub !== user.claims.sub || (at !== undefined && at !== user.claims.auth_time)) {
			const old = user.claims;
			throw new Fault(502, `the refreshed ID token has sub "${sub}" and auth_time ${at}, the one before "${old.sub}" and ${old.auth_time}`);
		}
		if (nonce !== undefined && nonce !== user.nonce) {
			throw new Fault(502, `the refreshed ID token has nonce "${nonce}", sent was "${user.nonce}"`);
		}
		return { ...next, rotated: user.rotated, refresh: user.refresh };
	}

	// identify gives the claims of an answer's ID token, compared with userinfo.
	async #identify(config, tokens) {
		const claims = tokens.claims();
		if (!claims) throw new Fault(502, "the token answer has no id_token");
		if (this.#settings.alg === "HS256") this.#signed(tokens.id_token);
		const userinfo = await ask("userinfo", () => client.fetchUserInfo(config, tokens.access_token, claims.sub));
		return { claims, userinfo, idToken: tokens.id_token };
	}

	#signed(idToken) {
		const [header, body, signature] = idToken.split(".");
		const want = createHmac("sha256", this.#settings["client-secret"]).update(`${header}.${body}`).digest();
		const got = Buffer.from(signature, "base64url");
		if (got.length !== want.length || !timingSafeEqual(got, want)) throw new Fault(502, "the ID token's HS256 signature is wrong");
	}

	// logoutURL is where RP-initiated logout begins.
	async logoutURL(user, state) {
		const config = await this.#ready();
		const { end_session_endpoint: end } = config.serverMetadata();
		if (!end?.startsWith("https://")) {
			throw new Fault(502, `discovery gives "${end}" as end_session_endpoint, which is no https URL`);
		}
		return client.buildEndSessionUrl(config, {
			id_token_hint: user.idToken,
			post_logout_redirect_uri: this.#settings.postLogout.href,
			state,
		});
	}
}

function clientAuth({ "client-secret": secret, auth }) {
	if (!secret) return client.None();
	return auth === "basic" ? client.ClientSecretBasic(secret) : client.ClientSecretPost(secret);
}

// ask turns whatever the library throws into a fault of the provider, told in words.
async function ask(what, f) {
	try {
		return await f();
	} catch (err) {
		throw err instanceof Fault ? err : new Fault(502, `${what} failed: ${inWords(err)}`);
	}
}

// inWords gives the messages of an error and its causes, and what the provider said.
export function inWords(err) {
	const words = [];
	for (let e = err; e instanceof Error; e = e.cause) {
		words.push(e.code ? `${e.message} (${e.code})` : e.message);
		if (e.cause instanceof Response) words.push(`the provider answered ${e.cause.status}`);
		if (e.error) words.push(`the provider said ${e.status ?? ""} ${e.error}: ${e.error_description ?? ""}`);
	}
	return words.join(": ");
}
