import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.GATEHOUSE_URL ?? "http://127.0.0.1:9000";
const proxied = ["/api", "/-/", "/if", "/flows", "/static/text", "/media", "/application"];

export default defineConfig({
	base: "/static/app/",
	plugins: [react()],
	resolve: { alias: { "@text": at("../backend/text/en"), "~": at("./src") } },
	build: {
		target: ["es2022", "safari16.4", "firefox115", "chrome109"],
		assetsInlineLimit: 0,
		modulePreload: { polyfill: false },
		manifest: true,
		rolldownOptions: { input: { admin: at("./admin.html"), portal: at("./portal.html") } },
	},
	server: {
		fs: { allow: [".", "../backend/text"] },
		proxy: Object.fromEntries(proxied.map((path) => [path, { target: server, changeOrigin: false, secure: false }])),
	},
});
