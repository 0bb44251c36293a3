import { CloseButton, Loader, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconCheck, IconMinus, IconPlus } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import type { Query } from "~/api/client";
import { type Page, useGet } from "~/api/query";
import { t } from "~/text/text";
import { Face } from "~/ui/Face";
import { IconButton } from "~/ui/IconButton";
import { problemText } from "~/ui/problem";
import { To } from "./To";
import classes from "./TwoSided.module.css";

export type Item = { key: string; label: string; note?: string; to?: string; picture?: string | null };
export type Source<T> = { path: string; query?: Query; toItem: (row: T) => Item };

type Props<T> = {
	/** What can be chosen: the server searches. */
	source: Source<T>;
	/** What is chosen: a list, or again a search of the server's where it may be long. */
	chosen: Item[] | Source<T>;
	titles: { all: string; chosen: string };
	busy?: boolean;
	onAdd: (item: Item) => void;
	onRemove: (item: Item) => void;
};

const SHOWN = 50;

function useSide<T>(source: Item[] | Source<T>) {
	const [search, setSearch] = useState("");
	const [settled] = useDebouncedValue(search, 200);
	const listed = Array.isArray(source);
	const answer = useGet<Page<T>>(listed ? "" : source.path, {
		query: listed ? undefined : { ...source.query, search: settled, page_size: SHOWN },
		enabled: !listed,
		keep: true,
	});
	if (listed) {
		const words = search.trim().toLowerCase();
		const items = source.filter((item) => item.label.toLowerCase().includes(words));
		return { search, setSearch, items, count: source.length, loading: false, error: null };
	}
	const items = answer.data?.results.map(source.toItem) ?? [];
	return { search, setSearch, items, count: answer.data?.pagination.count ?? 0, loading: answer.isLoading, error: answer.error };
}

/** A long choice: everything on one side, what is chosen on the other, each with its search. */
export function TwoSided<T>({ source, chosen, titles, busy, onAdd, onRemove }: Props<T>) {
	const all = useSide(source);
	const mine = useSide(chosen);
	const inside = new Set(mine.items.map((item) => item.key));
	return (
		<div className={classes.sides}>
			<Side
				title={titles.all}
				side={all}
				button={(item) =>
					inside.has(item.key) ? (
						<span className={classes.inside} title={t("twoSided.inside")}>
							<IconCheck size={16} aria-hidden="true" />
							<span className="gh-visually-hidden">{t("twoSided.inside")}</span>
						</span>
					) : (
						<IconButton small disabled={busy} aria-label={t("twoSided.add", { name: item.label })} onClick={() => onAdd(item)}>
							<IconPlus size={16} />
						</IconButton>
					)
				}
			/>
			<Side
				title={titles.chosen}
				side={mine}
				button={(item) => (
					<IconButton small disabled={busy} aria-label={t("twoSided.remove", { name: item.label })} onClick={() => onRemove(item)}>
						<IconMinus size={16} />
					</IconButton>
				)}
			/>
		</div>
	);
}

function Side({ title, side, button }: { title: string; side: ReturnType<typeof useSide>; button: (item: Item) => ReactNode }) {
	const hidden = side.count - side.items.length;
	return (
		<section className={classes.side} aria-label={title}>
			<h3 className={classes.title}>
				{title} <span className="gh-soft">{side.count}</span>
			</h3>
			<TextInput
				aria-label={t("twoSided.search", { title })}
				placeholder={t("list.search")}
				value={side.search}
				onChange={(event) => side.setSearch(event.currentTarget.value)}
				rightSection={
					side.search ? <CloseButton size="sm" aria-label={t("list.clearSearch")} onClick={() => side.setSearch("")} /> : undefined
				}
			/>
			{side.error && <p role="alert">{problemText(side.error)}</p>}
			{side.loading && <Loader size="sm" my="md" />}
			{!side.loading && side.items.length === 0 && !side.error && <p className="gh-soft">{t("twoSided.none")}</p>}
			{side.items.length > 0 && (
				<ul className={classes.list}>
					{side.items.map((item) => (
						<li key={item.key}>
							<Face name={item.label} src={item.picture} size={24} />
							<span className={classes.words}>
								{item.to ? <To to={item.to}>{item.label}</To> : item.label}
								{item.note && <span className={classes.note}>{item.note}</span>}
							</span>
							{button(item)}
						</li>
					))}
				</ul>
			)}
			{side.items.length >= SHOWN && hidden > 0 && <p className="gh-soft">{t("twoSided.more", { count: hidden })}</p>}
		</section>
	);
}
