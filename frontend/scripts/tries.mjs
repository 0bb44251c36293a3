// Does what people do, with the keyboard where they would, against the mock.
import assert from "node:assert/strict";
import { join } from "node:path";
import { startMock } from "../mock/server.mjs";

const admin = (mock, address) => `${mock.url}/if/admin/#${address}`;

const all = {
	async "the keyboard alone opens a person from the list"(page, mock) {
		await page.goto(admin(mock, "/people/users"));
		await page.locator("[data-row-link]").first().waitFor();
		await page.keyboard.press("/");
		await page.keyboard.type("ada.lovelace");
		await page.waitForURL(/search=ada.lovelace/);
		await page.goto(admin(mock, "/people/users"));
		await page.locator("[data-row-link]").nth(3).waitFor();
		await page.locator("[data-row-link]").first().focus();
		await page.keyboard.press("ArrowDown");
		const name = await page.evaluate(() => document.activeElement.textContent);
		await page.keyboard.press("Enter");
		await page.waitForURL(/\/people\/users\/\d+/);
		await page.waitForFunction(() => !/^(Users|…)$/.test(document.querySelector("h1").textContent));
		assert.ok(name.startsWith(await page.locator("h1").textContent()));
	},
	async "the palette leads to a page and to an object"(page, mock) {
		await page.goto(admin(mock, "/"));
		await page.locator("h1").waitFor();
		await page.keyboard.press("Control+k");
		await page.waitForFunction(() => document.activeElement?.tagName === "INPUT");
		await page.keyboard.type("nextcl");
		await page.getByRole("option", { name: "Nextcloud" }).waitFor();
		await page.keyboard.press("Enter");
		await page.waitForURL(/apps\/nextcloud/);
	},
	async "a refused form tells what is missing, and the summary has the focus"(page, mock) {
		await page.goto(admin(mock, "/apps/new"));
		await page.locator("form button[type=submit]").click();
		const summary = page.getByRole("alert");
		await summary.waitFor();
		assert.ok(await summary.evaluate((box) => box === document.activeElement));
		assert.equal(await summary.locator("li").count(), 3);
		assert.equal(mock.seen.length, 0);
	},
	async "an application is added with three answers"(page, mock) {
		await page.goto(admin(mock, "/apps/new"));
		await page.getByLabel("Name", { exact: false }).first().fill("Wiki");
		await page.getByLabel("Redirect URIs").fill("https://wiki.office.lan/cb");
		await page.getByLabel("Everyone who has an account here").check();
		await page.locator("form button[type=submit]").click();
		await page.waitForURL(/apps\/wiki/);
		await page.getByText("Discovery address").waitFor();
		assert.deepEqual(mock.seen[0][2].access, "everyone");
	},
	async "unsaved changes are asked about, and kept when one stays"(page, mock) {
		await page.goto(admin(mock, "/people/users/1"));
		await page.getByLabel("E-mail").fill("new@office.example");
		await page.getByRole("link", { name: "Groups", exact: true }).click();
		await page.getByRole("button", { name: "Stay here" }).click();
		assert.equal(await page.getByLabel("E-mail").inputValue(), "new@office.example");
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await page.getByText("Saved.").waitFor();
		assert.deepEqual(mock.seen.at(-1), ["PATCH", "/core/users/1/", { email: "new@office.example" }]);
		await page.getByRole("link", { name: "Groups", exact: true }).click();
		await page.getByText("Groups of this person").waitFor();
	},
	async "an untouched secret is not sent"(page, mock) {
		await page.goto(admin(mock, "/apps/nextcloud?tab=signIn"));
		await page.getByLabel("Redirect URIs").fill("https://cloud.office.lan/cb");
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await page.getByText("Saved.").waitFor();
		assert.deepEqual(mock.seen.at(-1)[2], { redirect_uris: "https://cloud.office.lan/cb" });
	},
	async "a step moves with the keyboard"(page, mock) {
		await page.goto(admin(mock, "/advanced/flows/default-authentication-flow"));
		await page.getByRole("button", { name: "Move default-authentication-password up" }).focus();
		await page.keyboard.press("Enter");
		await page.waitForFunction(() => document.querySelector("ol li a[href*=stages]")?.textContent === "default-authentication-password");
		assert.equal(mock.seen.filter(([method]) => method === "PATCH").length, 2);
	},
	async "what depends on something is said before it is deleted, and Escape changes nothing"(page, mock) {
		await page.goto(admin(mock, "/people/users/7"));
		await page.getByRole("button", { name: "Delete…" }).click();
		await page.getByText("Token “ada-laptop” is deleted too.").waitFor();
		await page.keyboard.press("Escape");
		assert.equal(await page.getByRole("dialog").count(), 0);
		assert.equal(mock.seen.length, 0);
		await page.getByRole("button", { name: "Delete…" }).click();
		await page.getByRole("button", { name: "Delete", exact: true }).click();
		await page.waitForURL(/people\/users$/);
		assert.deepEqual(mock.seen[0].slice(0, 2), ["DELETE", "/core/users/7/"]);
	},
	async "several are deleted at once, and each says what goes with it"(page, mock) {
		await page.goto(admin(mock, "/people/users"));
		await page.getByRole("checkbox", { name: /^Select Ada Okafor/ }).check();
		await page
			.getByRole("checkbox", { name: /^Select Bela/ })
			.first()
			.check();
		await page.getByRole("button", { name: "Delete…" }).click();
		await page.getByText("Token “ada-laptop” is deleted too.").nth(1).waitFor();
		await page.getByRole("button", { name: "Delete", exact: true }).click();
		await page.getByText("2 are deleted.").waitFor();
		assert.deepEqual(
			mock.seen.map(([method]) => method),
			["DELETE", "DELETE"],
		);
	},
	async "old addresses lead to the new pages"(page, mock) {
		await page.goto(admin(mock, "/core/applications"));
		await page.waitForURL(/#\/apps$/);
		await page.goto(admin(mock, "/identity/users/1"));
		await page.waitForURL(/#\/people\/users\/1$/);
	},
	async "access is changed with the two-sided picker"(page, mock) {
		await page.goto(admin(mock, "/apps/nextcloud?tab=access"));
		await page.getByRole("button", { name: "Add Management" }).click();
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await page.getByText("Access is saved.").waitFor();
		assert.equal(mock.seen.at(-1)[2].groups.length, 3);
	},
	async "the settings go back to their defaults"(page, mock) {
		await page.goto(admin(mock, "/settings/system"));
		await page.getByRole("button", { name: "Reset to defaults" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Reset to defaults" }).click();
		await page.getByText("Saved.").waitFor();
		assert.deepEqual(mock.seen.at(-1)[2], { default_user_change_email: false, event_retention: "days=365", footer_links: [] });
	},
	async "a token of the portal is shown once"(page, mock) {
		await page.goto(`${mock.url}/if/user/#/tokens`);
		await page.getByRole("button", { name: "Add one" }).click();
		await page.getByLabel("What is it for?").fill("Mail on the tablet");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByText("Copy the key now.").waitFor();
		assert.equal(mock.seen[0][2].identifier, "ada-mail-on-the-tablet");
		await page.getByRole("button", { name: "I have stored it" }).click();
		assert.equal(await page.getByText("Copy the key now.").count(), 0);
	},
};

const inWindow = {
	async "in the window, links to elsewhere and files go through the program"(page, mock) {
		await page.goto(admin(mock, "/apps/nextcloud"));
		await page.getByRole("link", { name: "Open" }).click();
		await page.waitForTimeout(200);
		assert.deepEqual(mock.seen[0], ["POST", "/-/desktop/open"]);
		await page.goto(admin(mock, "/settings/backup"));
		await page.getByLabel("Passphrase", { exact: false }).first().fill("correct horse battery");
		await page.getByLabel("Passphrase once more").fill("correct horse battery");
		await page.getByRole("button", { name: "Back up now" }).click();
		await page.getByText("The backup is made.").waitFor();
		assert.deepEqual(mock.seen.at(-1), ["POST", "/-/desktop/save?name=gatehouse-2026-11-24.age"]);
		await page.goto(admin(mock, "/settings/window"));
		await page.getByRole("button", { name: "Quit, keep the server running" }).click();
		await page.waitForTimeout(200);
		assert.deepEqual(mock.seen.at(-1), ["POST", "/-/desktop/quit"]);
	},
};

async function run(browser, shots, tests, options) {
	const problems = [];
	for (const [name, test] of Object.entries(tests)) {
		const mock = await startMock(options);
		const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
		const page = await context.newPage();
		page.setDefaultTimeout(8_000);
		try {
			await test(page, mock);
			console.log(`try: ${name}`);
		} catch (problem) {
			problems.push(`try: ${name}: ${problem.message}`);
			await page.screenshot({ path: join(shots, "try.png") });
		}
		await context.close();
		mock.stop();
	}
	return problems;
}

/** Every try on a fresh mock; the problems found. */
export async function tries(browser, shots) {
	return [...(await run(browser, shots, all, { rows: 40 })), ...(await run(browser, shots, inWindow, { rows: 40, desktop: true }))];
}
