// Takes objects through their lives with the TypeScript client that the release generates from its description. Standard input is JSON:
// the base address, the token, and for each kind its operations with the names and types of their parameters. Prints how many operations
// were asked; what the client can't ask or read goes to standard error, and then the exit code is 1.
import { text } from "node:stream/consumers";
import * as api from "@goauthentik/api";

const { base, kinds } = JSON.parse(await text(process.stdin));
let asked = 0;
const problems = [];

const camel = (s) => s.replace(/_+([a-z0-9])/gi, (_, c) => c.toUpperCase());
const lower = (s) => s[0].toLowerCase() + s.slice(1);

const clients = new Map();
function client(token) {
	if (!clients.has(token)) {
		const config = new api.Configuration({ basePath: base, headers: { Authorization: `Bearer ${token}` } });
		clients.set(
			token,
			Object.entries(api)
				.filter(([name, value]) => name.endsWith("Api") && typeof value === "function")
				.map(([, Api]) => new Api(config)),
		);
	}
	return clients.get(token);
}

// unread gives the members of an answer that the client's types don't have.
function unread(raw, value, at = "") {
	if (Array.isArray(raw)) {
		return Array.isArray(value) ? raw.flatMap((r, i) => unread(r, value[i], `${at}[${i}]`)) : [at];
	}
	if (raw === null || typeof raw !== "object" || value instanceof Date) {
		return raw !== null && value === undefined ? [at] : [];
	}
	return Object.entries(raw).flatMap(([name, r]) => {
		for (const key of [name, camel(name), lower(camel(name)), `_${name}`]) {
			if (value && Object.hasOwn(value, key)) return unread(r, value[key], `${at}.${name}`);
		}
		return [`${at}.${name}`];
	});
}

async function call(token, { op, param, key, type, body }) {
	const name = camel(op);
	const owner = client(token).find((c) => typeof c[`${name}Raw`] === "function");
	if (!owner) throw new Error("the client does not know it");
	const args = {};
	if (param) args[camel(param)] = key;
	if (type) {
		const read = api[`${type}FromJSON`];
		if (!read) throw new Error(`the client has no ${type}`);
		args[lower(type)] = read(body);
		const lost = unread(body, args[lower(type)]);
		if (lost.length) throw new Error(`${type} lacks ${lost}`);
	}
	asked++;
	const response = await owner[`${name}Raw`](args);
	if (response.raw.status === 204) return undefined;
	const raw = await response.raw.clone().json();
	const lost = unread(raw, await response.value());
	if (lost.length) throw new Error(`the answer has ${lost}, which the client's type lacks`);
	return raw;
}

for (const { token, key, create, then } of kinds) {
	let at = key;
	for (const step of [create, ...then]) {
		if (!step) continue;
		try {
			const out = await call(token, { ...step, key: at });
			if (step === create) {
				const name = create.keys.find((k) => out[k] !== undefined);
				at = out[name];
			}
		} catch (e) {
			const said = e.response ? `${e.response.status} ${await e.response.text().catch(() => "")}` : e.message;
			problems.push(`${step.op}: ${said}`);
			if (step === create) break;
		}
	}
}
console.log(asked);
if (problems.length) {
	console.error(problems.join("\n"));
	process.exit(1);
}
