// The window's scenario: a problem told in words, the way in, hiding, raising, crashes of the server and of the window, another
// version, and the end. window.sh sets the stage; arguments: folder with the programs (and for screenshots), scratch folder.

import { spawn } from "node:child_process";
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { attach, keys, until, windows } from "./inspector.mjs";

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

function start(program, args) {
	const p = spawn(program, args, {
		stdio: ["ignore", "ignore", "pipe"],
		env: { ...process.env, WEBKIT_INSPECTOR_HTTP_SERVER: `127.0.0.1:${inspectorPort}` },
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
	if (existsSync(new URL("./window-wizard.mjs", import.meta.url))) {
		const { wizard } = await import("./window-wizard.mjs");
		await wizard(page, { out, http, https, data, step });
	}
	await page.screenshot(join(out, "window.png"));

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

	step("killing the window leaves the server alone, and a new window attaches to it");
	pid = serverPID();
	w.kill("SIGKILL");
	await w.ended;
	page.close();
	assert.ok(alive(pid) && (await healthy()));
	w = openWindow();
	page = await attach(inspectorPort);
	await page.waitForURL("http://127.0.0.1:", 30);
	assert.equal(serverPID(), pid, "the window started a server of its own");

	step("SIGTERM ends the window cleanly and keeps the server");
	w.kill("SIGTERM");
	assert.equal((await w.ended).code, 0);
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
