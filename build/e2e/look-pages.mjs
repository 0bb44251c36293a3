// Looks at every page that works without JavaScript: serves the goldens of backend/web/page under the CSP that the door sets, takes a
// screenshot of each at two widths, light and dark, and runs axe on it. Ends with 1 when axe finds anything or a page breaks its policy.
//
//	node look-pages.mjs [folder for the screenshots] [part of a page's name, or "behaviour" for what the script does]

import { createServer } from "node:http";
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const page = new URL("../../backend/web/page/", import.meta.url).pathname;
const goldens = join(page, "testdata/TestGolden");
const out = process.argv[2] ?? "/tmp/look-pages";
const only = process.argv[3] ?? "";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const policy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-bm9uY2U'; img-src 'self' data: https:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'";
const types = { css: "text/css", js: "text/javascript", svg: "image/svg+xml" };
const drawings = {
	"/static/dist/assets/images/flow_background.jpg": "background.svg",
	"/static/dist/assets/images/user_default.png": "avatar.svg",
	"/static/dist/assets/icons/icon_left_brand.svg": "mark.svg",
	"/static/dist/assets/icons/icon.png": "mark.svg",
	"/static/authentik/sources/github.svg": "mark.svg",
	"/media/picture.jpg": "background.svg",
	"/media/logo.svg": "mark.svg",
};

const server = createServer((req, res) => {
	const path = new URL(req.url, "http://x").pathname;
	const asset = drawings[path] ?? path.match(/^\/static\/flow\/(flow|passkey|steps)\.HASH\.(css|js)$/)?.slice(1).join(".");
	if (asset) {
		res.writeHead(200, { "Content-Type": types[asset.split(".").pop()] });
		res.end(readFileSync(join(page, "static", asset)));
		return;
	}
	const name = path.match(/^\/page\/([\w-]+)$/)?.[1];
	if (!name) {
		res.writeHead(404).end();
		return;
	}
	// A page that goes on by itself would be gone before it is looked at.
	const html = readFileSync(join(goldens, `${name}.html`), "utf8").replace(/<meta http-equiv="refresh"[^>]*>/, "").replace(" data-auto", "").replace(" data-begin=\"1\"", "");
	res.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy });
	res.end(html);
});

await new Promise((done) => server.listen(0, "127.0.0.1", done));
const base = `http://127.0.0.1:${server.address().port}`;
mkdirSync(out, { recursive: true });
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
let problems = 0;
const problem = (text) => {
	problems++;
	console.error(text);
};
const names = readdirSync(goldens).map((f) => f.replace(/\.html$/, "")).filter((n) => n.includes(only)).sort();
for (const colorScheme of ["light", "dark"]) {
	for (const width of [360, 1280]) {
		const context = await browser.newContext({ viewport: { width, height: width === 360 ? 740 : 800 }, colorScheme, deviceScaleFactor: 1 });
		for (const name of names) {
			const tab = await context.newPage();
			const where = `${name} ${width} ${colorScheme}`;
			tab.on("console", (m) => m.type() === "error" && problem(`${where}: ${m.text()}`));
			tab.on("pageerror", (err) => problem(`${where}: ${err.message}`));
			await tab.goto(`${base}/page/${name}`, { waitUntil: "load" });
			await tab.screenshot({ path: join(out, `${name}-${width}-${colorScheme}.png`), fullPage: true });
			const wide = await tab.evaluate(() => document.documentElement.scrollWidth > innerWidth);
			if (wide) problem(`${where}: wider than the window`);
			const session = await context.newCDPSession(tab);
			await session.send("Page.setBypassCSP", { enabled: true }); // for axe only, after the page was drawn under its policy
			await tab.evaluate(axe);
			const found = await tab.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
			for (const v of found.violations) problem(`${where}: axe ${v.id} (${v.impact}): ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`);
			await tab.close();
		}
		await context.close();
	}
}

// What the script adds, and what is there without it.
const is = (what, got, want) => got === want || problem(`${what}: ${got}, not ${want}`);
if (!only || only === "behaviour") {
	const focus = (tab) => tab.evaluate(() => document.activeElement.id);
	for (const javaScriptEnabled of [true, false]) {
		const context = await browser.newContext({ javaScriptEnabled });
		const tab = await context.newPage();
		const how = javaScriptEnabled ? "with script" : "without script";
		for (const [name, id] of [["identification", "f-uid_field"], ["password_wrong", "f-password"], ["identification_wrong", "errors"], ["prompt_wrong", javaScriptEnabled ? "f-username" : "errors"], ["setup_admin_wrong", "f-email"]]) {
			await tab.goto(`${base}/page/${name}`);
			is(`focus of ${name} ${how}`, await focus(tab), id);
		}
		await tab.goto(`${base}/page/password`);
		is(`the button that shows the password ${how}`, await tab.locator(".eye").isVisible(), javaScriptEnabled);
		const posts = [];
		await tab.route("**/if/flow/**", (route) => {
			posts.push(route.request().postData());
			setTimeout(() => route.fulfill({ status: 204 }), 300);
		});
		await tab.fill("#f-password", " my word ");
		if (javaScriptEnabled) {
			await tab.click(".eye");
			is("the field when shown", await tab.getAttribute("#f-password", "type"), "text");
			is("the button when shown", await tab.getAttribute(".eye", "aria-pressed"), "true");
			await tab.evaluate(() => document.querySelector("#f-password").dispatchEvent(Object.assign(new KeyboardEvent("keydown", { modifierCapsLock: true }))));
			is("the caps lock hint", await tab.textContent(".caps"), "Caps lock is on.");
			await tab.dblclick("button.primary");
			is("the field when sent", await tab.getAttribute("#f-password", "type"), "password");
		} else {
			await tab.click("button.primary");
		}
		await tab.waitForTimeout(700);
		is(`answers sent ${how}`, posts.join(" | "), "csrf=csrf-token&password=+my+word+");
		await context.close();
	}
}
await browser.close();
server.close();
console.log(`${names.length} pages, ${problems} problems, screenshots in ${out}`);
process.exitCode = problems ? 1 : 0;
