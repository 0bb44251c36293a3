// Chromium for tests: with its own home, so that trust.sh decides what it trusts. Certificate errors are fatal.

import { chromium } from "playwright-core";

const args = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--no-first-run",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
];

// openBrowser starts Chromium in this process's network; home is the folder that was given to trust.sh.
export function openBrowser(home) {
	const { XDG_DATA_HOME: _data, XDG_CONFIG_HOME: _config, ...env } = process.env;
	return chromium.launch({ executablePath: "/usr/bin/chromium", args, env: { ...env, HOME: home } });
}
