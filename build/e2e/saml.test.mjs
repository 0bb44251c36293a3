// SAML with service providers of other people: npm's node-saml and samlify sign people of a real Gatehouse in and out, in Chromium. The
// applications are at 127.0.0.1 and Gatehouse at localhost, so that each form between them crosses sites.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SAML, ValidateInResponseTo } from "@node-saml/node-saml";
import * as samlify from "samlify";
import { admin, openHouse } from "./house.mjs";

const ada = { username: "ada", name: "Ada Lovelace", email: "ada@office.test", password: "engine-of-numbers-1843" };
const EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
const apps = [];
let house, idp, own;

// openApp listens as an application and asks what it was sent: seen waits for the next message.
async function openApp() {
	const arrived = [];
	const waiting = [];
	const server = createServer(async (req, res) => {
		let body = "";
		for await (const part of req) body += part;
		const url = new URL(req.url, "http://127.0.0.1");
		const message = { path: url.pathname, query: Object.fromEntries(url.searchParams), rawQuery: url.search.slice(1), form: Object.fromEntries(new URLSearchParams(body)) };
		res.setHeader("content-type", "text/html");
		if (url.pathname === "/form") return res.end(app.form); // what the application posts to Gatehouse
		res.end("<title>application</title><p>arrived</p>");
		if (!url.pathname.endsWith("/acs") && url.pathname !== "/slo") return;
		const next = waiting.shift();
		if (next) next(message);
		else arrived.push(message);
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	const app = {
		base: `http://127.0.0.1:${server.address().port}`,
		form: "",
		seen: () => new Promise((done, failed) => {
			if (arrived.length) return done(arrived.shift());
			const timer = setTimeout(() => failed(new Error("nothing arrived at the application")), 20_000);
			waiting.push((m) => {
				clearTimeout(timer);
				done(m);
			});
		}),
		close: () => server.close(),
	};
	apps.push(app);
	return app;
}

// addApp makes the application in Gatehouse; beyond are its settings that the release does not have.
async function addApp(slug, app, provider, beyond = {}) {
	const flow = await house.one("flows/instances/?slug=default-provider-authorization-implicit-consent");
	const mappings = (await house.api("GET", "propertymappings/saml/")).results.map((m) => m.pk);
	const made = await house.api("POST", "providers/saml/", {
		name: slug, authorization_flow: flow.pk, acs_url: `${app.base}/acs`, audience: `urn:${slug}`, issuer: `urn:gatehouse:${slug}`, signing_kp: idp.pk, sp_binding: "post", property_mappings: mappings, ...provider,
	});
	await house.api("POST", "core/applications/", { name: slug, slug, provider: made.pk });
	const now = await house.api("GET", `gatehouse/providers/saml/${made.pk}/beyond/`);
	await house.api("PUT", `gatehouse/providers/saml/${made.pk}/beyond/`, { ...now, slo_url: `${app.base}/slo`, ...beyond });
	return { ...(await house.api("GET", `providers/saml/${made.pk}/`)), metadata: (await house.api("GET", `providers/saml/${made.pk}/metadata/`)).metadata };
}

async function pair(name) {
	const [key, cert] = ["key", "cert"].map((what) => join(house.work, `${name}.${what}`));
	execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "60", "-subj", `/CN=${name}`, "-keyout", key, "-out", cert], { stdio: "ignore" });
	const made = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
	const { pk } = await house.api("POST", "crypto/certificatekeypairs/", { name, certificate_data: made.cert, key_data: made.key });
	return { pk, ...made };
}

async function logIn(page) {
	await page.getByLabel("E-mail address or username").fill(ada.username);
	await page.getByRole("button", { name: "Log in" }).click();
	await page.getByLabel("Password", { exact: true }).fill(ada.password);
	await page.getByRole("button", { name: "Continue" }).click();
}

before(async () => {
	samlify.setSchemaValidator({ validate: async () => "the schema is not looked at" });
	house = await openHouse("saml");
	[idp, own] = await Promise.all([pair("idp.office.test"), pair("sp.office.test")]);
	await house.add({ ...ada });
});
after(async () => {
	for (const app of apps) app.close();
	await house?.close();
});

test("node-saml signs in by redirect and by form, begins here, and signs out", async () => {
	const app = await openApp();
	const made = await addApp("notes", app, { verification_kp: own.pk }, { sign_response: true, encryption_kp: own.pk, encryption_cipher: "aes256-gcm" });
	const options = {
		issuer: "urn:notes", audience: "urn:notes", callbackUrl: `${app.base}/acs`, entryPoint: made.url_sso_redirect, logoutUrl: made.url_slo_redirect, logoutCallbackUrl: `${app.base}/slo`,
		idpCert: idp.cert, idpIssuer: "urn:gatehouse:notes", privateKey: own.key, publicCert: own.cert, decryptionPvk: own.key, signatureAlgorithm: "sha256", digestAlgorithm: "sha256",
		wantAssertionsSigned: true, wantAuthnResponseSigned: true, identifierFormat: EMAIL, validateInResponseTo: ValidateInResponseTo.always, disableRequestedAuthnContext: true,
	};
	const sp = new SAML(options);
	const page = await house.page();

	await page.goto(await sp.getAuthorizeUrlAsync("deep link", undefined, {}));
	await logIn(page);
	let message = await app.seen();
	assert.equal(message.form.RelayState, "deep link");
	let { profile } = await sp.validatePostResponseAsync(message.form);
	assert.deepEqual([profile.nameID, profile["http://schemas.goauthentik.io/2021/02/saml/username"]], [ada.email, ada.username]);
	await assert.rejects(sp.validatePostResponseAsync(message.form), /InResponseTo/, "the same answer counts twice");

	const posting = new SAML({ ...options, entryPoint: made.url_sso_post, authnRequestBinding: "HTTP-POST" });
	app.form = await posting.getAuthorizeFormAsync("by form");
	await page.goto(`${app.base}/form`);
	message = await app.seen();
	({ profile } = await posting.validatePostResponseAsync(message.form));
	assert.deepEqual([message.form.RelayState, profile.nameID], ["by form", ada.email]);

	const stranger = new SAML({ ...options, privateKey: idp.key, publicCert: idp.cert });
	await page.goto(await stranger.getAuthorizeUrlAsync("", undefined, {}));
	await page.getByText("does not fit the certificate").waitFor();

	await page.goto(made.url_sso_init);
	message = await app.seen();
	const begun = new SAML({ ...options, validateInResponseTo: ValidateInResponseTo.never });
	const anywhere = (await begun.validatePostResponseAsync(message.form)).profile;
	assert.match(anywhere.nameID, /^[0-9a-f]{64}$/);
	assert.equal(anywhere.inResponseTo, undefined);

	await page.goto(await sp.getLogoutUrlAsync(profile, "bye", {}));
	message = await app.seen();
	assert.equal(message.query.RelayState, "bye");
	assert.deepEqual(await sp.validateRedirectAsync(message.query, message.rawQuery), { profile: null, loggedOut: true });
	assert.equal(await house.me(page), undefined);
	house.quiet();
});

test("samlify signs in from our metadata by both bindings, without JavaScript, and signs out", async () => {
	const app = await openApp();
	const made = await addApp("board", app, { verification_kp: own.pk, digest_algorithm: "http://www.w3.org/2001/04/xmlenc#sha512", signature_algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" }, { encryption_kp: own.pk, encryption_cipher: "aes256-cbc", slo_binding: "post" });
	const there = samlify.IdentityProvider({ metadata: made.metadata, isAssertionEncrypted: true, messageSigningOrder: "sign-then-encrypt", wantLogoutRequestSigned: true });
	const sp = samlify.ServiceProvider({
		entityID: "urn:board", authnRequestsSigned: true, wantAssertionsSigned: true, privateKey: own.key, encPrivateKey: own.key, signingCert: own.cert, encryptCert: own.cert,
		requestSignatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", nameIDFormat: [EMAIL], wantLogoutResponseSigned: true,
		assertionConsumerService: [{ Binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Location: `${app.base}/acs` }],
		singleLogoutService: [{ Binding: "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST", Location: `${app.base}/slo` }],
	});
	const page = await house.page({ javaScriptEnabled: false }); // each form needs its button pressed
	const press = async () => page.getByRole("button", { name: "Continue" }).click();

	const asked = sp.createLoginRequest(there, "redirect");
	await page.goto(asked.context);
	await logIn(page);
	await press();
	let message = await app.seen();
	let { extract } = await sp.parseLoginResponse(there, "post", { body: message.form });
	assert.deepEqual([extract.nameID, extract.response.inResponseTo, extract.audience], [ada.email, asked.id, "urn:board"]);

	const posted = sp.createLoginRequest(there, "post");
	app.form = `<form method="post" action="${posted.entityEndpoint}"><input type="hidden" name="SAMLRequest" value="${posted.context}"><input type="hidden" name="RelayState" value="r"><button>Continue</button></form>`;
	await page.goto(`${app.base}/form`);
	await press();
	await page.waitForURL((url) => url.hostname === "localhost");
	await press();
	message = await app.seen();
	({ extract } = await sp.parseLoginResponse(there, "post", { body: message.form }));
	assert.deepEqual([extract.nameID, extract.response.inResponseTo, message.form.RelayState], [ada.email, posted.id, "r"]);

	const leaving = sp.createLogoutRequest(there, "redirect", { logoutNameID: extract.nameID, sessionIndex: extract.sessionIndex.sessionIndex });
	await page.goto(leaving.context);
	await press();
	message = await app.seen();
	const answer = await sp.parseLogoutResponse(there, "post", { body: message.form });
	assert.equal(answer.extract.response.inResponseTo, leaving.id);
	assert.equal(await house.me(page), undefined);
	house.quiet();
});

test("an admin adds an application from its metadata, and finds what to copy there", async () => {
	const app = await openApp();
	const sp = new SAML({ issuer: "urn:paper", callbackUrl: `${app.base}/acs`, logoutCallbackUrl: `${app.base}/slo`, entryPoint: "https://unused.test/", idpCert: idp.cert, privateKey: own.key, publicCert: own.cert });
	const metadata = sp.generateServiceProviderMetadata(own.cert, own.cert);
	const page = await house.page();
	await house.signIn(page, admin);
	await page.waitForURL(/if\/user/);
	await page.goto(`${house.base}/if/admin/#/apps/new`);
	await page.getByRole("button", { name: "Add a SAML application" }).click();
	await page.locator("input[type=file]").setInputFiles({ name: "sp.xml", mimeType: "application/xml", buffer: Buffer.from(metadata) });
	await page.getByText("The form is filled with what the application says of itself.").waitFor();
	assert.equal(await page.getByLabel("ACS URL").inputValue(), `${app.base}/acs`);
	assert.equal(await page.getByLabel("Entity ID of the application").inputValue(), "urn:paper");
	await page.getByRole("textbox", { name: "Name", exact: true }).fill("Paper");
	await page.getByLabel("Everyone who has an account here").check();
	await house.shot(page, "saml-new", [1280]);
	await page.getByRole("button", { name: "Add an application" }).click();
	await page.getByText("Metadata URL").waitFor();
	await house.shot(page, "saml-values");
	const shown = await house.api("GET", "gatehouse/applications/paper/");
	assert.deepEqual([shown.saml.acs_url, shown.saml.audience], [`${app.base}/acs`, "urn:paper"]);
	await page.goto(`${house.base}/if/admin/#/apps/paper?tab=signIn`);
	await page.getByText("Signatures, encryption and signing out").waitFor();
	await page.getByLabel("Sign the whole response").check();
	await page.getByRole("button", { name: "Save" }).last().click();
	await page.getByText("Saved.").first().waitFor();
	await house.shot(page, "saml-sign-in", [1280]);
	assert.equal((await house.api("GET", `gatehouse/providers/saml/${shown.saml.pk}/beyond/`)).sign_response, true);
	await page.goto(`${house.base}/if/admin/#/apps/paper?tab=preview`);
	await page.getByText("nameID").waitFor();
	house.quiet();
});

test("one of the catalogue fills its form from its address, and node-saml signs in with what the next page says to type", async () => {
	const app = await openApp();
	const page = await house.page();
	await house.signIn(page, admin);
	await page.waitForURL(/if\/user/);
	await page.goto(`${house.base}/if/admin/#/apps/new`);
	await page.getByRole("searchbox", { name: "Search the catalogue" }).or(page.getByLabel("Search the catalogue")).first().fill("saml");
	await page.getByRole("link", { name: "Nextcloud SAML" }).waitFor();
	await page.getByRole("link", { name: "Kimai SAML" }).click();
	await page.getByText("Not tried against the application by us").waitFor();
	const address = page.getByLabel(/^Address of the application/);
	await address.fill("https://elsewhere.office.test/");
	assert.equal(await page.getByLabel("ACS URL").inputValue(), "https://elsewhere.office.test/auth/saml/acs");
	await page.getByLabel("Entity ID of the application").fill("urn:hours");
	await address.fill(`${app.base}/`);
	assert.equal(await page.getByLabel("ACS URL").inputValue(), `${app.base}/auth/saml/acs`);
	assert.equal(await page.getByLabel("Entity ID of the application").inputValue(), "urn:hours", "what somebody wrote stays");
	await page.getByRole("button", { name: /^Advanced/ }).click();
	assert.equal(await page.getByLabel("Sign-out address of the application").inputValue(), `${app.base}/auth/saml/logout`);
	await page.getByLabel("Everyone who has an account here").check();
	await house.shot(page, "saml-catalog");
	await page.getByRole("button", { name: "Add an application" }).click();
	await page.getByRole("heading", { name: "What to type at Kimai" }).waitFor();
	await house.shot(page, "saml-catalog-values");

	const { values } = await house.api("GET", "gatehouse/applications/kimai/");
	const typed = (label, where) => {
		const { value } = values.find((v) => v.label === label && v.where.endsWith(where));
		return value;
	};
	for (const { value } of values) assert.ok((await page.getByText(value, { exact: true }).count()) > 0, `${value} is not on the page`);
	const sp = new SAML({
		issuer: typed("entityId", "sp:"), audience: typed("entityId", "sp:"), callbackUrl: typed("assertionConsumerService, url", "sp:"), entryPoint: house.here(typed("singleSignOnService, url", "idp:")),
		idpCert: typed("x509cert", "idp:"), idpIssuer: typed("entityId", "idp:"), identifierFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", wantAuthnResponseSigned: false,
	});
	const person = await house.page();
	await person.goto(await sp.getAuthorizeUrlAsync("", undefined, {}));
	await logIn(person);
	const message = await app.seen();
	assert.equal(message.path, "/auth/saml/acs");
	const { profile } = await sp.validatePostResponseAsync(message.form);
	assert.equal(profile.nameID, ada.username, "the template says by what Kimai knows people");
	const email = typed("mapping, first line", "saml:").match(/\$(\S+),/)[1];
	assert.equal(profile[email], ada.email);
	house.quiet();
});
