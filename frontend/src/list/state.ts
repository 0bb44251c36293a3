// The state of a list as it stands in the address: page, size, search, order, filters.
import type { Query } from "~/api/client";

export type RawSearch = Record<string, unknown>;
export type ListState = { page: number; pageSize: number; search: string; ordering: string; filters: Record<string, string> };

export const pageSizes = [20, 50, 100];

const text = (value: unknown) => (value === undefined || value === null ? "" : String(value));
const whole = (value: unknown, fallback: number) => {
	const number = Number(value);
	return Number.isInteger(number) && number > 0 ? number : fallback;
};

export function readState(raw: RawSearch, filterNames: readonly string[], ordering = ""): ListState {
	const filters: Record<string, string> = {};
	for (const name of filterNames) {
		if (text(raw[name]) !== "") filters[name] = text(raw[name]);
	}
	return {
		page: whole(raw.page, 1),
		pageSize: Math.min(whole(raw.page_size, 20), 100),
		search: text(raw.search),
		ordering: text(raw.ordering) || ordering,
		filters,
	};
}

export function toQuery(state: ListState): Query {
	return { page: state.page, page_size: state.pageSize, search: state.search, ordering: state.ordering, ...state.filters };
}

/** The address after a change; anything but turning the page goes back to the first one. */
export function changed(raw: RawSearch, change: Record<string, string | number | undefined>): RawSearch {
	const next: RawSearch = { ...raw, ...("page" in change ? {} : { page: undefined }), ...change };
	for (const [name, value] of Object.entries(next)) {
		if (value === undefined || value === "" || (name === "page" && value === 1)) delete next[name];
	}
	return next;
}

/** What a click on the title of a column makes of the order: up, down, and back to the usual one. */
export function nextOrdering(current: string, field: string): string {
	if (current === field) return `-${field}`;
	return current === `-${field}` ? "" : field;
}
