import { useSyncExternalStore } from "react";
import type { Crumb } from "./Page";

let crumbs: Crumb[] = [];
const listeners = new Set<() => void>();

export function setCrumbs(next: Crumb[]): void {
	crumbs = next;
	for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

/** The trail to the page that is open; the page sets it, the top bar shows it. */
export const useCrumbs = (): Crumb[] => useSyncExternalStore(subscribe, () => crumbs);
