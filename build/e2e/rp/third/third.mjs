// Steps of a person at Miniflux, the third party's product, with a page of playwright.

// signIn starts at Miniflux, lets atProvider(page) do the provider's own pages, and gives the name under which the person is in.
// Miniflux makes a user at the first sign-in, named by preferred_username; when something is wrong it only shows its own
// sign-in page again and tells the reason in its log.
export async function signIn(page, { url, atProvider }) {
	await page.goto(url);
	await page.locator('a[href$="/oauth2/oidc/redirect"]').click();
	await atProvider(page);
	return signedInAs(page, url);
}

// signedInAs gives the name of who is in; nobody is an error.
export async function signedInAs(page, url) {
	const out = page.locator("button.logout-button");
	await page.waitForURL((now) => now.origin === new URL(url).origin && !now.pathname.startsWith("/oauth2/"));
	await out.or(page.locator("section.login-form")).first().waitFor();
	if ((await out.count()) === 0) throw new Error("Miniflux shows its sign-in page again; its log tells why");
	const title = await out.first().getAttribute("title");
	const name = /^Logged in as (.+)$/.exec(title)?.[1];
	if (!name) throw new Error(`Miniflux's sign-out button says "${title}"`);
	return name;
}

// signOut ends the session at Miniflux only: it knows no RP-initiated logout.
export async function signOut(page) {
	await page.locator("button.logout-button").first().click();
	await page.locator('a[href$="/oauth2/oidc/redirect"]').waitFor();
}
