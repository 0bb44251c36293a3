// The product as somebody meets it who has never seen it, on a phone: an invitation, a second factor that is asked for from tomorrow on,
// and a phone that is lost. The administrator's part is done in the admin pages. Screenshots of every step go to build/bin/e2e. PROGRAM
// names another server program, which has to have the pages in it.
//
//	node --test build/e2e/newcomer.test.mjs

import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { admin, openHouse, otp, steady } from "./house.mjs";

const grace = { username: "grace", password: "a-ship-in-port-is-safe" };
const ada = { username: "ada", name: "Ada Lovelace", email: "ada@office.test", password: "notes-on-the-engine" };
const stage = "default-authentication-mfa-validation";
let house;
let office; // the administrator's page
const step = (page, title) => house.shot(page, `newcomer-${title}`, [page.viewportSize().width]);
const desk = (address) => `${house.base}/if/admin/#${address}`;

// setUpApp scans nothing: it types the key into an "app" and its code into the page.
async function setUpApp(page) {
	await page.getByText("Can't scan it? Type the key").tap();
	const key = (await page.locator("details pre").textContent()).replaceAll(/\s/g, "");
	await steady();
	await page.locator("input[name=code]").fill(otp(key));
	return key;
}

before(async () => {
	house = await openHouse("newcomer");
	await house.add(ada);
	office = await house.page();
	await house.signIn(office, admin);
	await office.waitForURL(`${house.base}/if/user/**`);
});
afterEach(() => house.quiet());
after(() => house?.close());

test("an invitation is opened on a phone", async () => {
	await office.goto(desk("/people/invitations"));
	await office.getByRole("button", { name: "Set it up" }).click();
	await office.getByText("The flow is set up.").waitFor();
	await office.getByRole("button", { name: "Invite somebody" }).first().click();
	await office.getByLabel("Who is it for?").fill("Grace Hopper");
	await office.getByLabel("Their e-mail address").fill("grace@office.test");
	await office.getByRole("button", { name: "Make the invitation" }).click();
	await office.getByRole("heading", { name: "Hand it over" }).waitFor();
	await step(office, "invitation-made");
	const link = await office.locator("dd .gh-mono").first().textContent();

	const phone = await house.page({ phone: true });
	await phone.goto(house.here(link));
	await step(phone, "invitation-opened");
	await phone.getByLabel("User name").fill(grace.username);
	await phone.getByLabel("Password", { exact: true }).fill(grace.password);
	await phone.getByLabel("Password once more").fill(`${grace.password}!`);
	await phone.locator("button.primary").tap();
	await phone.locator(".errors, [aria-invalid=true]").first().waitFor();
	await step(phone, "invitation-differ");
	await phone.getByLabel("Password", { exact: true }).fill(grace.password);
	await phone.getByLabel("Password once more").fill(grace.password);
	await phone.locator("button.primary").tap();
	await phone.waitForURL(`${house.base}/if/user/**`);
	await phone.getByRole("heading").first().waitFor();
	await step(phone, "first-visit");
	await phone.goto(`${house.base}/if/user/#/security`);
	await phone.getByText("of 3 done").waitFor();
	await step(phone, "signing-in");
	assert.equal(await house.me(phone), grace.username);
	await phone.context().close();

	const late = await house.page({ phone: true });
	await late.goto(house.here(link));
	await late.locator("h1").waitFor();
	await step(late, "invitation-used");
	await late.context().close();
});

test("from tomorrow on everybody needs a second factor", async () => {
	await office.goto(desk("/advanced/flows/default-authentication-flow"));
	await office.getByRole("button", { name: `Change ${stage}` }).click();
	await office.getByRole("combobox", { name: "Without a second factor" }).click();
	await office.getByRole("option", { name: "Set one up now" }).click();
	await office.getByRole("button", { name: "Save", exact: true }).click();
	await office.getByText("you must set a configuration stage").first().waitFor();
	await step(office, "required-no-stage");
	await office.getByRole("combobox", { name: "Stages to set one up" }).click();
	for (const kind of ["totp", "webauthn"]) await office.getByRole("option", { name: `default-authenticator-${kind}-setup` }).click();
	await office.keyboard.press("Escape");
	await step(office, "required-form");
	await office.getByRole("button", { name: "Save", exact: true }).click();
	await office.getByText("Saved.").waitFor();

	const phone = await house.page({ phone: true });
	await house.signIn(phone, ada);
	await phone.getByRole("button", { name: "Codes from an app" }).waitFor();
	await step(phone, "required-choose");
	await phone.getByRole("button", { name: "Codes from an app" }).tap();
	await phone.locator("input[name=code]").waitFor();
	await step(phone, "required-app");
	ada.key = await setUpApp(phone);
	await step(phone, "required-app-typed");
	await phone.locator("button.primary").tap();
	await phone.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(phone), ada.username);
	await phone.context().close();

	// From the second time on the code is asked for.
	const again = await house.page({ phone: true });
	await house.signIn(again, ada);
	await again.locator("input[name=code]").waitFor();
	await step(again, "required-asked");
	await again.locator("input[name=code]").fill(otp(ada.key, 1));
	await again.locator("button.primary").tap();
	await again.waitForURL(`${house.base}/if/user/**`);
	await again.context().close();

	// Somebody else takes a passkey.
	const other = await house.page({ phone: true });
	const cdp = await other.context().newCDPSession(other);
	await cdp.send("WebAuthn.enable");
	await cdp.send("WebAuthn.addVirtualAuthenticator", {
		options: { protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
	});
	await house.signIn(other, grace);
	await other.getByRole("button", { name: "Passkey or security key" }).tap();
	await other.getByRole("button", { name: "Set up a passkey or security key" }).waitFor();
	await step(other, "required-passkey");
	await other.getByRole("button", { name: "Set up a passkey or security key" }).tap();
	await other.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(other), grace.username);
	await other.context().close();
});

test("a phone is lost, and its owner gets in again", async () => {
	const lost = await house.page({ phone: true });
	await house.signIn(lost, ada);
	await lost.locator("input[name=code]").waitFor(); // and there is no phone with a code

	await office.goto(desk("/people/users"));
	await office.getByRole("link", { name: "Ada Lovelace" }).first().click();
	await office.getByRole("button", { name: "Help this person" }).click();
	await office.getByRole("button", { name: /^Remove (?!all)/ }).first().waitFor();
	await step(office, "lost-help");
	await office.getByRole("button", { name: /^Remove (?!all)/ }).click();
	await step(office, "lost-ask");
	await office.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
	await office.getByText("is removed.").waitFor();
	await step(office, "lost-removed");

	await lost.reload();
	await lost.getByRole("button", { name: "Codes from an app" }).waitFor();
	await step(lost, "lost-again");
	await lost.getByRole("button", { name: "Codes from an app" }).tap();
	await lost.locator("input[name=code]").waitFor();
	const key = await setUpApp(lost);
	assert.notEqual(key, ada.key);
	await lost.locator("button.primary").tap();
	await lost.waitForURL(`${house.base}/if/user/**`);
	assert.equal(await house.me(lost), ada.username);
	await lost.context().close();
});
