// Keeps every answer of the API that a browser receives, for build/answers to check against the server's own description.

import { createWriteStream } from "node:fs";

// record makes every context of the browser write its answers into a file. What it gives ends the file. With hold the page gets an answer
// only once its body is kept: for pages that go on to another one at once.
export function record(browser, file, { hold = false } = {}) {
	const out = createWriteStream(file);
	const open = new Set();
	const keep = async (response) => {
		const url = new URL(response.url());
		const said = { method: response.request().method(), path: url.pathname + url.search, status: response.status() };
		try {
			const headers = await response.headersArray();
			said.headers = headers.map((h) => [h.name, h.value]);
			const type = headers.find((h) => h.name.toLowerCase() === "content-type")?.value ?? "";
			const bare = said.status === 204 || (said.status >= 300 && said.status < 400) || type.startsWith("text/event-stream");
			said.body = bare ? "" : (await response.body()).toString("base64");
		} catch {
			said.lost = true; // the page went on to another one
		}
		out.write(`${JSON.stringify(said)}\n`);
	};
	const newContext = browser.newContext.bind(browser);
	browser.newContext = async (...args) => {
		const context = await newContext(...args);
		if (hold) {
			await context.route(
				(url) => url.pathname.startsWith("/api/v3/") && !url.pathname.endsWith("/stream"),
				async (route) => {
					const response = await route.fetch({ maxRedirects: 0 });
					const body = await response.body();
					const url = new URL(response.url());
					out.write(`${JSON.stringify({ method: route.request().method(), path: url.pathname + url.search, status: response.status(), headers: response.headersArray().map((h) => [h.name, h.value]), body: body.toString("base64") })}\n`);
					await route.fulfill({ response, body });
				},
			);
			return context;
		}
		context.on("response", (response) => {
			if (!new URL(response.url()).pathname.startsWith("/api/v3/")) return;
			const kept = keep(response);
			open.add(kept);
			kept.finally(() => open.delete(kept));
		});
		return context;
	};
	return async () => {
		await Promise.all(open);
		await new Promise((done) => out.end(done));
	};
}
