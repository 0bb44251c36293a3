// Starts the relying parties and waits until they serve.
//
//	const rp = await startGo({ program: "build/bin/e2e/gorp", issuer, "client-id": "demo", "redirect-url": "http://…/callback", … });
//	await rp.stop();
//
// Settings are the flags without their dashes. caFile is the file to trust; netns is the namespace to run in. log() gives what the
// program said on its standard error.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const withCA = (caFile) => (caFile ? { "ca-file": caFile } : {});

export const startGo = ({ program, caFile, ...rest }) => start([program], { ...rest, ...withCA(caFile) }, {});

export const startNode = ({ caFile, ...rest }) =>
	start([process.execPath, here("noderp/main.mjs")], rest, caFile ? { NODE_EXTRA_CA_CERTS: caFile } : {});

// startThird starts the third party's product; its settings are those of third/start.sh.
export const startThird = ({ caFile, ...rest }) => start([here("third/start.sh")], { ...rest, ...withCA(caFile) }, {});

// startProxy starts the other one, with third/proxy.sh.
export const startProxy = ({ caFile, ...rest }) => start([here("third/proxy.sh")], { ...rest, ...withCA(caFile) }, {});

async function start(command, { netns, ...settings }, more) {
	const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
	const [program, ...args] = [...(netns ? ["ip", "netns", "exec", netns] : []), ...command, ...flags];
	const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
	const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...env, ...more } });
	const end = () => child.kill();
	process.once("exit", end); // a test that fails half-way leaves nothing behind
	let said = "";
	child.stderr.on("data", (text) => {
		said += text;
	});
	const ended = new Promise((resolve) => {
		child.on("error", (err) => resolve(err.message));
		child.on("close", (code, signal) => resolve(`${program} ended with ${code ?? signal}: ${said.trim()}`));
	});
	const failed = ended.then((why) => Promise.reject(new Error(why)));
	const line = new Promise((resolve) => {
		createInterface(child.stdout).once("line", resolve);
	});
	const ready = JSON.parse(await Promise.race([line, failed]));
	failed.catch(() => {});
	const stop = async () => {
		end();
		await ended;
		process.off("exit", end);
	};
	return { ...ready, stop, log: () => said };
}
