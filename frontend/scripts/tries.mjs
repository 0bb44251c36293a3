// Does what people do, with the keyboard where they would, against the mock.
import assert from "node:assert/strict";
import { join } from "node:path";
import { startMock } from "../mock/server.mjs";
import { care } from "./care.mjs";
import { policy, write } from "./pages.mjs";

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
		await page.goto(admin(mock, "/apps/new/own"));
		await page.locator("form button[type=submit]").click();
		const summary = page.getByRole("alert");
		await summary.waitFor();
		assert.ok(await summary.evaluate((box) => box === document.activeElement));
		assert.equal(await summary.locator("li").count(), 3);
		assert.equal(mock.seen.length, 0);
	},
	async "the keyboard alone adds an application of the catalogue"(page, mock) {
		await page.goto(admin(mock, "/apps/new"));
		await page.getByRole("link", { name: "Mealie", exact: true }).waitFor();
		await page.keyboard.press("/");
		await page.keyboard.type("mealie");
		await page.getByRole("status").filter({ hasText: "One application" }).waitFor();
		await page.keyboard.press("Tab"); // the button that clears the search
		await page.keyboard.press("Tab");
		assert.equal(await page.evaluate(() => document.activeElement.textContent), "Mealie");
		await page.keyboard.press("Enter");
		await page.waitForURL(/apps\/new\/mealie/);
		await page.getByLabel("Address of the application").focus();
		await page.keyboard.type("https://recipes.office.lan");
		await page.getByLabel("Everyone who has an account here").focus();
		await page.keyboard.press("Space");
		await page.keyboard.press("Enter");
		await page.getByRole("heading", { name: "What to type at Mealie" }).waitFor();
		const [, , sent] = mock.seen[0];
		assert.deepEqual(
			[sent.template, sent.url, sent.redirect_uris, sent.name],
			["mealie", "https://recipes.office.lan", undefined, "Mealie"],
		);
		assert.equal(await page.getByRole("link", { name: "Sign in to Mealie" }).getAttribute("href"), "https://recipes.office.lan");
		assert.equal(
			await page
				.locator("dl a")
				.first()
				.getAttribute("href")
				.then((to) => to.startsWith("https://docs.mealie.io/")),
			true,
		);
	},
	async "an application is added with three answers"(page, mock) {
		await page.goto(admin(mock, "/apps/new/own"));
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
		await page.waitForFunction(() => document.querySelector("ol li button")?.textContent === "default-authentication-password");
		assert.equal(mock.seen.filter(([method]) => method === "PATCH").length, 2);
		// It can't go further up: the focus is on the way down.
		const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
		assert.equal(await focused(), "Move default-authentication-password down");
		await page.keyboard.press("Alt+ArrowDown");
		await page.getByText("default-authentication-password is step 2 of 4 now.").waitFor({ state: "attached" });
		await page.waitForFunction(() => document.querySelector("ol li button")?.textContent === "default-authentication-identification");
		assert.equal(await focused(), "Move default-authentication-password down");
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
		await page.getByText("One other thing uses it and changes or goes with it.").nth(1).waitFor();
		await page.getByRole("button", { name: "Delete", exact: true }).click();
		await page.getByText("2 are deleted.").waitFor();
		assert.deepEqual(
			mock.seen.map(([, path, body]) => [path, !!body.dry_run, body.pks.length]),
			[
				["/gatehouse/bulk/delete/", true, 2],
				["/gatehouse/bulk/delete/", false, 2],
			],
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
	async "names are chosen with the keyboard, and Tab leaves the editor"(page, mock) {
		await page.goto(admin(mock, policy));
		await write(page, "return request.");
		await page.keyboard.press("Control+Space");
		await page.getByRole("option", { name: /http_request/ }).waitFor();
		await page.waitForTimeout(150);
		await page.keyboard.press("ArrowDown");
		await page.getByText("What the flow knows so far.").waitFor();
		const active = await page.evaluate(
			() => document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.textContent,
		);
		assert.match(active, /^context/);
		await page.keyboard.press("Enter");
		const text = () => page.locator("#field-expression .cm-line").allTextContents();
		assert.deepEqual(await text(), ["return request.context"]);
		await page.keyboard.type(".ge");
		await page.keyboard.press("Control+Space");
		await page.keyboard.press("Escape");
		assert.equal(await page.getByRole("option").count(), 0);
		// Nothing is chosen by itself: Enter is a new line, even while names are offered.
		await page.keyboard.type("\nreq");
		await page.getByRole("option", { name: /request/ }).waitFor();
		await page.keyboard.press("Enter");
		assert.deepEqual(await text(), ["return request.context.ge", "req", ""]);
		await page.keyboard.press("Tab");
		assert.ok(await page.evaluate(() => !document.activeElement.closest(".cm-editor")));
		assert.equal((await text()).length, 3);
		// The summary of a refused form leads back into it.
		await write(page, "");
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await page.getByRole("alert").getByRole("button", { name: "Expression" }).press("Enter");
		await page.waitForFunction(() => document.activeElement.closest(".cm-editor"));
	},
	async "a mistake is marked after a pause, told in words, and led to"(page, mock) {
		await page.goto(admin(mock, policy));
		await write(page, "");
		await page.keyboard.type("x = 1\nreturn len(", { delay: 20 });
		await page.getByText("Line 2: '(' was never closed").waitFor();
		assert.equal(await page.locator(".cm-lint-marker-error").count(), 1);
		const checked = mock.seen.filter(([, path]) => path === "/gatehouse/expressions/check/").map(([, , body]) => body.expression);
		assert.ok(checked.length <= 2, `${checked.length} checks`);
		assert.equal(checked.at(-1), "x = 1\nreturn len(");
		const described = await page.locator("#field-expression.cm-content").getAttribute("aria-describedby");
		assert.ok(described.split(" ").includes("field-expression-state"));
		await page.getByRole("button", { name: /^Line 2/ }).click();
		await page.keyboard.type(")");
		assert.equal(await page.locator("#field-expression .cm-line").nth(1).textContent(), "return len)(");
	},
	async "the text is run as it stands, and the error leads to its line"(page, mock) {
		await page.goto(admin(mock, policy));
		await write(page, '# first\nreturn context["missing"]');
		await page.getByRole("button", { name: "Context" }).press("Enter");
		await page.locator(".cm-content[id$=context]").focus();
		await page.keyboard.insertText('{"a": [1]}');
		await page.getByRole("combobox", { name: "User" }).focus();
		await page.keyboard.press("Escape");
		await page.keyboard.press("Enter");
		await page.getByRole("button", { name: "Run as this user" }).press("Enter");
		const outcome = page.getByRole("status").filter({ hasText: "It ended with an error." });
		await outcome.getByText("KeyError: 'missing'").waitFor();
		assert.deepEqual(mock.seen.filter(([method]) => method === "PATCH").length, 0);
		const ran = mock.seen.find(([, path]) => path === "/gatehouse/expressions/run/");
		assert.deepEqual(ran[2], {
			model: "authentik_policies_expression.expressionpolicy",
			name: "default-source-enrollment-if-sso",
			expression: '# first\nreturn context["missing"]',
			user: 1,
			context: { a: [1] },
			field: "expression",
		});
		await outcome.getByRole("button", { name: "Go to line 2" }).press("Enter");
		await page.keyboard.type("# ");
		assert.equal(await page.locator("#field-expression .cm-line").nth(1).textContent(), '# return context["missing"]');
		await outcome.getByText("The text has changed since.").waitFor();
	},
	async "a new one is run before it is saved, also without a user"(page, mock) {
		await page.goto(admin(mock, "/advanced/mappings/new?model=scopemapping"));
		await page.getByLabel("Name", { exact: false }).first().fill("Groups");
		await write(page, "return {}");
		await page.getByRole("combobox", { name: "User" }).focus();
		await page.keyboard.press("Delete");
		await page.keyboard.press("Escape");
		await page.getByRole("button", { name: "Run without a user" }).click();
		await page.getByText('"email_verified": true').waitFor();
		const { model, name, user } = mock.seen.find(([, path]) => path === "/gatehouse/expressions/run/")[2];
		assert.deepEqual([model, name, user], ["authentik_providers_oauth2.scopemapping", "Groups", null]);
	},
	async "what is saved is tested from the list and from its page"(page, mock) {
		await page.goto(admin(mock, "/advanced/policies"));
		await page.getByRole("button", { name: "Test always-yes" }).press("Enter");
		const dialog = page.getByRole("dialog", { name: "Test always-yes" });
		await page.keyboard.press("Enter");
		await dialog.getByText("It wrote nothing to the log.").waitFor();
		assert.deepEqual(mock.seen.at(-1).slice(0, 2), ["POST", "/policies/all/00000007-0000-7000-8000-000000000001/test/"]);
		assert.deepEqual(mock.seen.at(-1)[2], { user: 1, context: {} });
		await page.keyboard.press("Escape");
		assert.equal(await dialog.count(), 0);
		await page.goto(admin(mock, "/advanced/mappings/00000009-0000-7000-8000-000000000002"));
		await page.getByRole("button", { name: "Test", exact: true }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Run as this user" }).click();
		await page.getByText('"email_verified": true').waitFor();
		assert.match(mock.seen.at(-1)[1], /^\/propertymappings\/all\/.*\/test\/$/);
	},
	async "the hint of a prompt is written as an expression while its switch is on"(page, mock) {
		await page.goto(admin(mock, "/advanced/prompts/00000008-0000-7000-8000-000000000000"));
		await page.locator("#field-initial_value.cm-content").waitFor();
		assert.equal(await page.locator("#field-placeholder.cm-content").count(), 0);
		await page.getByRole("button", { name: /^Advanced/ }).click();
		await page.getByLabel("The hint is an expression").check();
		await page.locator("#field-placeholder.cm-content").waitFor();
		await page.getByRole("button", { name: "Run as this user" }).first().click();
		await page.getByRole("heading", { name: "Log" }).waitFor();
		assert.equal(mock.seen.at(-1)[2].field, "placeholder");
		assert.equal(mock.seen.at(-1)[2].model, "authentik_stages_prompt.prompt");
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
	return [
		...(await run(browser, shots, { ...all, ...care }, { rows: 40 })),
		...(await run(browser, shots, inWindow, { rows: 40, desktop: true })),
	];
}
