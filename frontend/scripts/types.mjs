// Turns the OpenAPI description of the server into TypeScript types: types.mjs [description.json]
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const source = process.argv[2] ?? process.env.GATEHOUSE_SCHEMA ?? here("../schema.json");
const target = here("../src/api/schema.gen.ts");

// A fresh clone has none: the program itself tells it, and needs no pages for that.
if (!existsSync(source) && source === here("../schema.json")) {
	const env = { ...process.env, CGO_ENABLED: "0" };
	for (const name of ["GOOS", "GOARCH", "GOFLAGS"]) delete env[name]; // of a build for another system
	writeFileSync(source, execFileSync("go", ["run", "-tags", "headless", ".", "schema"], { cwd: here("../.."), env, maxBuffer: 1 << 26 }));
}
if (!existsSync(source)) {
	console.error(`types: ${source} is missing. Write it with "gatehouse schema > frontend/schema.json", or name another file.`);
	process.exit(1);
}

const nameOf = (ref) => ref.slice(ref.lastIndexOf("/") + 1);
const quoted = (name) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name));
const union = (types) => [...new Set(types)].join(" | ") || "unknown";

function typeOf(schema, depth) {
	const type = bareType(schema, depth);
	return schema.nullable && type !== "unknown" ? `${type} | null` : type;
}

function bareType(schema, depth) {
	if (schema.$ref) return nameOf(schema.$ref);
	if (schema.enum) return union(schema.enum.map((value) => JSON.stringify(value)));
	if (schema.allOf) return schema.allOf.map((part) => typeOf(part, depth)).join(" & ");
	const parts = schema.oneOf ?? schema.anyOf;
	if (parts) return union(parts.map((part) => typeOf(part, depth)));
	if (Array.isArray(schema.type)) return union(schema.type.map((type) => bareType({ ...schema, type }, depth)));
	switch (schema.type) {
		case "string":
			return schema.format === "binary" ? "Blob" : "string";
		case "integer":
		case "number":
			return "number";
		case "boolean":
		case "null":
			return schema.type;
		case "array":
			return `Array<${typeOf(schema.items ?? {}, depth)}>`;
		case "object":
			return objectType(schema, depth);
		default:
			return schema.properties ? objectType(schema, depth) : "unknown";
	}
}

function objectType(schema, depth) {
	const properties = Object.entries(schema.properties ?? {});
	if (properties.length === 0) {
		const value = schema.additionalProperties;
		return `Record<string, ${value && typeof value === "object" ? typeOf(value, depth) : "unknown"}>`;
	}
	const indent = "\t".repeat(depth + 1);
	const required = new Set(schema.required ?? []);
	const lines = properties.map(
		([name, property]) =>
			`${indent}${property.readOnly ? "readonly " : ""}${quoted(name)}${required.has(name) ? "" : "?"}: ${typeOf(property, depth + 1)};`,
	);
	return `{\n${lines.join("\n")}\n${"\t".repeat(depth)}}`;
}

const description = JSON.parse(readFileSync(source, "utf8"));
const declarations = Object.entries(description.components?.schemas ?? {})
	.sort(([a], [b]) => (a < b ? -1 : 1))
	.map(([name, schema]) => `export type ${name} = ${typeOf(schema, 0)};\n`);
writeFileSync(target, `// Made by scripts/types.mjs from the server's description of itself.\n\n${declarations.join("\n")}`);
console.log(`types: ${declarations.length} types`);
