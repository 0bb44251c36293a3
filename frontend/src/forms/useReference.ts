import { useDebouncedValue } from "@mantine/hooks";
import { useQueries } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { get } from "~/api/client";
import { keyOf, type Page, useGet } from "~/api/query";
import type { Row } from "~/schema/description";
import { useKinds } from "~/schema/use";
import { labelOfRow } from "~/ui/names";

export type Target = { path: string; key: string };
export type Choice = { value: string; label: string };

const toChoice = (target: Target, row: Row): Choice => ({ value: String(row[target.key] ?? row.pk), label: labelOfRow(row) });

/** Choices for a reference: what the server finds, and the names of what is chosen already. */
export function useReference(target: Target, chosen: string[]) {
	const [search, setSearch] = useState("");
	const [settled] = useDebouncedValue(search, 200);
	const found = useGet<Page<Row>>(target.path, { query: { search: settled, page_size: 50 }, keep: true });
	const { kinds } = useKinds();
	const choices = useMemo(() => found.data?.results.map((row) => toChoice(target, row)) ?? [], [found.data, target]);

	// Objects that are addressed by their key can be read one by one; others are looked for in the collection.
	const kind = [...(kinds?.values() ?? [])].find((one) => one.path === target.path);
	const single = kind !== undefined && kind.param !== "slug" && kind.param !== "identifier";
	const unknown = found.data ? chosen.filter((value) => !choices.some((choice) => choice.value === value)) : [];
	const ones = useQueries({
		queries: (single ? unknown : []).map((value) => ({
			queryKey: keyOf(`${target.path}${value}/`),
			queryFn: ({ signal }: { signal: AbortSignal }) => get<Row>(`${target.path}${value}/`, undefined, signal),
		})),
	});
	const all = useGet<Page<Row>>(target.path, { query: { page_size: 100 }, enabled: !single && unknown.length > 0 && !!kinds });
	const rest = [...ones.flatMap((one) => (one.data ? [one.data] : [])), ...(single ? [] : (all.data?.results ?? []))].map((row) =>
		toChoice(target, row),
	);
	const named = unknown.map((value) => rest.find((choice) => choice.value === value) ?? { value, label: value });
	return { choices: [...named, ...choices], search, setSearch, loading: found.isFetching, error: found.error };
}
