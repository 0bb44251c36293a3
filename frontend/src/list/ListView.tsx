import { Button, Pagination, Select } from "@mantine/core";
import { type ReactNode, useCallback, useMemo, useState } from "react";
import type { Query } from "~/api/client";
import { number } from "~/lib/format";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { type Filter, FilterChips } from "./Filters";
import classes from "./ListView.module.css";
import { SearchBox } from "./SearchBox";
import { pageSizes } from "./state";
import { type Rows, Table } from "./Table";
import { useList } from "./useList";

export type Bulk<T> = { label: string; danger?: boolean; act: (rows: T[], done: () => void) => void };

type Props<T> = Omit<Rows<T>, "rows"> & {
	path: string;
	fixed?: Query;
	filters?: Filter[];
	ordering?: string;
	bulk?: Bulk<T>[];
	/** Shown when there is nothing at all, not even without search and filters. */
	empty: ReactNode;
	searchLabel?: string;
	side?: ReactNode;
};

/** A list of the server: search, filters, order, selection and pages, all of it in the address. */
export function ListView<T>(props: Props<T>) {
	const { path, fixed, filters = [], ordering, bulk = [], empty, searchLabel, side, ...rows } = props;
	const names = filters.map((filter) => filter.name).join(" ");
	const filterNames = useMemo(() => names.split(" ").filter(Boolean), [names]);
	const { state, change, answer } = useList<T>(path, { fixed, filters: filterNames, ordering });
	const [selected, setSelected] = useState<Set<string>>(new Set());
	const page = answer.data?.pagination;
	const found = answer.data?.results;
	const narrowed = state.search !== "" || Object.keys(state.filters).length > 0;
	const chosen = useMemo(() => found?.filter((row) => selected.has(rows.keyOf(row))) ?? [], [found, selected, rows.keyOf]);
	const onSearch = useCallback((search: string) => change({ search }), [change]);

	if (answer.error && !answer.data)
		return (
			<Panel>
				<Problem error={answer.error} again={() => answer.refetch()} />
			</Panel>
		);
	if (page?.count === 0 && !narrowed && state.page === 1) return <Panel>{empty}</Panel>;
	return (
		<section>
			<div className={classes.bar}>
				<SearchBox value={state.search} label={searchLabel ?? t("list.search")} onChange={onSearch} />
				<FilterChips filters={filters} chosen={state.filters} onChange={change} />
				{side}
			</div>
			{chosen.length > 0 && (
				<div className={classes.bulk} role="status">
					<span>{t("list.selected", { count: chosen.length })}</span>
					{bulk.map((one) => (
						<Button
							key={one.label}
							size="compact-sm"
							variant="default"
							c={one.danger ? "var(--gh-danger)" : undefined}
							onClick={() => one.act(chosen, () => setSelected(new Set()))}
						>
							{one.label}
						</Button>
					))}
					<Button size="compact-sm" variant="subtle" onClick={() => setSelected(new Set())}>
						{t("list.selectNone")}
					</Button>
				</div>
			)}
			<Panel>
				{found?.length === 0 ? (
					<Empty title={t("list.nothing")} text={t("list.nothingText")}>
						<Button
							variant="default"
							onClick={() => change(Object.fromEntries([...filterNames, "search"].map((name) => [name, undefined])))}
						>
							{t("list.clear")}
						</Button>
					</Empty>
				) : (
					<Table
						{...rows}
						rows={found}
						ordering={state.ordering}
						onOrder={(to) => change({ ordering: to })}
						selected={selected}
						onSelect={bulk.length > 0 ? setSelected : undefined}
					/>
				)}
			</Panel>
			{page && page.count > 0 && (
				<div className={classes.foot}>
					<span className="gh-soft">
						{t("list.range", { from: number(page.start_index), to: number(page.end_index), all: number(page.count) })}
					</span>
					{page.count > (pageSizes[0] ?? 20) && (
						<Select
							size="xs"
							w={120}
							allowDeselect={false}
							aria-label={t("list.pageSize")}
							data={pageSizes.map((size) => ({ value: String(size), label: t("list.perPage", { size }) }))}
							value={String(state.pageSize)}
							onChange={(size) => change({ page_size: Number(size) })}
						/>
					)}
					{page.total_pages > 1 && (
						<Pagination
							size="sm"
							total={page.total_pages}
							value={page.current}
							onChange={(to) => change({ page: to })}
							getControlProps={(control) => ({ "aria-label": t(`list.page.${control}`) })}
							getItemProps={(to) => ({ "aria-label": t("list.pageNumber", { page: to }) })}
						/>
					)}
				</div>
			)}
		</section>
	);
}

function Panel({ children }: { children: ReactNode }) {
	return <div className={`gh-panel ${classes.panel}`}>{children}</div>;
}
