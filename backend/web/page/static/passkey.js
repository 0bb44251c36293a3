"use strict";
(() => {
	const box = document.querySelector("[data-passkey]");
	const form = box && box.closest("form");
	if (!form) return;
	const say = box.dataset;
	const button = box.querySelector("button");
	const status = box.querySelector("[role=status]");
	const tell = (text) => {
		if (status) status.textContent = text;
	};
	const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
	const text = (b) => b ? btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "") : undefined;
	const named = (list) => (list || []).map((c) => Object.assign({}, c, { id: bytes(c.id) }));

	// What the server asks now: a fresh challenge for each try. Nothing when the flow has gone on meanwhile.
	const fresh = async () => {
		const url = `/api/v3/flows/executor/${location.pathname.split("/")[3]}/?query=${encodeURIComponent(location.search.slice(1))}`;
		const asked = await (await fetch(url, { headers: { Accept: "application/json" } })).json();
		const of = (asked.device_challenges || []).find((d) => d.device_class === "webauthn");
		return asked.registration || (of && of.challenge);
	};
	const ready = (o) => {
		const out = Object.assign({}, o, { challenge: bytes(o.challenge), excludeCredentials: named(o.excludeCredentials), allowCredentials: named(o.allowCredentials) });
		if (o.user) out.user = Object.assign({}, o.user, { id: bytes(o.user.id) });
		return out;
	};
	const send = (key) => {
		const r = key.response;
		const answer = { id: key.id, rawId: text(key.rawId), type: key.type, clientExtensionResults: {}, response: { clientDataJSON: text(r.clientDataJSON) } };
		for (const n of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (r[n]) answer.response[n] = text(r[n]);
		if (r.getTransports) answer.response.transports = r.getTransports();
		const f = document.createElement("form");
		f.method = "post";
		f.action = form.action;
		const put = (name, value) => {
			const i = document.createElement("input");
			[i.type, i.name, i.value] = ["hidden", name, value];
			f.append(i);
		};
		put("csrf", form.elements.csrf.value);
		put(say.passkey, JSON.stringify(answer));
		document.body.append(f);
		f.submit();
	};
	const can = window.PublicKeyCredential && navigator.credentials;

	if (say.options) { // keys are offered among the names while somebody types one
		const offer = async () => {
			if (await window.PublicKeyCredential.isConditionalMediationAvailable()) send(await navigator.credentials.get({ mediation: "conditional", publicKey: ready(JSON.parse(say.options)) }));
		};
		if (can && window.PublicKeyCredential.isConditionalMediationAvailable) offer().catch(() => {});
		return;
	}
	if (!can) {
		tell(isSecureContext ? say.unable : say.insecure);
		return;
	}
	const begin = async () => {
		button.disabled = true;
		tell(say.wait);
		try {
			const options = await fresh();
			if (!options) location.reload();
			else send(await (say.passkey === "response" ? navigator.credentials.create({ publicKey: ready(options) }) : navigator.credentials.get({ publicKey: ready(options) })));
		} catch (e) {
			tell({ NotAllowedError: say.cancelled, InvalidStateError: say.there, SecurityError: say.address, NotSupportedError: say.unable, ConstraintError: say.unable }[e.name] || say.failed);
			button.disabled = false;
			button.focus();
		}
	};
	button.hidden = false;
	button.addEventListener("click", begin);
	if (say.begin && !document.querySelector("[role=alert]")) begin();
})();
