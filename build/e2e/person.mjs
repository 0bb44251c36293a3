// A person on the network without a browser's script: cookies, redirects and the forms of the sign-in pages, over HTTPS by the server's
// name with Gatehouse's own authority. Needs no packages.
//
//	const ada = new Person({ name: "login.office.test", port: 9443, ca });
//	await ada.begin({ client_id, redirect_uri }); await ada.answer({ uid_field: "ada" }); await ada.answer({ password }); ada.code

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:https";

const text = (html) => html.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replaceAll("&#x27;", "'").replaceAll("&#x2B;", "+")
	.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");

export class Person {
	#cookies = new Map();
	#at;
	#page = "";
	#app;
	code = ""; // what the application got in the end

	constructor({ name, port, ca }) {
		this.to = { host: "127.0.0.1", port, servername: name, ca, agent: false };
		this.base = `https://${name}:${port}`;
	}

	// ask sends one request and gives status, headers and text.
	ask(method, url, form, headers = {}) {
		const to = new URL(url, this.base);
		const body = form && new URLSearchParams(form).toString();
		return new Promise((done, failed) => {
			const r = request({
				...this.to, method, path: to.pathname + to.search, timeout: 10_000,
				headers: {
					host: to.host, accept: "text/html", cookie: [...this.#cookies].map(([k, v]) => `${k}=${v}`).join("; "),
					...(form && { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body), origin: this.base }), ...headers,
				},
			}, (res) => {
				let said = "";
				res.setEncoding("utf8").on("data", (d) => {
					said += d;
				}).on("end", () => done({ status: res.statusCode, headers: res.headers, text: said }));
				for (const c of res.headers["set-cookie"] ?? []) {
					const [, k, v] = c.match(/^([^=]+)=([^;]*)/);
					this.#cookies.set(k, v);
				}
			});
			r.on("error", failed).on("timeout", () => r.destroy(new Error(`${to} does not answer`)));
			r.end(body);
		});
	}

	// go follows redirects until a page is there or the application is reached.
	async #go(method, url, form) {
		for (let i = 0; i < 12; i++) {
			const res = await this.ask(method, url, form);
			if (!res.headers.location) {
				assert.equal(res.status, 200, `${url}: ${res.text.slice(0, 500)}`);
				this.#at = url;
				this.#page = res.text;
				return;
			}
			const next = new URL(res.headers.location, new URL(url, this.base));
			if (next.origin !== this.base) {
				assert.ok(next.href.startsWith(this.#app.redirect_uri), `sent to ${next}`);
				assert.equal(next.searchParams.get("state"), this.#app.state);
				this.code = next.searchParams.get("code") ?? "";
				this.#page = "";
				return;
			}
			[method, url, form] = ["GET", next.href, undefined];
		}
		assert.fail(`too many redirects at ${url}`);
	}

	// begin comes from an application, with PKCE.
	async begin({ client_id, redirect_uri }) {
		const verifier = randomBytes(32).toString("base64url");
		this.#app = { client_id, redirect_uri, verifier, state: randomBytes(8).toString("hex") };
		const query = new URLSearchParams({
			client_id, redirect_uri, response_type: "code", scope: "openid email profile", state: this.#app.state,
			code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
		});
		await this.#go("GET", `${this.base}/application/o/authorize/?${query}`);
	}

	// asks says whether the page has a field.
	asks(field) {
		return new RegExp(`<input[^>]* name="${field}"`).test(this.#page);
	}

	// answer fills the form of the page and sends it.
	async answer(values) {
		for (const field of Object.keys(values)) assert.ok(this.asks(field), `no ${field} on ${this.#at}: ${this.#page.slice(0, 800)}`);
		const form = this.#page.match(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/i)[0];
		const hidden = [...form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(([, k, v]) => [text(k), text(v)]);
		const action = form.match(/^<form[^>]* action="([^"]*)"/)?.[1];
		await this.#go("POST", action ? new URL(text(action), this.#at).href : this.#at, { ...Object.fromEntries(hidden), ...values });
	}

	// tokens gives the application's tokens for the code.
	async tokens(client_secret) {
		const { client_id, redirect_uri, verifier } = this.#app;
		const res = await this.ask("POST", "/application/o/token/", {
			grant_type: "authorization_code", code: this.code, redirect_uri, code_verifier: verifier, client_id, client_secret,
		});
		assert.equal(res.status, 200, res.text);
		return JSON.parse(res.text);
	}

	// userinfo gives what the application learns.
	async userinfo(token) {
		const res = await this.ask("GET", "/application/o/userinfo/", undefined, { authorization: `Bearer ${token}` });
		assert.equal(res.status, 200, res.text);
		return JSON.parse(res.text);
	}
}
