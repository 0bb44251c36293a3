import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { get } from "~/api/client";
import { type Description, type Kind, kindsOf } from "./description";

/** The description is large and changes only with the server's version; the browser asks again with its ETag. */
export function useDescription() {
	return useQuery<Description>({
		queryKey: ["description"],
		queryFn: ({ signal }) => get<Description>("/schema/", { format: "json" }, signal),
		staleTime: Number.POSITIVE_INFINITY,
	});
}

export function useKinds() {
	const { data, error, refetch } = useDescription();
	const kinds = useMemo(() => (data ? kindsOf(data) : undefined), [data]);
	return { kinds, description: data, error, refetch };
}

export function useKind(name: string): Kind | undefined {
	return useKinds().kinds?.get(name);
}
