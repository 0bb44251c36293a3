// Drives a browser through every page at four widths, light and dark; saves pictures, and fails on what axe or the browser finds.
// look.mjs [--only TEXT] [--widths 360,1280] [--schemes light,dark] [--rows 40] [--no-tries]
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startMock } from "../mock/server.mjs";
import { adminPages, isList, portalPages } from "./pages.mjs";
import { tries } from "./tries.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.GATEHOUSE_SHOTS ?? join(tmpdir(), "gatehouse-shots");
const option = (name, usual) => {
	const at = process.argv.indexOf(`--${name}`);
	return at > 0 ? process.argv[at + 1] : usual;
};
const only = option("only", "");
const widths = option("widths", "360,768,1280,1680").split(",").map(Number);
const schemes = option("schemes", "light,dark").split(",");
const rows = option("rows", "");
const heights = { 360: 740, 768: 1024, 1280: 800, 1680: 1050 };

const problems = [];
let pictures = 0;

function launch() {
	return chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: [
			"--no-sandbox",
			"--disable-gpu",
			"--disable-quic",
			"--no-first-run",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
		],
	});
}

async function settle(page) {
	await page.waitForFunction(
		() => document.querySelector("h1") && !document.querySelector("[aria-busy=true], .mantine-Skeleton-root"),
		undefined,
		{ timeout: 10_000 },
	);
	await page.evaluate(() => document.fonts.ready);
	await page.waitForTimeout(120);
}

async function audit(page, where) {
	const found = await page.evaluate(async () => {
		const { violations } = await window.axe.run(document, {
			runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
		});
		return violations.map(
			({ id, nodes }) =>
				`${id}: ${nodes
					.slice(0, 3)
					.map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? node.failureSummary}`)
					.join(" | ")}`,
		);
	});
	problems.push(...found.map((text) => `${where}: ${text}`));
	const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
	if (over > 1) problems.push(`${where}: ${over} px wider than the window`);
}

/** The whole page in one picture: the window is made as high as it, so that bars that stay in sight stand where they end. */
async function picture(page, path) {
	const { width, height } = page.viewportSize();
	const whole = await page.evaluate(() => document.documentElement.scrollHeight);
	await page.setViewportSize({ width, height: Math.min(Math.max(height, whole), 4000) });
	await page.waitForTimeout(60);
	await page.screenshot({ path });
	await page.setViewportSize({ width, height });
}

async function look(page, base, [name, address, first], label) {
	const where = `${name} ${label}`;
	try {
		await page.goto("about:blank");
		await page.goto(`${base}#${address}`);
		await settle(page);
		if (first) {
			await first(page);
			await page.waitForTimeout(250);
		}
		await audit(page, where);
		await picture(page, join(shots, `${name}-${label}.png`));
		pictures++;
	} catch (problem) {
		problems.push(`${where}: ${problem.message.split("\n")[0]}`);
	}
}

async function visit(browser, mock, { width, scheme, suffix = "", filter = () => true }) {
	const context = await browser.newContext({
		viewport: { width, height: heights[width] ?? 800 },
		colorScheme: scheme,
		reducedMotion: "reduce",
	});
	await context.addInitScript(axe);
	const page = await context.newPage();
	let where = "";
	page.on("pageerror", (problem) => problems.push(`${where}: ${problem.message}`));
	page.on("console", (message) => {
		if (message.type() === "error") problems.push(`${where}: ${message.text()} ${message.location().url}`);
	});
	for (const [path, pages] of [
		["/if/admin/", adminPages],
		["/if/user/", portalPages],
	]) {
		for (const one of pages.filter(([name]) => name.includes(only) && filter(name))) {
			where = `${one[0]} ${width} ${scheme}${suffix}`;
			await look(page, mock.url + path, one, `${width}-${scheme}${suffix}`);
		}
	}
	await context.close();
}

mkdirSync(shots, { recursive: true });
const browser = await launch();
const quiet = (text) => !/status of 404 .*\/-\/desktop\/info/.test(text);

const usual = await startMock({ rows: Number(rows || 40) });
await Promise.all(
	schemes.map(async (scheme) => {
		for (const width of widths) await visit(browser, usual, { width, scheme });
	}),
);
usual.stop();

if (!rows) {
	for (const [count, width, scheme] of [
		[0, 1280, "light"],
		[1, 360, "dark"],
		[10_000, 1280, "dark"],
	]) {
		const mock = await startMock({ rows: count });
		await visit(browser, mock, { width, scheme, suffix: `-rows${count}`, filter: isList });
		mock.stop();
	}
	const failing = await startMock({ rows: 40, failing: ["/core/users/1", "/core/groups/", "/gatehouse/status/"] });
	await visit(browser, failing, {
		width: 1280,
		scheme: "light",
		suffix: "-failing",
		filter: (name) => ["home", "user", "groups"].includes(name),
	});
	failing.stop();
	const window = await startMock({ rows: 40, desktop: true, impersonating: true });
	await visit(browser, window, {
		width: 1280,
		scheme: "light",
		suffix: "-window",
		filter: (name) => ["home", "settings-server", "portal-apps"].includes(name),
	});
	window.stop();
}
if (!process.argv.includes("--no-tries")) problems.push(...(await tries(browser, shots)));
await browser.close();

const real = problems.filter((text) => quiet(text) && !/-failing: Failed to load resource/.test(text));
for (const problem of real) console.error(problem);
console.log(`look: ${pictures} pictures in ${shots}, ${real.length} problems`);
process.exit(real.length > 0 ? 1 : 0);
