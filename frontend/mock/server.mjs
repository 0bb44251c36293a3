// A server to look at the pages without the real one: node mock/server.mjs [rows]
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { makeApi } from "./api.mjs";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const csp =
	"default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: https:; object-src 'none'; base-uri 'none'; frame-src 'none'; frame-ancestors 'none'";
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

function sendFile(answer, path) {
	if (!path.startsWith(dist) || !existsSync(path) || !statSync(path).isFile()) {
		answer.writeHead(404).end();
		return;
	}
	answer.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream", "Content-Security-Policy": csp });
	createReadStream(path).pipe(answer);
}

async function bodyOf(request) {
	const parts = [];
	for await (const part of request) parts.push(part);
	const text = Buffer.concat(parts).toString();
	try {
		return JSON.parse(text || "{}");
	} catch {
		return { raw: text };
	}
}

/** Starts the mock. rows: 0, 1 or more; desktop: answer as in the window; failing: addresses that answer 500. */
export function startMock({
	rows = 40,
	desktop = false,
	impersonating = false,
	failing = [],
	schemaPath = fileURLToPath(new URL("../schema.json", import.meta.url)),
} = {}) {
	const api = makeApi({ size: rows, schemaPath, impersonating });
	const seen = [];
	const server = createServer(async (request, answer) => {
		const url = new URL(request.url, "http://mock");
		const json = (status, body) =>
			answer.writeHead(status, { "Content-Type": "application/json" }).end(body === undefined ? "" : JSON.stringify(body));
		if (url.pathname === "/if/admin/") return sendFile(answer, join(dist, "admin.html"));
		if (url.pathname === "/if/user/") return sendFile(answer, join(dist, "portal.html"));
		if (url.pathname.startsWith("/static/app/")) return sendFile(answer, normalize(join(dist, url.pathname.slice("/static/app/".length))));
		if (url.pathname === "/-/desktop/info" && desktop) return json(200, { desktop: true, version: "0.1.0" });
		if (url.pathname.startsWith("/-/desktop/") && desktop) {
			seen.push([request.method, request.url]);
			return json(204);
		}
		if (url.pathname === "/api/v3/gatehouse/events/stream/") {
			answer.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
			answer.write(": here\n\n");
			return;
		}
		if (url.pathname === "/api/v3/gatehouse/backup/") {
			answer
				.writeHead(200, {
					"Content-Type": "application/octet-stream",
					"Content-Disposition": 'attachment; filename="gatehouse-2026-11-24.age"',
				})
				.end("age");
			return;
		}
		if (/^\/api\/v3\/flows\/instances\/[^/]+\/export\/$/.test(url.pathname)) {
			answer
				.writeHead(200, { "Content-Type": "application/yaml", "Content-Disposition": `attachment; filename="flow.yaml"` })
				.end("version: 1\n");
			return;
		}
		if (!url.pathname.startsWith("/api/v3/")) return json(404, { detail: "Not found." });
		const path = url.pathname.slice("/api/v3".length);
		if (failing.some((one) => path.startsWith(one))) return json(500, { detail: "Internal error" });
		const body = await bodyOf(request);
		if (request.method !== "GET") seen.push([request.method, path, body]);
		const [status, result] = api(request.method, path, url.searchParams, body);
		json(status, result);
	});
	return new Promise((done) => {
		server.listen(0, "127.0.0.1", () =>
			done({ url: `http://127.0.0.1:${server.address().port}`, seen, stop: () => server.closeAllConnections() || server.close() }),
		);
	});
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const { url } = await startMock({ rows: Number(process.argv[2] ?? 40) });
	console.log(`mock: ${url}/if/admin/ and ${url}/if/user/`);
}
