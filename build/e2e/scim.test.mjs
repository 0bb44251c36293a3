// SCIM in both directions: one server sends its people to another by the two forms of the admin pages, somebody arrives, changes and leaves,
// and both pages tell of it. Screenshots go to build/bin/e2e. PROGRAM names another server program, which has to have the pages in it.
//
//	node --test build/e2e/scim.test.mjs

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { admin, openHouse } from "./house.mjs";

let from;
let to;
let sending; // the page of whoever administers the one that sends
let taking;
let address;
let token;
const desk = (house, path) => `${house.base}/if/admin/#${path}`;

before(async () => {
	[from, to] = await Promise.all([openHouse("scim-from", { env: { GATEHOUSE_OUTGOING_ALLOW: "localhost" } }), openHouse("scim-to")]);
	[sending, taking] = await Promise.all([from.page(), to.page()]);
	for (const [house, page] of [[from, sending], [to, taking]]) {
		await house.signIn(page, admin);
		await page.waitForURL(`${house.base}/if/user/**`);
	}
	const ada = await from.api("POST", "core/users/", { username: "ada", name: "Ada Lovelace", email: "ada@office.test" });
	await from.api("POST", "core/groups/", { name: "engine", users: [ada.pk] });
});
afterEach(() => {
	from.quiet();
	to.quiet();
});
after(async () => {
	await from?.close();
	await to?.close();
});

test("a source is one form, and its page has the two values", async () => {
	await taking.goto(desk(to, "/advanced/sources/new?model=scimsource"));
	await taking.getByLabel(/^Name/).first().fill("First office");
	await taking.getByLabel(/^Name in addresses/).first().fill("first");
	await taking.getByRole("button", { name: "Create" }).click();
	await taking.getByRole("button", { name: "Show the token" }).click();
	const source = await to.one("sources/scim/?slug=first");
	address = source.root_url;
	token = (await to.api("GET", `core/tokens/${source.token_obj.identifier}/view_key/`)).key;
	await taking.getByText(address).first().waitFor();
	await taking.getByText("Nothing yet.").waitFor();
	await to.shot(taking, "scim-source");
});

test("an application that takes people is one form", async () => {
	await sending.goto(desk(from, "/apps/new"));
	await sending.getByRole("button", { name: "Send people by SCIM" }).click();
	await sending.getByLabel(/^Name/).first().fill("Second office");
	await sending.getByLabel(/^SCIM base URL/).fill(address);
	await sending.getByLabel(/^Token/).first().fill(token);
	await sending.getByRole("combobox", { name: "Whom to send" }).click();
	await sending.getByRole("option", { name: "engine" }).click();
	await from.shot(sending, "scim-form");
	await sending.getByRole("button", { name: "Start sending" }).click();
	const row = sending.getByRole("row", { name: /ada/ });
	await row.getByText("In step").waitFor();
	// The other house has a group of its own by this name, and takes over none.
	await sending.getByRole("row", { name: /authentik Admins/ }).getByText("There is a group authentik Admins already").waitFor();
	await sending.getByRole("button", { name: "Show what would happen" }).click();
	await sending.getByText("would stay as they are").first().waitFor();
	await from.shot(sending, "scim-sync");
});

test("somebody arrives, changes and leaves", async () => {
	await taking.goto(desk(to, "/people/users"));
	await taking.getByRole("link", { name: "ada", exact: true }).or(taking.getByRole("link", { name: "Ada Lovelace" })).first().waitFor();
	const ada = await from.user("ada");
	await from.api("PATCH", `core/users/${ada.pk}/`, { name: "Ada King" });
	await until(async () => (await to.user("ada")).name === "Ada King");
	await from.api("DELETE", `core/users/${ada.pk}/`, undefined, 204);
	await until(async () => !(await to.user("ada")));
	await taking.goto(desk(to, "/advanced/sources/first"));
	await taking.getByRole("log").getByText("POST /Users").first().waitFor();
	await taking.getByRole("log").getByText(/DELETE \/Users\//).first().waitFor();
	await to.shot(taking, "scim-log");
});

// until waits for what a server does by itself.
async function until(done) {
	for (let n = 0; n < 200; n++) {
		if (await done()) return;
		await new Promise((next) => setTimeout(next, 50));
	}
	assert.fail("waited in vain");
}
