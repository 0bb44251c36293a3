import { useSyncExternalStore } from "react";

export const places = ["apps", "profile", "security", "sessions", "consents", "connections", "tokens"] as const;
export type Place = (typeof places)[number];

/** The published routes of the user interface lead to ours. */
const published: Record<string, Place> = { library: "apps", settings: "profile" };

export function placeOf(hash: string): Place {
	const name = hash.replace(/^#?\/?/, "").split(/[/?;]/)[0] ?? "";
	return places.find((place) => place === name) ?? published[name] ?? "apps";
}

function subscribe(listener: () => void) {
	window.addEventListener("hashchange", listener);
	return () => window.removeEventListener("hashchange", listener);
}

export const usePlace = (): Place => useSyncExternalStore(subscribe, () => placeOf(location.hash));
