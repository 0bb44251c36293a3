import { t } from "~/text/text";

/** Leads the keyboard past the navigation. A button, because the hash of the address belongs to the router. */
export function SkipLink() {
	return (
		<button type="button" className="gh-skip" onClick={() => document.getElementById("main")?.focus()}>
			{t("common.skip")}
		</button>
	);
}
