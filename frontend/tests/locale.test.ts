import { afterEach, describe, expect, test, vi } from "vitest";
import { wanted } from "~/text/locale";

describe("the language of the page", () => {
	afterEach(() => vi.unstubAllGlobals());
	const withCookie = (cookie: string) => vi.stubGlobal("document", { cookie });

	test("the cookie, one's own setting, the brand's, the browser's, in this order", () => {
		withCookie("authentik_language=fr; other=1");
		expect(wanted("pl", "de_AT", ["es-MX"])).toEqual(["fr", "pl", "de-AT", "de", "es-MX", "es"]);
	});

	test("English is bundled, so nothing after it is loaded", () => {
		withCookie("");
		expect(wanted(undefined, "", ["nl", "en-GB", "de"])).toEqual(["nl"]);
		expect(wanted("en", "de", [])).toEqual([]);
	});

	test("what is no language is left out", () => {
		withCookie("");
		expect(wanted(undefined, undefined, ["C", "de"])).toEqual(["de"]);
	});
});
