// Measures what a first visit loads, and fails when it is more than was agreed.
import { readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, "utf8"));
const KB = 1000;
const sizes = new Map();

function size(file) {
	if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(dist + file), { level: 9 }).length);
	return sizes.get(file);
}

/** The files that come with a chunk: itself, what it imports at once, and their styles. */
function filesOf(name, files = new Set()) {
	const chunk = manifest[name];
	if (!chunk || files.has(chunk.file)) return files;
	files.add(chunk.file);
	for (const style of chunk.css ?? []) files.add(style);
	for (const other of chunk.imports ?? []) filesOf(other, files);
	return files;
}

const sum = (files) => [...files].reduce((all, file) => all + size(file), 0);

const admin = filesOf("admin.html");
filesOf("src/admin/home/index.ts", admin);
const portal = filesOf("portal.html");
const lazy = Object.entries(manifest)
	.filter(([, chunk]) => chunk.isDynamicEntry)
	.map(([name]) => ({ name, bytes: sum([...filesOf(name)].filter((file) => !admin.has(file))) }));
const largest = lazy.reduce((a, b) => (b.bytes > a.bytes ? b : a), { name: "none", bytes: 0 });

const rows = [
	["admin, first load with Home", sum(admin), 300],
	["portal, first load", sum(portal), 130],
	[`largest later part (${largest.name})`, largest.bytes, 160],
];
let over = false;
for (const [what, bytes, budget] of rows) {
	over ||= bytes > budget * KB;
	console.log(`budget: ${what}: ${(bytes / KB).toFixed(1)} of ${budget} kB gz${bytes > budget * KB ? "  OVER" : ""}`);
}
rmSync(`${dist}.vite`, { recursive: true });
process.exit(over ? 1 : 0);
