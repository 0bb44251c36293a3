// What browser tests with a server of their own share: the server, people, pages that nothing may go wrong on, pictures, mail that arrives,
// and codes as an app shows them.
//
//	const house = await openHouse("examples", { env }); const page = await house.page({ phone: true }); await house.shot(page, "first")

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openBrowser } from "./lan/browser.mjs";

const top = fileURLToPath(new URL("../..", import.meta.url));
const program = process.env.PROGRAM ?? join(top, "build/bin/gatehouse-server");
const out = join(top, "build/bin/e2e");
const token = "e2e-token-0123456789abcdefghijklmnop";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
export const admin = { username: "akadmin", password: "nanoseconds-of-wire" };

// openHouse starts the server, which calls itself login.office.test and is reached as localhost, and a browser. Two houses for one browser need
// two hosts, since cookies ignore ports; the second needs no browser of its own.
export async function openHouse(name, { env = {}, host = "localhost", pages = true } = {}) {
	const work = mkdtempSync(join(tmpdir(), `gatehouse-${name}-`));
	mkdirSync(out, { recursive: true });
	const server = spawn(program, ["serve", "--data", join(work, "data"), "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--name", "login.office.test", "--log-terminal", "true"], {
		env: { ...process.env, GATEHOUSE_BOOTSTRAP_PASSWORD: admin.password, GATEHOUSE_BOOTSTRAP_TOKEN: token, ...env }, stdio: ["ignore", "ignore", "pipe"],
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
	const base = `http://${ready.http}`.replace("127.0.0.1", host);
	const browser = pages ? await openBrowser(work) : null;
	const problems = [];

	async function api(method, path, body, want = method === "POST" ? 201 : 200) {
		const res = await fetch(`${base}/api/v3/${path}`, { method, headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: body && JSON.stringify(body) });
		const text = await res.text();
		assert.equal(res.status, want, `${method} ${path}: ${text}`);
		return text && JSON.parse(text);
	}

	return {
		base, work, api,
		log: () => said,
		one: async (path) => (await api("GET", path)).results[0],
		user: async (name) => (await api("GET", `core/users/?username=${name}`)).results[0],

		async add({ password, ...person }) {
			const { pk } = await api("POST", "core/users/", person);
			await api("POST", `core/users/${pk}/set_password/`, { password }, 204);
			return pk;
		},

		// here gives an address that a mail or a page tells as one of this machine.
		here(link) {
			const url = new URL(link);
			assert.equal(url.hostname, "login.office.test");
			return base + url.pathname + url.search;
		},

		// page opens a browser of its own, with nobody signed in: phone gives a small screen with touch.
		async page({ phone = false, javaScriptEnabled = true, ...more } = {}) {
			const context = await browser.newContext({
				viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 844 }, hasTouch: phone, isMobile: phone, reducedMotion: "reduce", javaScriptEnabled, ...more,
			});
			const page = await context.newPage();
			page.setDefaultTimeout(20_000);
			page.on("pageerror", (problem) => problems.push(`${page.url()}: ${problem}`));
			page.on("console", (m) => {
				if (m.type() !== "error") return;
				const { url } = m.location();
				// A page that refuses is no error, nor is a form that does, nor the portal's question whether this is the desktop window, and whether anybody is signed in.
				if (/^Failed to load resource/.test(m.text()) && (url === page.url() || / 400 /.test(m.text()) || /\/-\/desktop\/info$|\/core\/users\/me\/$/.test(url))) return;
				problems.push(`${page.url()}: ${m.text()} (${m.location().url})`);
			});
			return page;
		},

		// quiet holds that no page had an error since the last time; those of somebody else's pages, below an address, don't count.
		quiet: (but = "none") => assert.deepEqual(problems.splice(0).filter((p) => !p.startsWith(but)), []),

		// shot takes a picture of a page in one or more widths, and lets axe look at it. Without scripts axe can't run, so the picture is all.
		async shot(page, title, widths = [1280, 390], { script = true } = {}) {
			const size = page.viewportSize();
			for (const width of widths) {
				if (widths.length > 1) await page.setViewportSize({ width, height: 844 });
				if (script) await page.waitForFunction(() => !document.querySelector("[aria-busy=true], .mantine-Skeleton-root"));
				await page.screenshot({ path: join(out, `${title}${widths.length > 1 ? `-${width}` : ""}.png`), fullPage: true });
				if (!script) continue;
				assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, `${title} is wider than ${width}`);
				await page.evaluate(axe);
				const found = await page.evaluate((runOnly) => window.axe.run(document, { runOnly }), rules);
				assert.equal(found.violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`).join("\n"), "", `axe on ${title} at ${width}`);
			}
			await page.setViewportSize(size);
		},

		signIn: (page, who) => signIn(page, base, who),

		// me gives the name of whoever is signed in in a page's browser.
		me: async (page) => (await (await page.context().request.get(`${base}/api/v3/core/users/me/`)).json()).user?.username,

		async close() {
			await browser?.close();
			server.kill();
			rmSync(work, { recursive: true, force: true });
		},
	};
}

async function signIn(page, base, who) {
	await page.goto(`${base}/if/flow/default-authentication-flow/?next=/if/user/`);
	await page.getByLabel("E-mail address or username").fill(who.username);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Password", { exact: true }).fill(who.password);
	await page.getByRole("button", { name: "Continue" }).click();
}

// openPost receives mail (RFC 5321, no more of it than a sender needs).
export async function openPost() {
	const mails = [];
	const waiting = [];
	const server = createServer((socket) => {
		let rest = "";
		let data = null;
		let to = [];
		const say = (line) => socket.write(`${line}\r\n`);
		say("220 mail.office.test");
		socket.on("error", () => {}); // a sender that is in a hurry
		socket.setEncoding("utf8").on("data", (d) => {
			rest += d;
			for (let end = rest.indexOf("\r\n"); end >= 0; end = rest.indexOf("\r\n")) {
				const line = rest.slice(0, end);
				rest = rest.slice(end + 2);
				if (data) {
					if (line !== ".") {
						data.push(line.replace(/^\./, ""));
						continue;
					}
					mails.push({ to, raw: data.join("\r\n"), text: plain(data.join("\r\n")) });
					data = null;
					to = [];
					say("250 kept");
					for (const look of waiting.splice(0)) look();
					continue;
				}
				const verb = line.slice(0, 4).toUpperCase();
				if (verb === "RCPT") to.push(line.match(/<([^>]*)>/)[1]);
				if (verb === "DATA") {
					data = [];
					say("354 go on");
				} else if (verb === "QUIT") {
					say("221 bye");
					socket.end();
				} else say("250 fine");
			}
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	return {
		port: server.address().port,
		close: () => server.close(),
		count: () => mails.length,
		// mail waits for the mail with a number, counted from 1.
		async mail(n) {
			const late = AbortSignal.timeout(15_000);
			while (mails.length < n) {
				await new Promise((done, failed) => {
					waiting.push(done);
					late.addEventListener("abort", () => failed(new Error(`mail ${n} did not come`)));
				});
			}
			return mails[n - 1];
		},
	};
}

// plain gives the text part of a mail, decoded.
function plain(raw) {
	const part = raw.split(/\r\n--/).find((p) => /content-type: text\/plain/i.test(p)) ?? raw;
	const at = part.indexOf("\r\n\r\n");
	const body = part.slice(at + 4);
	if (/transfer-encoding: base64/i.test(part.slice(0, at))) return Buffer.from(body.split("\r\n--")[0], "base64").toString();
	if (!/transfer-encoding: quoted-printable/i.test(part.slice(0, at))) return body;
	return Buffer.from(body.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))), "latin1").toString();
}

// steady waits until the code of an app lasts a few seconds more, as people do who see it about to change.
export const steady = () => new Promise((done) => setTimeout(done, Date.now() % 30_000 > 24_000 ? 30_000 - (Date.now() % 30_000) : 0));

// otp is the code of a moment (RFC 6238 with SHA-1 and six digits) for a key in base 32; ahead counts its steps from now.
export function otp(key, ahead = 0) {
	const bits = [...key].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const bytes = Buffer.from(bits.match(/.{8}/g).map((b) => Number.parseInt(b, 2)));
	const moment = Buffer.alloc(8);
	moment.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
	const mac = createHmac("sha1", bytes).update(moment).digest();
	return String((mac.readUInt32BE(mac.at(-1) & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}
