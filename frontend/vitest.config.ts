import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
	resolve: { alias: { "@text": at("../backend/text/en"), "~": at("./src") } },
	test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
