// Drives the page in the real window through WebKit's inspector (a build with the tag devtools, started with
// WEBKIT_INSPECTOR_HTTP_SERVER=127.0.0.1:PORT). Needs node with --experimental-websocket, no packages. click and fill go through the
// page's own script; press and type are the display's pointer and keyboard.
//
//	const page = await attach(9777);
//	await page.waitFor("#name"); await page.fill("#name", "Ada"); await page.click("button"); await page.screenshot("a.png");

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// until calls f every 50 ms until it gives something true; what names it in the error.
export async function until(what, f, seconds = 20) {
	const end = Date.now() + seconds * 1000;
	let last;
	for (;;) {
		try {
			const got = await f();
			if (got) return got;
			last = undefined;
		} catch (err) {
			last = err;
		}
		if (Date.now() > end) throw new Error(`waited ${seconds} s in vain for ${what}${last ? `: ${last.message}` : ""}`);
		await pause(50);
	}
}

// attach finds the window's page at the inspector's port.
export async function attach(port, seconds = 30) {
	const path = await until("the inspector", async () => {
		const res = await fetch(`http://127.0.0.1:${port}/`);
		return (await res.text()).match(/'(\/socket\/\d+\/\d+\/WebPage)'/)?.[1];
	}, seconds);
	const page = new Page(new WebSocket(`ws://127.0.0.1:${port}${path}`));
	await page.opened;
	return page;
}

class Page {
	#ws;
	#target = "";
	#next = 1;
	#waiting = new Map();

	constructor(ws) {
		this.#ws = ws;
		this.opened = new Promise((done, failed) => {
			ws.addEventListener("open", () => done());
			ws.addEventListener("error", () => failed(new Error("the inspector does not answer")));
		});
		ws.addEventListener("message", (e) => this.#message(JSON.parse(e.data)));
		ws.addEventListener("close", () => {
			for (const w of this.#waiting.values()) w.failed(new Error("the window is gone"));
			this.#waiting.clear();
		});
	}

	// A navigation to another site may move the page into another process: its target then has another id.
	#message(m) {
		const p = m.params ?? {};
		switch (m.method) {
			case "Target.targetCreated":
				if (p.targetInfo.type === "page" && !p.targetInfo.isProvisional) this.#target = p.targetInfo.targetId;
				break;
			case "Target.didCommitProvisionalTarget":
				this.#target = p.newTargetId;
				break;
			case "Target.targetDestroyed":
				for (const [id, w] of this.#waiting) {
					if (w.target !== p.targetId) continue;
					this.#waiting.delete(id);
					w.failed(new Error("the page went away"));
				}
				break;
			case "Target.dispatchMessageFromTarget": {
				const inner = JSON.parse(p.message);
				const w = this.#waiting.get(inner.id);
				if (!w) return;
				this.#waiting.delete(inner.id);
				if (inner.error) w.failed(new Error(inner.error.message));
				else w.done(inner.result);
			}
		}
	}

	async #send(method, params) {
		const target = await until("the page", () => this.#target);
		const id = this.#next++;
		const message = JSON.stringify({ id, method, params });
		return new Promise((done, failed) => {
			const timer = setTimeout(() => {
				this.#waiting.delete(id);
				failed(new Error(`${method} was not answered`));
			}, 10_000);
			const settle = (f) => (v) => {
				clearTimeout(timer);
				f(v);
			};
			this.#waiting.set(id, { target, done: settle(done), failed: settle(failed) });
			this.#ws.send(JSON.stringify({ id, method: "Target.sendMessageToTarget", params: { targetId: target, message } }));
		});
	}

	// evaluate gives the value of an expression; a promise is awaited.
	async evaluate(expression) {
		let r = await this.#send("Runtime.evaluate", { expression: `Promise.resolve(${expression}).then((v) => JSON.stringify(v) ?? "null")` });
		if (!r.wasThrown) r = await this.#send("Runtime.awaitPromise", { promiseObjectId: r.result.objectId, returnByValue: true });
		if (r.wasThrown) throw new Error(r.result.description ?? String(r.result.value));
		return JSON.parse(r.result.value);
	}

	url() {
		return this.evaluate("location.href");
	}

	// waitFor waits until a visible element matches the selector, with the text in it if one is given.
	waitFor(selector, text = "", seconds = 20) {
		const test = `[...document.querySelectorAll(${JSON.stringify(selector)})].some((e) => e.getClientRects().length && e.textContent.includes(${JSON.stringify(text)}))`;
		return until(`${selector} ${text}`, () => this.evaluate(test), seconds);
	}

	waitForURL(part, seconds = 20) {
		return until(`an address with ${part}`, async () => (await this.url()).includes(part), seconds);
	}

	text(selector) {
		return this.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`);
	}

	// click presses the first visible element that matches and holds the text.
	async click(selector, text = "") {
		await this.waitFor(selector, text);
		await this.evaluate(`[...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => e.getClientRects().length && e.textContent.includes(${JSON.stringify(text)})).click()`);
	}

	// fill gives a field its value the way that frameworks notice.
	async fill(selector, value) {
		await this.waitFor(selector);
		await this.evaluate(`(() => {
			const e = document.querySelector(${JSON.stringify(selector)});
			e.focus();
			Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), "value").set.call(e, ${JSON.stringify(value)});
			e.dispatchEvent(new Event("input", { bubbles: true }));
			e.dispatchEvent(new Event("change", { bubbles: true }));
		})()`);
	}

	// spot gives the middle of the first visible element that matches and holds the text, scrolled into view and not covered by another.
	async #spot(selector, text) {
		const found = `[...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => e.getClientRects().length && e.textContent.includes(${JSON.stringify(text)}))`;
		let last;
		return until(`${selector} ${text} in sight`, async () => {
			const at = await this.evaluate(`(() => {
				const e = ${found};
				if (!e) return null;
				e.scrollIntoView({ block: "center", behavior: "instant" });
				const r = e.getBoundingClientRect();
				const [x, y] = [Math.round(r.x + r.width / 2), Math.round(r.y + r.height / 2)];
				const top = document.elementFromPoint(x, y);
				return top && (e.contains(top) || top.contains(e) || top.closest("label")?.control === e) ? { x, y } : null;
			})()`);
			// Twice the same place: nothing moves any more.
			const still = at && last && at.x === last.x && at.y === last.y;
			last = at;
			return still && at;
		});
	}

	// press moves the pointer to an element and presses its button, as a hand does.
	async press(selector, text = "") {
		const { x, y } = await this.#spot(selector, text);
		const [id] = await until("a visible window", async () => {
			const all = await windows("^Gatehouse$");
			return all.length && all;
		});
		await run("xdotool", ["mousemove", "--window", id, String(x), String(y), "click", "1"]);
	}

	// type presses a field, empties it and writes into it with the keyboard.
	async type(selector, value) {
		await this.press(selector);
		const focused = `document.activeElement === [...document.querySelectorAll(${JSON.stringify(selector)})].find((e) => e.getClientRects().length)`;
		await until(`the focus in ${selector}`, () => this.evaluate(focused));
		await keys("ctrl+a", "BackSpace");
		const lines = value.split("\n");
		for (const [i, line] of lines.entries()) {
			if (i) await keys("Return");
			await write(line);
		}
		await until(`${value} in ${selector}`, async () => (await this.evaluate("document.activeElement.value")) === value);
	}

	// screenshot takes the whole display, so that the frame and dialogs are on it.
	async screenshot(file) {
		await run("import", ["-window", "root", file]);
	}

	close() {
		this.#ws.close();
	}
}

// keys presses keys in the window that has the focus, as xdotool names them.
export async function keys(...names) {
	await run("xdotool", ["key", ...names]);
}

// write types a text into whatever has the focus.
export async function write(text) {
	await run("xdotool", ["type", "--delay", "8", "--", text]);
}

// windows gives the ids of the visible windows with a title.
export async function windows(title) {
	try {
		const { stdout } = await run("xdotool", ["search", "--onlyvisible", "--name", title]);
		return stdout.split("\n").filter(Boolean);
	} catch {
		return []; // xdotool fails when it finds none
	}
}
