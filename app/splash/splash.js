"use strict";

const at = (id) => document.getElementById(id);

// show puts the page into one of its states: starting, problem, version.
function show(state, focus) {
	at("splash").dataset.state = state;
	if (focus) at(focus).focus();
}

async function enter(choice, doing) {
	at("doing").textContent = doing;
	show("starting");
	let e;
	try {
		e = await window.go.app.Shell.EnterURL(choice);
	} catch (err) {
		e = { problem: "The window can’t speak to its program. Close it and start Gatehouse again.", details: String(err) };
	}
	if (e.url) {
		location.replace(e.url);
		return;
	}
	if (e.version) {
		at("other").textContent = `A server of version ${e.version} is running; this window is version ${e.own}.`;
		show("version", "restart");
		return;
	}
	at("problem").textContent = e.problem;
	at("details").textContent = e.details || "";
	at("again").textContent = e.stopped ? "Start the server" : "Try again";
	at("more").hidden = !e.details;
	show("problem", "again");
}

at("again").addEventListener("click", () => enter("start", "Starting the server…"));
at("restart").addEventListener("click", () => enter("restart", "Restarting the server…"));
at("keep").addEventListener("click", () => enter("keep", "Opening…"));
enter("", "Starting the server…");
