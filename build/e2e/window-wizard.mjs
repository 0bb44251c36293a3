// The first-run wizard and one form in the real window, with the display's own pointer and keyboard.

import assert from "node:assert/strict";
import { join } from "node:path";
import { keys, until, write } from "./inspector.mjs";

export const name = "login.office.test";
export const admin = { username: "grace", name: "Grace Hopper", email: "grace@office.test", password: "nanoseconds-of-wire" };
export const redirect = "http://wiki.office.test:8081/callback";

// wizard sets the house up and adds an application; it gives the values that the application needs.
export async function wizard(page, { out, https, step }) {
	const next = () => page.press("button.primary");
	const shot = async (title) => {
		await until("the pictures", () => page.evaluate("[...document.images].every((i) => i.complete && i.naturalWidth > 0)"));
		await page.screenshot(join(out, `window-${title}.png`));
	};

	step("the wizard: office");
	await page.waitFor("[name=office_name]");
	assert.ok((await page.url()).endsWith("/setup/"), await page.url());
	await page.type("[name=office_name]", "Example Office");
	await shot("wizard-office");
	await next();

	step("the wizard: first admin, with a mistake first");
	for (const field of ["username", "name", "email"]) await page.type(`[name=${field}]`, admin[field]);
	await page.type("[name=password]", admin.password);
	await page.type("[name=password_repeat]", "something else");
	await keys("Return");
	await page.waitFor("main", "The two passwords are not the same");
	await until("the reason in sight", () => page.evaluate("document.querySelector('.error').getBoundingClientRect().bottom <= innerHeight"));
	await shot("wizard-admin");
	await page.type("[name=password]", admin.password);
	await page.type("[name=password_repeat]", admin.password);
	await next();

	step("the wizard: name");
	await page.type("[name=server_name]", "192.168.1.5");
	await next();
	await page.waitFor("main", "Write a name with a dot");
	await page.type("[name=server_name]", name);
	await page.press("label[for=f-admin_on_lan]");
	await until("a tick", () => page.evaluate("document.querySelector('[name=admin_on_lan]').checked"));
	await page.press("label[for=f-admin_on_lan]");
	await shot("wizard-name");
	await next();

	step("the wizard: HTTPS, and done");
	await page.waitFor("h1", "A certificate for your network");
	await shot("wizard-https");
	await page.press("button.primary", "Finish");
	await page.waitFor("h1", "Gatehouse is ready");
	assert.ok((await page.text("main")).includes(`https://${name}:${https}`));
	await shot("wizard-done");

	step("the first application: a form");
	await page.press("a.primary", "Add the first application");
	await page.waitForURL("/if/admin/#/apps/new");
	await page.press("main button", "Another application");
	await page.waitFor("label", "Redirect URIs");
	const field = (label) => page.evaluate(`(() => {
		const l = [...document.querySelectorAll("main label")].find((l) => l.textContent.startsWith(${JSON.stringify(label)}));
		return "#" + CSS.escape(l.control.id);
	})()`);
	await page.press("main button", "Add an application");
	await page.waitFor("main", "Choose who can use it.");
	await page.type(await field("Name"), "Wiki");
	await page.type(await field("Redirect URIs"), redirect);
	await page.type(await field("Address of the application"), "http://wiki.office.test:8081/");
	await page.press("main label", "Everyone who has an account here");
	await shot("form");
	await page.press("main button", "Add an application");

	step("the first application: its values, copied with their buttons");
	await page.waitForURL("/if/admin/#/apps/wiki");
	await page.waitFor("main", "Values for the other side");
	await page.evaluate("scrollTo(0, 0)");
	await until("no notice", () => page.evaluate("!document.querySelector('.mantine-Notification-root')"));
	await shot("result");
	const values = {};
	for (const [key, label] of [["client_id", "Client ID"], ["client_secret", "Client secret"], ["issuer", "Issuer"]]) {
		values[key] = await copied(page, label);
	}
	assert.equal(values.issuer, `https://${name}:${https}/application/o/wiki/`);
	assert.ok(values.client_id.length >= 20 && values.client_secret.length >= 40, JSON.stringify(values));
	return values;
}

// copied presses the copy button of a row and pastes what it gave into the search field.
async function copied(page, label) {
	const button = `button[aria-label^="Copy"][aria-label*=${JSON.stringify(label)}]`;
	await page.press(button);
	await keys("ctrl+k");
	const field = "dialog[open] input";
	await page.waitFor(field);
	await write("x"); // the focus is there
	await until("the focus in the search field", () => page.evaluate("document.activeElement.value === 'x'"));
	await keys("ctrl+a", "ctrl+v");
	const value = await until(`the ${label} in the search field`, async () => {
		const v = await page.evaluate("document.activeElement.value");
		return v !== "x" && v;
	});
	await keys("Escape");
	await until("the end of the search", () => page.evaluate(`!document.querySelector(${JSON.stringify(field)})`));
	return value;
}
