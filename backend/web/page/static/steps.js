"use strict";
(() => {
	const all = (sel, f) => document.querySelectorAll(sel).forEach(f);

	// A list of codes: copy it, print it.
	all("[data-copy]", (b) => {
		if (!navigator.clipboard) return;
		b.hidden = false;
		b.addEventListener("click", async () => {
			const lines = [...document.querySelectorAll(`#${b.dataset.copy} li`)].map((li) => li.textContent.trim());
			await navigator.clipboard.writeText(lines.join("\n"));
			b.textContent = b.dataset.done;
		});
	});
	all("[data-print]", (b) => {
		b.hidden = false;
		b.addEventListener("click", () => print());
	});

	// A captcha: the service's script draws its widget, whose answer goes with the form.
	all("[data-captcha]", (box) => {
		const form = box.closest("form");
		const again = form.querySelector("[data-captcha-again]");
		const say = form.querySelector("[data-captcha-said]");
		const fail = () => {
			say.textContent = box.dataset.missing;
			again.hidden = false;
		};
		const done = (token) => {
			form.elements.token.value = token;
			form.requestSubmit ? form.requestSubmit() : form.submit();
		};
		const ask = () => {
			const o = { sitekey: box.dataset.key, callback: done, "error-callback": fail };
			const of = (service) => service.execute(service.render(box, Object.assign({ size: "invisible" }, o)));
			if (window.grecaptcha) grecaptcha.ready(() => of(grecaptcha));
			else if (window.hcaptcha) of(hcaptcha);
			else if (window.turnstile) turnstile.render(box, o);
			else fail();
		};
		const load = () => {
			const s = document.createElement("script");
			s.src = box.dataset.script;
			s.onload = ask;
			s.onerror = fail;
			document.head.append(s);
		};
		again.addEventListener("click", () => location.assign(location.href)); // a widget answers once
		// After an answer that was refused, the person begins: else a wrong key would send forms without end.
		if (document.querySelector(".errors")) again.hidden = false;
		else load();
	});
})();
