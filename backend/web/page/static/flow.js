"use strict";
(() => {
	const all = (sel, f) => document.querySelectorAll(sel).forEach(f);

	// Show and hide what is typed into a password field.
	all(".eye", (eye) => {
		const input = document.getElementById(eye.getAttribute("aria-controls"));
		eye.hidden = false;
		eye.addEventListener("click", () => {
			const shown = input.type === "text";
			input.type = shown ? "password" : "text";
			eye.setAttribute("aria-pressed", String(!shown));
			input.focus();
		});
		input.form.addEventListener("submit", () => {
			input.type = "password"; // browsers keep what text fields held
			eye.setAttribute("aria-pressed", "false");
		});
		const caps = eye.closest(".field").querySelector(".caps");
		const look = (e) => { // not on blur: a hint that goes moves the button away from under the click
			if (!e.getModifierState) return;
			const text = e.getModifierState("CapsLock") ? caps.dataset.text : "";
			if (caps.textContent !== text) caps.textContent = text;
		};
		input.addEventListener("keydown", look);
		input.addEventListener("keyup", look);
	});

	// One click sends a form once; coming back to the page lets it be sent again.
	all("form", (form) => {
		form.addEventListener("submit", (e) => {
			if ("sent" in form.dataset) e.preventDefault();
			form.dataset.sent = "";
		});
		addEventListener("pageshow", () => delete form.dataset.sent);
	});

	const wrong = document.querySelector("[aria-invalid=true]");
	if (wrong) {
		wrong.focus();
		wrong.closest(".field").scrollIntoView({ block: "center" }); // the reason stands below
	}

	all("details[data-os]", (d) => {
		if (new RegExp(d.dataset.os).test(navigator.userAgent)) d.open = true;
	});

	all("form[data-auto]", (form) => form.requestSubmit ? form.requestSubmit() : form.submit());
})();
