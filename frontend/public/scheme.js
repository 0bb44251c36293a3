// Sets the colour scheme before the first paint; a file of its own because the page allows no inline script.
(() => {
	let chosen = "auto";
	try {
		chosen = localStorage.getItem("gatehouse-scheme") ?? "auto";
	} catch {
		// Storage may be closed to us; then the system's scheme holds.
	}
	const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
	document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
