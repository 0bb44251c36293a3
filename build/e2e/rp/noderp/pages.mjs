// The pages: HTML, or JSON for who asks for application/json.

// Fault is a failure as a page tells it.
export class Fault extends Error {
	constructor(status, reason) {
		super(reason);
		this.status = status;
	}
}

const asText = (text) => String(text ?? "").replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function frame({ status, reason, user }) {
	const row = (title, id, value) => `<dt>${title}</dt><dd id="${id}">${asText(value)}</dd>\n`;
	const rows = user
		? `<dl>\n${row("sub", "sub", user.sub)}${row("user", "username", user.preferred_username)}` +
			`${row("name", "name", user.name)}${row("email", "email", user.email)}</dl>\n`
		: "";
	const links = user
		? '<a id="refresh" href="/refresh">Refresh</a> <a id="logout" href="/logout">Sign out</a>'
		: '<a id="login" href="/login">Sign in</a>';
	return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>noderp</title>
<h1>noderp</h1>
<p id="status">${asText(status)}</p>
${reason ? `<p id="reason">${asText(reason)}</p>\n` : ""}${rows}<p>${links}</p>
</html>
`;
}

// writeFront tells whether somebody is signed in. Who asks for application/json gets the claims.
export function writeFront(c) {
	const user = c.session.user;
	const data = { app: "noderp", signed_in: Boolean(user) };
	if (user) {
		data.sub = user.claims.sub;
		data.id_token = user.claims;
		data.userinfo = user.userinfo;
		data.refresh = { held: Boolean(user.refresh), count: user.count, rotated: user.rotated };
	}
	write(c, 200, data, { status: user ? "Signed in" : "Signed out", user: user?.userinfo });
}

export function writeFault(c, fault) {
	write(c, fault.status, { app: "noderp", error: fault.message }, { status: "Failed", reason: fault.message });
}

function write({ req, res }, status, data, page) {
	const asJSON = (req.headers.accept ?? "").includes("application/json");
	res.writeHead(status, {
		"Content-Type": asJSON ? "application/json" : "text/html; charset=utf-8",
		"Cache-Control": "no-store",
	});
	res.end(asJSON ? `${JSON.stringify(data)}\n` : frame(page));
}
