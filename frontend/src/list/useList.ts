import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Query } from "~/api/client";
import { type Page, useGet } from "~/api/query";
import { changed, type ListState, type RawSearch, readState, toQuery } from "./state";

export type ListOptions = { fixed?: Query; filters?: readonly string[]; ordering?: string };

/** The part of the address behind the question mark, and a way to change it. */
export function useAddress(): [RawSearch, (change: Record<string, string | number | undefined>) => void] {
	const raw = useSearch({ strict: false }) as RawSearch;
	const navigate = useNavigate();
	const change = useCallback(
		(to: Record<string, string | number | undefined>) => {
			navigate({ to: ".", search: (now: RawSearch) => changed(now, to), replace: true });
		},
		[navigate],
	);
	return [raw, change];
}

/** A list of the server bound to the address. */
export function useList<T>(path: string, { fixed, filters = [], ordering }: ListOptions = {}) {
	const [raw, change] = useAddress();
	const state: ListState = useMemo(() => readState(raw, filters, ordering), [raw, filters, ordering]);
	const answer = useGet<Page<T>>(path, { query: { ...fixed, ...toQuery(state) }, keep: true });
	return { state, change, answer };
}
