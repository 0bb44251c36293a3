// Tries of what people set up for themselves, of helping and inviting, and of the page of a flow.
import assert from "node:assert/strict";

const admin = (mock, address) => `${mock.url}/if/admin/#${address}`;
const portal = (mock, place) => `${mock.url}/if/user/#/${place}`;
const flow = "/advanced/flows/default-authentication-flow";

export const care = {
	async "a stage is changed beside the outline, and unsaved changes are asked about"(page, mock) {
		await page.goto(admin(mock, flow));
		await page.getByRole("button", { name: "Change default-authentication-login" }).press("Enter");
		await page.getByLabel("Name", { exact: false }).first().waitFor();
		assert.equal(await page.evaluate(() => document.activeElement.id), "step-panel");
		await page.locator("#field-name").fill("login");
		await page.getByRole("button", { name: "Change default-authentication-password" }).click();
		await page.getByRole("button", { name: "Stay here" }).click();
		assert.equal(await page.locator("#field-name").inputValue(), "login");
		await page.getByRole("button", { name: "Save", exact: true }).click();
		await page.getByText("Saved.").waitFor();
		assert.deepEqual(mock.seen.at(-1), ["PATCH", "/stages/user_login/00000005-0000-7000-8000-000000000003/", { name: "login" }]);
		await page.getByRole("button", { name: "Close", exact: true }).first().press("Enter");
		await page.waitForFunction(() => document.activeElement.id.endsWith("-open"));
		assert.equal(await page.locator("#step-panel").count(), 0);
	},
	async "a new stage becomes the last step"(page, mock) {
		await page.goto(admin(mock, flow));
		await page.getByRole("button", { name: "A new stage" }).click();
		await page.getByRole("menuitem", { name: /^Deny/ }).click();
		await page.locator("#field-name").fill("no-entry");
		await page.getByRole("button", { name: "Create", exact: true }).click();
		await page.getByText("The step is added at the end.").waitFor();
		const [stage, step] = mock.seen.slice(-2);
		assert.deepEqual(stage.slice(0, 2), ["POST", "/stages/deny/"]);
		assert.deepEqual([step[1], step[2].order], ["/flows/bindings/", 40]);
	},
	async "what is asked before a step is switched off and removed"(page, mock) {
		await page.goto(admin(mock, flow));
		await page.getByText("Shown when not always-yes lets it").waitFor();
		await page.getByRole("button", { name: "When default-authentication-password is shown" }).press("Enter");
		await page.getByRole("switch", { name: "Ask always-yes" }).press("Space");
		await page.getByText("switched off: always-yes").waitFor();
		assert.deepEqual(mock.seen.at(-1), ["PATCH", "/policies/bindings/00000011-0000-7000-8000-000000000002/", { enabled: false }]);
		await page.getByRole("button", { name: "Remove always-yes" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Delete", exact: true }).click();
		await page.getByText("Nothing is asked.").waitFor();
	},
	async "an authenticator is renamed with the keyboard, and removed after a question"(page, mock) {
		await page.goto(portal(mock, "security"));
		await page.getByRole("button", { name: "Rename Phone" }).press("Enter");
		await page.keyboard.type("Old phone");
		await page.keyboard.press("Escape");
		assert.equal(mock.seen.length, 0);
		await page.waitForFunction(() => document.activeElement.textContent === "Rename");
		await page.keyboard.press("Enter");
		await page.keyboard.type("Old phone");
		await page.keyboard.press("Enter");
		await page.getByText("It is called Old phone now.").waitFor();
		assert.deepEqual(mock.seen.at(-1), ["PATCH", "/authenticators/totp/1/", { name: "Old phone" }]);
		await page.getByRole("button", { name: "Remove Old phone" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
		await page.getByText("Old phone is removed.").waitFor();
		assert.deepEqual(mock.seen.at(-1).slice(0, 2), ["DELETE", "/authenticators/totp/1/"]);
	},
	async "setting up leads to the server's page and back"(page, mock) {
		await page.goto(portal(mock, "security"));
		const address = await page.getByRole("link", { name: "Add another", exact: true }).getAttribute("href");
		assert.match(address, /^\/flows\/-\/configure\/[\w-]+\/\?next=%2Fif%2Fuser%2F%23%2Fsecurity$/);
		await page.goto(portal(mock, "profile"));
		const password = await page.getByRole("link", { name: "Change my password" }).getAttribute("href");
		assert.match(password, /^\/flows\/-\/configure\/.*profile$/);
	},
	async "all other sessions end at once"(page, mock) {
		await page.goto(portal(mock, "sessions"));
		await page.getByRole("button", { name: "End all others" }).click();
		await page.getByRole("dialog", { name: "End 2 other sessions?" }).getByRole("button", { name: "End all others" }).click();
		await page.getByText("2 sessions have ended.").waitFor();
		assert.equal(mock.seen.filter(([method]) => method === "DELETE").length, 2);
		await page.getByText("This one").waitFor();
	},
	async "an app password ends when I say, an API token when the server says"(page, mock) {
		await page.goto(portal(mock, "tokens"));
		await page.getByRole("button", { name: "Add one" }).click();
		await page.getByLabel("What is it for?").fill("Mail");
		await page.getByLabel("It ends").selectOption("week");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByText("Copy the key now.").waitFor();
		const sent = mock.seen[0][2];
		assert.ok(Math.abs(new Date(sent.expires) - Date.now() - 7 * 86_400_000) < 60_000, sent.expires);
		await page.getByRole("button", { name: "I have stored it" }).click();
		await page.getByRole("button", { name: "Add one" }).click();
		await page.getByLabel("What is it for?").fill("Script");
		await page.getByLabel("It ends").selectOption("week");
		await page.getByLabel("Kind").selectOption("api");
		await page.getByRole("button", { name: "Create" }).click();
		await page.getByText("ada-script is ready").waitFor();
		assert.equal(mock.seen.at(-1)[2].expires, undefined);
	},
	async "an account elsewhere is disconnected, another is connected by its own page"(page, mock) {
		await page.goto(portal(mock, "connections"));
		const address = await page.getByRole("link", { name: "Connect Google" }).getAttribute("href");
		assert.match(address, /^\/source\/oauth\/login\/google\/\?next=/);
		await page.getByRole("button", { name: "Disconnect GitHub" }).click();
		await page.getByRole("dialog").getByRole("button", { name: "Disconnect" }).click();
		await page.getByRole("link", { name: "Connect GitHub" }).waitFor();
		assert.deepEqual(mock.seen.at(-1).slice(0, 2), ["DELETE", "/sources/user_connections/all/1/"]);
	},
	async "somebody is invited with one answer, and the page has link and code"(page, mock) {
		await page.goto(admin(mock, "/people/invitations/new"));
		await page.getByLabel("Who is it for?").fill("Grace Hopper");
		await page.getByRole("button", { name: "Make the invitation" }).click();
		await page.getByRole("heading", { name: "Hand it over" }).waitFor();
		const [, path, body] = mock.seen[0];
		assert.equal(path, "/stages/invitation/invitations/");
		assert.deepEqual([body.name, body.single_use, body.fixed_data], ["grace-hopper", true, { name: "Grace Hopper" }]);
		assert.ok(Math.abs(new Date(body.expires) - Date.now() - 3 * 86_400_000) < 60_000, body.expires);
		await page.getByRole("img", { name: "QR code with: Link" }).waitFor();
		assert.match(await page.getByRole("link", { name: "Write a mail" }).getAttribute("href"), /^mailto:\?subject=/);
	},
	async "a lost phone is removed, failed attempts are forgotten, and the mail goes out"(page, mock) {
		await page.goto(admin(mock, "/people/users/1"));
		await page.getByRole("button", { name: "Help this person" }).click();
		await page.getByRole("button", { name: "Remove Phone" }).click();
		await page.getByRole("dialog", { name: "Remove Phone of Ada Lovelace?" }).getByRole("button", { name: "Remove" }).click();
		await page.getByText("Phone is removed.").waitFor();
		assert.deepEqual(mock.seen.at(-1).slice(0, 2), ["DELETE", "/authenticators/admin/totp/1/"]);
		await page.getByRole("button", { name: "Forget failed attempts" }).click();
		await page.getByText("The failed attempts are forgotten.").waitFor();
		assert.match(mock.seen.at(-1)[1], /^\/policies\/reputation\/scores\//);
		await page.getByRole("button", { name: "Send", exact: true }).click();
		await page.getByText("The mail to ada@office.example is on its way.").waitFor();
		assert.equal(mock.seen.at(-1)[1], "/core/users/1/recovery_email/");
		// The link that the server gives names the address of this window; what is shown works elsewhere.
		await page.getByRole("button", { name: "Make a recovery link" }).click();
		await page.getByText("https://gatehouse.office.lan:9443/if/flow/recovery/?flow_token=").waitFor();
	},
};
