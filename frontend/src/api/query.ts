import { keepPreviousData, QueryClient, type UseQueryResult, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { afterKeeping } from "~/lib/kept";
import { ApiError, get, type Query, send } from "./client";

export type Page<T> = {
	pagination: {
		next: number;
		previous: number;
		count: number;
		current: number;
		total_pages: number;
		start_index: number;
		end_index: number;
	};
	results: T[];
};

export const queryClient = new QueryClient({
	defaultOptions: {
		queries: {
			staleTime: 5_000,
			refetchOnWindowFocus: true,
			retry: (count, problem) => count < 2 && problem instanceof ApiError && (problem.status === 0 || problem.status >= 502),
		},
	},
});

export const keyOf = (path: string, query?: Query) => ["api", path, query ?? {}] as const;

type Options = { query?: Query; enabled?: boolean; keep?: boolean; every?: number };

export function useGet<T>(path: string, options: Options = {}): UseQueryResult<T, Error> {
	return useQuery<T, Error>({
		queryKey: keyOf(path, options.query),
		queryFn: ({ signal }) => get<T>(path, options.query, signal),
		enabled: options.enabled ?? true,
		placeholderData: options.keep ? keepPreviousData : undefined,
		refetchInterval: options.every,
	});
}

/** A change of something: what is on the page is read anew afterwards. */
export function useChange<Input, Output = void>(act: (input: Input) => Promise<Output>, done?: (output: Output, input: Input) => void) {
	const client = useQueryClient();
	return useMutation<Output, Error, Input>({
		mutationFn: act,
		onSuccess: async (output, input) => {
			afterKeeping(() => done?.(output, input));
			await client.invalidateQueries({ queryKey: ["api"] });
		},
	});
}

export const remove = (path: string) => send("DELETE", path);
