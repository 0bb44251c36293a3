import { readdirSync, readFileSync } from "node:fs";
import admin from "@text/admin.json";
import { beforeAll, describe, expect, test } from "vitest";
import { byCategory, byPlace, matching, needText, OWN, siteOf } from "~/admin/apps/catalog";
import { foldedFields, mainFields } from "~/admin/apps/newFields";
import { samlFields, samlMoved, samlValues } from "~/admin/apps/samlFields";
import type { CatalogNeed, CatalogTemplate, SetupValue } from "~/api/gatehouse";
import { setEnglish } from "~/text/text";

beforeAll(() => setEnglish(admin));

const folder = new URL("../../backend/catalog/apps/", import.meta.url);
const shelf: CatalogTemplate[] = readdirSync(folder).map((name) => ({
	redirect_hint: "",
	...JSON.parse(readFileSync(new URL(name, folder), "utf8")),
}));
const names = (templates: CatalogTemplate[]) => templates.map((one) => one.name);
const find = (slug: string) => shelf.find((one) => one.slug === slug) as CatalogTemplate;
const labels = (fields: { name: string }[]) => fields.map((one) => one.name);

describe("the catalogue", () => {
	test("finds by name, by words of the description and by heading, names that begin so first", () => {
		expect(names(matching(shelf, "wiki"))).toEqual(["Wiki.js", "Outline"]);
		expect(names(matching(shelf, "  PHOTOS phones "))).toEqual(["Immich"]);
		expect(names(matching(shelf, "passwörds"))).toEqual(["OAuth2 Proxy", "Vaultwarden"]);
		expect(names(matching(shelf, "gi"))[0]).toBe("Gitea");
		expect(matching(shelf, "nothing of the kind")).toEqual([]);
		expect(matching(shelf, "")).toHaveLength(shelf.length);
	});

	test("every template stands under a heading that has words", () => {
		const groups = byCategory(shelf);
		expect(groups.flatMap((group) => group.templates)).toHaveLength(shelf.length);
		for (const { title } of groups) expect(title).not.toContain("catalog.");
		expect(groups.map((group) => group.title)).toEqual(groups.map((group) => group.title).sort((a, b) => a.localeCompare(b)));
	});

	test("everything that a template needs can be said", () => {
		const filled = (one: CatalogTemplate) =>
			one.needs.map((need) => ({ ...need, value: need.value.replace("{url}", one.address).replace("{host}", "an.office.lan") }));
		const said = shelf.flatMap((one) => filled(one).map(needText));
		expect(said.length).toBeGreaterThan(shelf.length);
		for (const sentence of said) expect(sentence).not.toMatch(/catalog\.|\{/);
		expect(needText({ what: "signing", value: "rs256" } as CatalogNeed)).toContain("RS256");
		expect(needText({ what: "sub_mode", value: "user_uuid" } as CatalogNeed)).not.toContain("user_uuid");
	});

	test("no template has the address of the form of one's own", () => {
		expect(shelf.some((one) => one.slug === OWN)).toBe(false);
	});

	test("the form asks for the address, and for the redirect URI only where nobody else knows it", () => {
		expect(labels(mainFields())).toEqual(["name", "redirect_uris", "launch_url"]);
		expect(labels(mainFields(find("grafana")))).toEqual(["name", "url"]);
		expect(mainFields(find("grafana"))[0]?.default).toBe("Grafana");
		expect(mainFields(find("grafana"))[1]?.help).toContain("https://grafana.office.lan");
		expect(labels(mainFields(find("wikijs")))).toEqual(["name", "url", "redirect_uris"]);
		expect(labels(foldedFields()).slice(0, 2)).toEqual(["client_type", "signing"]);
		expect(labels(foldedFields(find("grafana"))).slice(0, 2)).toEqual(["signing", "consent"]);
		expect(labels(foldedFields(find("bookstack")))[0]).toBe("consent");
	});

	test("one that signs in by SAML is asked for its address, which fills in the rest", () => {
		const kimai = find("kimai");
		const fields = samlFields(kimai);
		expect(labels(fields.filter((one) => !one.advanced))).toEqual(["name", "url", "acs_url", "audience"]);
		expect(labels(samlFields()).slice(0, 5)).toEqual(["name", "acs_url", "audience", "certificate", "launch_url"]);
		const byName = (of: CatalogTemplate, name: string) => samlFields(of).find((one) => one.name === name)?.default;
		expect([byName(kimai, "sign"), byName(find("gitlab-saml"), "sign")]).toEqual(["assertion", "both"]);
		expect(samlValues(kimai, " https://Time.office.lan:8443/kimai/ ")).toEqual({
			acs_url: "https://time.office.lan:8443/kimai/auth/saml/acs",
			audience: "https://time.office.lan:8443/kimai/auth/saml/metadata",
			slo_url: "https://time.office.lan:8443/kimai/auth/saml/logout",
		});
		expect(samlValues(find("wordpress-saml"), "https://www.office.lan").audience).toBe("urn:www.office.lan");
		for (const none of ["", "time", "https://", "ftp://time.office.lan", "javascript:alert(1)"])
			expect(samlValues(kimai, none)).toEqual({});
	});

	test("what somebody wrote into the form stays when the address changes", () => {
		const kimai = find("kimai");
		const first = samlMoved(kimai, { url: "", acs_url: "", audience: "", slo_url: "" }, "https://a.lan");
		expect(first).toMatchObject({ acs_url: "https://a.lan/auth/saml/acs", audience: "https://a.lan/auth/saml/metadata" });
		const own = { ...first, url: "https://a.lan", audience: "urn:hours" };
		expect(samlMoved(kimai, own, "https://b.lan")).toEqual({
			acs_url: "https://b.lan/auth/saml/acs",
			slo_url: "https://b.lan/auth/saml/logout",
		});
		expect(samlMoved(kimai, own, "b")).toEqual({ acs_url: "", slo_url: "" });
		// GitLab says nothing of signing out: nothing is written there.
		expect(samlMoved(find("gitlab-saml"), { url: "", acs_url: "", audience: "", slo_url: "" }, "https://b.lan").slo_url).toBe("");
	});

	test("SAML is found by its name", () => {
		expect(matching(shelf, "saml").every((one) => one.protocol === "saml")).toBe(true);
		expect(matching(shelf, "nextcloud").map((one) => one.protocol)).toEqual(["oidc", "saml"]);
	});

	test("values that go to the same place stand together, in their order", () => {
		const value = (id: string, where: string) => ({ id, where }) as SetupValue;
		const places = byPlace([value("a", "x"), value("b", "x"), value("c", "y"), value("d", "x")]);
		expect(places.map((place) => [place.where, place.values.map((one) => one.id).join("")])).toEqual([
			["x", "ab"],
			["y", "c"],
			["x", "d"],
		]);
	});

	test.each([
		["https://docs.gitlab.com/administration/auth/oidc/", "docs.gitlab.com"],
		["https://github.com/nextcloud/user_oidc/blob/main/README.md", "github.com/nextcloud/user_oidc"],
		["javascript:alert(1)", undefined],
		["http://docs.example/", undefined],
		["", undefined],
	])("the site of %s", (source, site) => {
		expect(siteOf(source)).toBe(site);
	});
});
