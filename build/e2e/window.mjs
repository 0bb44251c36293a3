// The window's scenario: a problem told in words, the way in, the wizard and a form, files, links, hiding, raising, crashes of the server,
// of the window and of its page, another version, start at login, and the end. window.sh sets the stage; arguments: folder with the programs (and for screenshots), scratch folder.

import { execFileSync, spawn } from "node:child_process";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { attach, keys, until, windows, write } from "./inspector.mjs";
import { Person } from "./person.mjs";
import { admin, name, redirect, wizard } from "./window-wizard.mjs";

const [out, scratch] = process.argv.slice(2, 4).map((p) => resolve(p));
const data = join(scratch, "data");
const freePort = () =>
	new Promise((done) => {
		const s = createServer().listen(0, "127.0.0.1", () => {
			const { port } = s.address();
			s.close(() => done(port));
		});
	});
const [inspectorPort, http, https] = [await freePort(), await freePort(), await freePort()];
const flags = ["--data", data, "--http", `127.0.0.1:${http}`, "--https", `127.0.0.1:${https}`];
const started = new Set();

// The system's browser writes down what it is asked to open.
const [bin, opened, files] = [join(scratch, "bin"), join(scratch, "opened"), join(scratch, "files")];
mkdirSync(bin);
mkdirSync(files);
writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\nprintf '%s\\n' "$@" >>${opened}\n`, { mode: 0o755 });
const lastOpened = () => existsSync(opened) && readFileSync(opened, "utf8").trimEnd().split("\n").at(-1);

function start(program, args, env = {}) {
	const p = spawn(program, args, {
		stdio: ["ignore", "ignore", "pipe"],
		env: { ...process.env, PATH: `${bin}:${process.env.PATH}`, WEBKIT_INSPECTOR_HTTP_SERVER: `127.0.0.1:${inspectorPort}`, ...env },
	});
	let said = "";
	p.stderr.on("data", (d) => {
		said += d;
	});
	p.ended = new Promise((done) => p.on("exit", (code, signal) => done({ code, signal, said })));
	started.add(p);
	p.ended.then(() => started.delete(p));
	return p;
}

const openWindow = (...more) => start(join(out, "gatehouse"), [...flags, ...more]);
// clean waits for a window's end, which must be one without a fault.
async function clean(p) {
	const { code, signal, said } = await p.ended;
	assert.equal(code, 0, `code ${code}, signal ${signal}: ${said}`);
}
const serverPID = () => JSON.parse(readFileSync(join(data, "gatehouse.lock"), "utf8")).pid;
const alive = (pid) => {
	try {
		process.kill(pid, 0);
		return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
	} catch {
		return false;
	}
};
const healthy = async () => {
	const res = await fetch(`http://127.0.0.1:${http}/-/health/live/`);
	return res.status === 204 || res.status === 200;
};
const step = (what) => console.log(`window: ${what}`);

// verb asks the window's own part of the server as a page does, and gives the status.
const verb = (page, what, body, csrf = true) =>
	page.evaluate(`fetch("/-/desktop/${what}", {
		method: "POST", body: ${body},
		headers: ${csrf} ? { "X-authentik-CSRF": document.cookie.match(/gh_desktop_csrf=([^;]+)/)[1] } : {},
	}).then((r) => r.status)`);

// saveAs answers the save dialog; without a name it is given up.
async function saveAs(proposed, file) {
	const title = `^Save ${proposed.replaceAll(".", "\\.")}$`;
	const [id] = await until(`the dialog for ${proposed}`, async () => {
		const all = await windows(title);
		return all.length && all;
	});
	execFileSync("xdotool", ["windowfocus", "--sync", id]);
	if (file) {
		await keys("ctrl+a");
		await write(file);
		await keys("Return");
	} else await keys("Escape");
	await until("the end of the dialog", async () => !(await windows(title)).length);
	if (file) await until(file, () => existsSync(file));
}

// children gives the processes below another that have a name.
function children(of, title) {
	const all = readdirSync("/proc").filter((n) => /^\d+$/.test(n)).flatMap((pid) => {
		try {
			const [, comm, ppid] = readFileSync(`/proc/${pid}/stat`, "utf8").match(/^\d+ \((.*)\) \S (\d+)/s);
			return [{ pid: Number(pid), comm, ppid: Number(ppid) }];
		} catch {
			return [];
		}
	});
	const below = (pid) => all.filter((p) => p.ppid === pid).flatMap((p) => [p, ...below(p.pid)]);
	return below(of).filter((p) => p.comm.startsWith(title)).map((p) => p.pid);
}

// halfDone begins a sign-in on the network; finish answers the rest of it and looks at what the application gets.
async function halfDone(app, ca, password) {
	const person = new Person({ name, port: https, ca });
	await person.begin({ client_id: app.client_id, redirect_uri: redirect });
	await person.answer({ uid_field: admin.username });
	assert.ok(person.asks("password"));
	if (password) await person.answer({ password: admin.password });
	return {
		person,
		finish: async () => {
			if (!password) await person.answer({ password: admin.password });
			assert.ok(person.code, "no code came");
			const got = await person.tokens(app.client_secret);
			const who = await person.userinfo(got.access_token);
			assert.deepEqual([who.preferred_username, who.email, who.name], [admin.username, admin.email, admin.name]);
		},
	};
}

async function scenario() {
	step("a taken port is told in words, and trying again works");
	const squatter = createServer().listen(http, "127.0.0.1");
	await new Promise((done) => squatter.on("listening", done));
	let w = openWindow();
	let page = await attach(inspectorPort);
	await page.waitFor("#problem", `127.0.0.1:${http}`, 30);
	await page.screenshot(join(out, "window-problem.png"));
	assert.equal(await page.evaluate("document.activeElement.id"), "again");
	await new Promise((done) => squatter.close(done));
	await page.click("#again");

	step("the window gets in and loads its page from the loopback listener");
	await page.waitForURL("http://127.0.0.1:");
	assert.ok(!(await page.url()).includes("t="), "the ticket stayed in the address");
	await until("the page", () => page.evaluate("document.readyState === 'complete'"));
	assert.equal(await page.evaluate("typeof window.go?.app?.Shell?.EnterURL === 'function' ? 'bound' : 'free'"), "free", "a page of the server can call the window's methods");
	await until("the server", healthy);
	const app = await wizard(page, { out, https, step });
	await page.evaluate("void (location.hash = '#/')");
	await page.waitFor("main", "The server is running");
	await page.waitFor("main", "Signed in: "); // the chart comes last
	const [frame] = await windows("^Gatehouse$");
	execFileSync("import", ["-window", frame, "-frame", join(out, "window.png")]);
	const ca = await (await fetch(`http://127.0.0.1:${http}/trust/ca.pem`)).text();

	step("a file is saved where the person says, whole and for its owner only");
	const bytes = "(() => { const b = new Uint8Array(5_000_000); for (let i = 0; i < b.length; i++) b[i] = (i * 31 + (i >> 8)) & 255; return b; })()";
	const b = Buffer.alloc(5_000_000);
	for (let i = 0; i < b.length; i++) b[i] = (i * 31 + (i >> 8)) & 255;
	assert.equal(await verb(page, "save?name=metadata.bin", bytes), 204);
	await saveAs("metadata.bin");
	assert.equal(await verb(page, "save?name=..%2F..%2Fmetadata.bin", bytes), 204);
	await saveAs("metadata.bin", join(files, "one.bin"));
	const hash = (x) => createHash("sha256").update(x).digest("hex");
	assert.equal(hash(readFileSync(join(files, "one.bin"))), hash(b));
	assert.equal(statSync(join(files, "one.bin")).mode & 0o777, 0o600);
	assert.deepEqual(readdirSync(files), ["one.bin"], "giving up left a file");
	assert.equal(await verb(page, "save?name=x", '"x"', false), 403);

	step("a backup from the settings is a file that restores");
	await page.evaluate("void (location.hash = '#/settings/backup')");
	await page.type("main form div:nth-child(1) > * input[type=password], main input[type=password]", "a passphrase to test");
	const again = "document.activeElement === document.querySelectorAll('main input[type=password]')[1]";
	await keys("Tab", "Tab");
	await until("the focus in the second field", () => page.evaluate(again));
	await write("a passphrase to test");
	await until("the passphrase once more", () => page.evaluate("document.querySelectorAll('main input[type=password]')[1].value === 'a passphrase to test'"));
	await page.press("main form button[type=submit]", "Back up now");
	const proposed = await until("the dialog for the backup", async () => {
		const [id] = await windows("^Save ");
		return id && execFileSync("xdotool", ["getwindowname", id], { encoding: "utf8" }).trim().slice("Save ".length);
	});
	await page.screenshot(join(out, "window-save.png"));
	await saveAs(proposed, join(files, "office.age"));
	execFileSync(join(out, "gatehouse"), ["restore", join(files, "office.age"), "--data", join(scratch, "restored")], { env: { ...process.env, GATEHOUSE_BACKUP_PASSPHRASE: "a passphrase to test" } });
	assert.ok(existsSync(join(scratch, "restored", "gatehouse.db")));

	step("links to other sites open in the system's browser, and only those of the web");
	await page.evaluate("void (location.hash = '#/apps/wiki')");
	await page.press("main a", "Open");
	await until("the browser", () => lastOpened() === "http://wiki.office.test:8081/");
	assert.ok((await page.url()).includes("/if/admin/#/apps/wiki"), "the link took the place of the page");
	const hard = "https://example.org/a_(b)~c;d?e=$f&g=h!*#i";
	assert.equal(await verb(page, "open", JSON.stringify(JSON.stringify({ url: hard }))), 204);
	await until("the browser again", () => lastOpened() === hard);
	for (const url of ["file:///etc/passwd", "javascript:alert(1)", "--help", "ftp://example.org/", "https:///x"]) {
		assert.equal(await verb(page, "open", JSON.stringify(JSON.stringify({ url }))), 400, url);
	}
	assert.equal(lastOpened(), hard);

	step("a crash of the page leaves a half-done sign-in alone, and the page comes back");
	let half = await halfDone(app, ca);
	for (const web of children(w.pid, "WebKitWebProces")) process.kill(web, "SIGKILL");
	await half.finish();
	page.close();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	await page.waitFor("main", "Signed in: ");
	await page.screenshot(join(out, "window-recovered.png"));

	step("closing hides the window, the server goes on, a second start shows it again");
	await until("a visible window", async () => (await windows("^Gatehouse$")).length);
	await keys("alt+F4");
	await until("no visible window", async () => !(await windows("^Gatehouse$")).length);
	assert.ok(await healthy());
	const second = await openWindow().ended;
	assert.equal(second.code, 0, second.said);
	await until("the window again", async () => (await windows("^Gatehouse$")).length);

	step("a crash of the server brings both back");
	let pid = serverPID();
	process.kill(pid, "SIGKILL");
	await until("another server", () => serverPID() !== pid && alive(serverPID()));
	await until("the page of the new server", async () => (await page.url()).startsWith("http://127.0.0.1:") && healthy());

	step("a clean stop from outside is not undone without being asked");
	pid = serverPID();
	process.kill(pid, "SIGTERM");
	await page.waitFor("#problem", "The server was stopped", 40);
	await page.screenshot(join(out, "window-stopped.png"));
	await page.click("#again");
	await page.waitForURL("http://127.0.0.1:", 30);

	step("a page that crashes again and again is told in words, and comes back");
	const crashes = () => readFileSync(join(data, "logs", "window.log"), "utf8").split("the page crashed and is loaded again").length;
	const [message, begin] = ["^The page crashed$", crashes()];
	for (let i = 1; ; i++) {
		assert.ok(i <= 4, "four crashes in a row and no word"); // one from before may count as well
		await until("the whole page", () => page.evaluate("document.readyState === 'complete' && !!document.querySelector('h1')"));
		for (const web of children(w.pid, "WebKitWebProces")) process.kill(web, "SIGKILL");
		page.close();
		await until("another crash", () => crashes() === begin + i);
		await new Promise((done) => setTimeout(done, 500));
		if ((await windows(message)).length) break;
		page = await attach(inspectorPort);
		await page.waitForURL("http://127.0.0.1:", 30);
	}
	await page.screenshot(join(out, "window-crashed.png"));
	execFileSync("xdotool", ["windowfocus", "--sync", (await windows(message))[0]]);
	await keys("Return");
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);

	step("killing the window leaves the server and half-done sign-ins alone, and a new window attaches to it");
	pid = serverPID();
	half = await halfDone(app, ca);
	const begun = new Person({ name, port: https, ca });
	await begun.begin({ client_id: app.client_id, redirect_uri: redirect });
	w.kill("SIGKILL");
	await w.ended;
	page.close();
	assert.ok(alive(pid) && (await healthy()));
	await half.finish();
	await begun.answer({ uid_field: admin.username });
	await begun.answer({ password: admin.password });
	assert.ok(begun.code);
	assert.equal(serverPID(), pid);
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	assert.equal(serverPID(), pid, "the window started a server of its own");

	step("start at login is switched in the settings");
	const entry = join(process.env.XDG_CONFIG_HOME, "autostart", "gatehouse.desktop");
	await page.evaluate("void (location.hash = '#/settings/window')");
	await page.press("main label", "Start Gatehouse when I log in");
	await until("the entry", () => existsSync(entry));
	await until("the switch", () => page.evaluate("document.querySelector('main input[role=switch]').checked"));
	const command = readFileSync(entry, "utf8").match(/^Exec=(.*)$/m)[1];
	assert.ok(command.startsWith(`"${join(out, "gatehouse")}" "--hidden" "--data" "${data}"`), command);
	await page.screenshot(join(out, "window-settings.png"));
	await page.press("main label", "Start Gatehouse when I log in");
	await until("no entry", () => !existsSync(entry));
	assert.equal(await verb(page, "autostart", '\'{"on":true}\'', false), 403);
	assert.ok(!existsSync(entry));

	step("quitting from the page keeps the server, or stops it");
	await page.evaluate("void (location.hash = '#/settings/window')");
	await page.press("main button", "Quit, keep the server running");
	await clean(w);
	page.close();
	assert.ok(alive(pid) && (await healthy()));
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	await page.evaluate("void (location.hash = '#/settings/window')");
	await page.press("main button", "Quit and stop the server");
	await page.waitFor("dialog", "Stop the server?");
	await page.screenshot(join(out, "window-stop.png"));
	let began = Date.now();
	await page.press("dialog button", "Quit and stop the server");
	await clean(w);
	page.close();
	assert.ok(!alive(pid) && Date.now() - began < 25_000, "the server goes on");
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	pid = serverPID();
	assert.equal(await verb(page, "quit", JSON.stringify(JSON.stringify({ keep_serving: true })), false), 403);
	await verb(page, "quit", JSON.stringify(JSON.stringify({ keep_serving: true }))).catch((err) => assert.match(err.message, /window is gone/));
	await clean(w);
	page.close();
	assert.ok(alive(pid) && (await healthy()));
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);

	step("SIGTERM ends the window cleanly and keeps the server");
	w.kill("SIGTERM");
	await clean(w);
	page.close();
	assert.ok(alive(pid) && (await healthy()));

	step("another version is offered a restart");
	process.kill(pid, "SIGTERM");
	await until("the end of the server", () => !alive(pid));
	const older = start(join(out, "other", "gatehouse-server"), ["serve", ...flags]);
	await until("the other server", healthy);
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitFor("#other", "version e2e-older is running; this window is version e2e");
	await page.screenshot(join(out, "window-version.png"));
	await page.click("#restart");
	await page.waitForURL("http://127.0.0.1:", 40);
	await older.ended;
	assert.ok(await healthy());

	step("a hidden start shows nothing until it is asked to");
	w.kill("SIGTERM");
	await w.ended;
	page.close();
	w = openWindow("--hidden");
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	assert.equal((await windows("^Gatehouse$")).length, 0);
	assert.equal((await openWindow().ended).code, 0);
	await until("the window", async () => (await windows("^Gatehouse$")).length);
	w.kill("SIGTERM");
	await w.ended;
	page.close();
}

let failed = 0;
try {
	await scenario();
	step("all steps passed");
} catch (err) {
	failed = 1;
	console.error(`window: FAILED: ${err.stack ?? err}`);
	spawn("import", ["-window", "root", join(out, "window-failed.png")]);
	for (const f of ["gatehouse.log", "window.log", "server-output.txt"]) {
		const path = join(data, "logs", f);
		if (existsSync(path)) console.error(`--- ${f}\n${readFileSync(path, "utf8").slice(-3000)}`);
	}
}
for (const p of started) p.kill("SIGKILL");
try {
	process.kill(serverPID(), "SIGTERM");
	await until("the end of the server", () => !existsSync(join(data, "control.sock")), 10);
} catch {
	// there is none
}
process.exit(failed);
