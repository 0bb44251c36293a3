// A relying party for tests: a small web application that signs people in through an OpenID provider with npm's openid-client,
// and that tells every fault in words with a status of 4xx or 5xx. Trust comes from NODE_EXTRA_CA_CERTS.

import { accessSync, constants } from "node:fs";
import { createServer } from "node:http";
import { parseArgs } from "node:util";
import { Party } from "./party.mjs";

const usual = {
	issuer: "",
	"client-id": "",
	"client-secret": "",
	"redirect-url": "",
	"post-logout-url": "",
	listen: "127.0.0.1:0",
	scopes: "openid profile email offline_access",
	alg: "RS256",
	auth: "post",
};

function readSettings() {
	const options = {};
	for (const [name, value] of Object.entries(usual)) {
		const env = process.env[`RP_${name.toUpperCase().replaceAll("-", "_")}`];
		options[name] = { type: "string", default: env ?? value };
	}
	const s = parseArgs({ options }).values;
	if (!s.issuer.startsWith("https://")) throw new Error("--issuer must begin with https://");
	if (!s["client-id"]) throw new Error("--client-id is missing");
	if (!["RS256", "ES256", "HS256"].includes(s.alg)) throw new Error(`--alg ${s.alg} is not RS256, ES256 or HS256`);
	if (s.alg === "HS256" && !s["client-secret"]) throw new Error("--alg HS256 needs --client-secret");
	if (!["basic", "post"].includes(s.auth)) throw new Error(`--auth ${s.auth} is not basic or post`);
	const redirect = ownURL("--redirect-url", s["redirect-url"]);
	const postLogout = ownURL("--post-logout-url", s["post-logout-url"] || `${redirect.origin}/signed-out`);
	return { ...s, redirect, postLogout };
}

// ownURL reads a URL that leads back to this application: it has a path of its own, as / is the front page.
function ownURL(flag, text) {
	const u = URL.canParse(text) ? new URL(text) : undefined;
	if (!u || !/^https?:$/.test(u.protocol) || u.pathname.length < 2) {
		throw new Error(`${flag}: "${text}" is not an http or https URL with a path`);
	}
	return u;
}

// Node only warns about a file that it cannot read, and would not check certificates at all with the other variable.
function checkTrust(env) {
	if (env.NODE_TLS_REJECT_UNAUTHORIZED !== undefined) throw new Error("NODE_TLS_REJECT_UNAUTHORIZED must not be set");
	if (env.NODE_EXTRA_CA_CERTS) accessSync(env.NODE_EXTRA_CA_CERTS, constants.R_OK);
}

try {
	checkTrust(process.env);
	const settings = readSettings();
	const party = new Party(settings);
	const [, host, port] = settings.listen.match(/^(.*):(\d+)$/) ?? [];
	if (port === undefined) throw new Error(`--listen ${settings.listen} is not HOST:PORT`);
	const server = createServer((req, res) => party.handle(req, res));
	server.on("error", fail);
	server.listen(Number(port), host.replace(/^\[(.*)\]$/, "$1"), () => {
		const { address, port: bound } = server.address();
		const listen = `${address.includes(":") ? `[${address}]` : address}:${bound}`;
		console.log(JSON.stringify({ ready: true, app: "noderp", listen, url: `${settings.redirect.origin}/` }));
	});
} catch (err) {
	fail(err);
}

function fail(err) {
	console.error(`noderp: ${err.message}`);
	process.exit(1);
}
