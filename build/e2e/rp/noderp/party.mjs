// The application: sessions, and what happens at each address.

import { randomBytes } from "node:crypto";
import { Fault, writeFault, writeFront } from "./pages.mjs";
import { inWords, Provider } from "./provider.mjs";

const passed = ["prompt", "max_age", "login_hint", "ui_locales"];
const random = () => randomBytes(24).toString("base64url");

export class Party {
	#settings;
	#cookie;
	#sessions = new Map();
	#provider;
	#routes;

	constructor(settings) {
		this.#settings = settings;
		// Cookies do not know ports: the name keeps several applications on one address apart.
		const { port, protocol } = settings.redirect;
		this.#cookie = `noderp_${port || (protocol === "https:" ? 443 : 80)}`;
		this.#provider = new Provider(settings);
		this.#routes = new Map([
			["/", (c) => writeFront(c)],
			["/login", (c) => this.#login(c)],
			["/refresh", (c) => this.#refresh(c)],
			["/logout", (c) => this.#logout(c)],
			[settings.redirect.pathname, (c) => this.#callback(c)],
			[settings.postLogout.pathname, (c) => this.#signedOut(c)],
		]);
	}

	// handle answers one request. Requests of one session wait for each other.
	async handle(req, res) {
		const url = new URL(req.url, this.#settings.redirect.origin);
		const c = { req, res, url, query: url.searchParams };
		const route = this.#routes.get(url.pathname);
		if (req.method !== "GET" || !route) {
			writeFault(c, new Fault(404, `there is nothing at ${req.method} ${url.pathname}`));
			return;
		}
		const session = this.#session(c);
		c.session = session;
		const before = session.busy;
		let done;
		session.busy = new Promise((resolve) => {
			done = resolve;
		});
		await before;
		try {
			await route(c);
		} catch (err) {
			writeFault(c, err instanceof Fault ? err : new Fault(500, inWords(err)));
		} finally {
			done();
		}
	}

	#session(c) {
		const cookies = (c.req.headers.cookie ?? "").split("; ");
		const key = cookies.find((v) => v.startsWith(`${this.#cookie}=`))?.slice(this.#cookie.length + 1);
		const found = this.#sessions.get(key);
		if (found) return found;
		const session = { logins: new Map(), busy: Promise.resolve() };
		this.#keep(c, session);
		return session;
	}

	// keep gives the session a new key and the browser its cookie.
	#keep(c, session) {
		this.#sessions.delete(session.key);
		session.key = random();
		this.#sessions.set(session.key, session);
		const secure = this.#settings.redirect.protocol === "https:" ? "; Secure" : "";
		c.res.setHeader("Set-Cookie", `${this.#cookie}=${session.key}; Path=/; HttpOnly; SameSite=Lax${secure}`);
	}

	async #login(c) {
		const parameters = {};
		for (const name of passed) {
			const value = c.query.get(name);
			if (value) parameters[name] = value;
		}
		if (parameters.max_age && !/^\d+$/.test(parameters.max_age)) {
			throw new Fault(400, `max_age "${parameters.max_age}" is no number of seconds`);
		}
		const { login, to } = await this.#provider.begin(parameters);
		c.session.logins.set(login.state, login);
		redirect(c, 302, to);
	}

	async #callback(c) {
		const state = c.query.get("state") ?? "";
		const login = c.session.logins.get(state);
		if (!login) throw new Fault(400, `the state "${state}" is not one that this browser was sent away with`);
		c.session.logins.delete(state);
		if (c.query.has("error")) {
			const said = `${c.query.get("error")}: ${c.query.get("error_description") ?? ""}`;
			throw new Fault(403, `the provider refused the sign-in: ${said}`);
		}
		if (!c.query.get("code")) throw new Fault(400, "the callback has neither code nor error");
		c.session.user = { ...(await this.#provider.finish(c.url, login)), count: 0, rotated: false };
		this.#keep(c, c.session);
		redirect(c, 303, "/");
	}

	async #refresh(c) {
		const user = signedIn(c);
		if (!user.refresh) throw new Fault(409, "the provider gave no refresh token");
		const next = await this.#provider.renew(user);
		c.session.user = { ...user, ...next, count: user.count + 1 };
		writeFront(c);
	}

	async #logout(c) {
		const user = signedIn(c);
		c.session.logout = random();
		const to = await this.#provider.logoutURL(user, c.session.logout);
		c.session.user = undefined;
		redirect(c, 302, to);
	}

	#signedOut(c) {
		const state = c.query.get("state") ?? "";
		if (!c.session.logout || state !== c.session.logout) {
			throw new Fault(400, `the state "${state}" is not the one of a logout that began here`);
		}
		c.session.logout = undefined;
		redirect(c, 303, "/");
	}
}

function signedIn(c) {
	if (!c.session.user) throw new Fault(401, "nobody is signed in");
	return c.session.user;
}

function redirect(c, status, to) {
	c.res.writeHead(status, { Location: String(to), "Cache-Control": "no-store" }).end();
}
