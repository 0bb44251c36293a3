import { cookie } from "~/lib/cookie";
import { setLanguage, type Table } from "./text";

const short = (name: string) => name.split(/[-_]/)[0] ?? name;

function isLanguage(name: string): boolean {
	try {
		return Intl.getCanonicalLocales(name).length > 0;
	} catch {
		return false;
	}
}

/** On Linux without a language the browser calls it "C", which libraries that format numbers do not survive. */
export function mendBrowserLanguage(): void {
	if (!isLanguage(navigator.language)) Object.defineProperty(navigator, "language", { value: "en", configurable: true });
}

/** The languages to try, best first: the cookie, the person's setting, the brand's, the browser's. */
export function wanted(mine: string | undefined, brands: string | undefined, browsers: readonly string[]): string[] {
	const names = [cookie("authentik_language"), mine, brands, ...browsers].filter((name): name is string => !!name);
	const all = names.flatMap((name) => [name.replace("_", "-"), short(name)]);
	const list = [...new Set(all)].filter(isLanguage);
	const end = list.findIndex((name) => short(name) === "en");
	return end < 0 ? list : list.slice(0, end);
}

/** Loads the first language that the server has; English is bundled and needs no loading. */
export async function loadLanguage(names: string[], tables: string[]): Promise<void> {
	for (const name of names.slice(0, 3)) {
		const answer = await fetch(`/static/text/${encodeURIComponent(name)}.json`).catch(() => undefined);
		if (!answer?.ok) continue;
		const all = (await answer.json()) as Record<string, Table>;
		setLanguage(name, ...tables.map((table) => all[table] ?? {}));
		document.documentElement.lang = name;
		return;
	}
}
