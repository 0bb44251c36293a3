import { afterEach, expect, test, vi } from "vitest";
import { mend } from "~/admin/apps/mend";

afterEach(() => vi.unstubAllGlobals());

/** Answers reads with now, and keeps what is sent. */
function server(now: object) {
	const sent: [string, string, unknown][] = [];
	vi.stubGlobal("document", { cookie: "" });
	vi.stubGlobal("fetch", async (path: string, init: RequestInit = {}) => {
		if (init.method && init.method !== "GET") sent.push([init.method, String(path), JSON.parse(String(init.body))]);
		return new Response(JSON.stringify(now), { headers: { "Content-Type": "application/json" } });
	});
	return sent;
}

test("a refused address, scope or resource is added to what is there", async () => {
	let sent = server({ redirect_uris: "https://a.example/cb" });
	await mend(3, { fix: "add_redirect_uri", value: "https://a.example/new" });
	expect(sent).toEqual([["PATCH", "/api/v3/providers/oauth2/3/", { redirect_uris: "https://a.example/cb\nhttps://a.example/new" }]]);
	sent = server({ property_mappings: ["one"] });
	await mend(3, { fix: "add_scope", value: "two" });
	expect(sent).toEqual([["PATCH", "/api/v3/providers/oauth2/3/", { property_mappings: ["one", "two"] }]]);
	sent = server({ resources: "", dpop_nonce_required: true });
	await mend(3, { fix: "add_resource", value: "https://api.example/" });
	expect(sent).toEqual([["PATCH", "/api/v3/gatehouse/providers/oauth2/3/beyond/", { resources: "https://api.example/" }]]);
	sent = server({});
	await mend(3, { fix: "", value: "" });
	expect(sent).toEqual([]);
});
