import type { SearchHit } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { tOr } from "~/text/text";
import { Face } from "~/ui/Face";
import type { Entry } from "./Palette";

/** Where the addresses of the admin pages begin in what the server gives. */
const here = "/if/admin/#";

/** A hit as the palette shows it; undefined for what has no page. */
export function entryOf(hit: SearchHit): Omit<Entry, "icon"> | undefined {
	if (!hit.url.startsWith(here)) return undefined;
	const kind = tOr(hit.kind, `kinds.${hit.model.slice(hit.model.lastIndexOf(".") + 1)}.one`);
	return { to: hit.url.slice(here.length), label: hit.title, note: hit.subtitle ? `${kind} · ${hit.subtitle}` : kind };
}

/** What the server finds for the palette, of every kind that the person may look at. */
export function useFound(search: string): Entry[] {
	const enabled = search.length > 1;
	const { data } = useGet<{ results: SearchHit[] }>("/gatehouse/search/", { query: { search }, enabled, keep: true });
	if (!enabled) return [];
	return (data?.results ?? []).flatMap((hit) => {
		const entry = entryOf(hit);
		return entry ? [{ ...entry, icon: <Face name={entry.label} size={24} square /> }] : [];
	});
}
