import { t } from "~/text/text";
import { siteOf } from "./catalog";

/** The page that something was taken from. */
export function Source({ of, source }: { of: string; source: string }) {
	const site = siteOf(source);
	if (!site) return null;
	return (
		<a href={source} target="_blank" rel="noopener noreferrer" aria-label={t("catalog.sourceOf", { what: of, site })}>
			{site}
		</a>
	);
}
