import { Checkbox, Skeleton, UnstyledButton } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconSelector } from "@tabler/icons-react";
import type { KeyboardEvent, MouseEvent, ReactNode } from "react";
import { go, To } from "~/admin/frame/To";
import { t } from "~/text/text";
import { nextOrdering } from "./state";
import classes from "./Table.module.css";

export type Column<T> = {
	id: string;
	title: string;
	cell: (row: T) => ReactNode;
	/** The name by which the server orders this column. */
	sort?: string;
	right?: boolean;
	/** Hidden on windows narrower than this. */
	from?: "phone" | "tablet" | "desk";
};

export type Rows<T> = {
	columns: Column<T>[];
	rows: T[] | undefined;
	keyOf: (row: T) => string;
	nameOf: (row: T) => string;
	linkOf?: (row: T) => string | undefined;
	/** What stands before the name in the first column. */
	iconOf?: (row: T) => ReactNode;
	label: string;
};

type Props<T> = Rows<T> & {
	ordering?: string;
	onOrder?: (ordering: string) => void;
	selected?: Set<string>;
	onSelect?: (selected: Set<string>) => void;
};

/** Moves the focus between the links of the rows with the arrow keys. */
function moveFocus(event: KeyboardEvent<HTMLTableSectionElement>) {
	const links = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-row-link]")];
	const at = links.findIndex((link) => link === document.activeElement || link.closest("tr")?.contains(document.activeElement));
	const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
	if (to === undefined || at < 0) return;
	const target = links[Math.max(0, Math.min(links.length - 1, to))];
	if (!target) return;
	event.preventDefault();
	target.focus();
}

function openRow(event: MouseEvent<HTMLTableRowElement>, link: string | undefined) {
	const inside = (event.target as Element).closest("a, button, input, label, [role=menuitem]");
	if (!link || inside || window.getSelection()?.toString()) return;
	if (event.metaKey || event.ctrlKey) window.open(`#${link}`, "_blank");
	else go(link);
}

function Title<T>({ column, ordering, onOrder }: { column: Column<T>; ordering?: string; onOrder?: (ordering: string) => void }) {
	const field = column.sort;
	if (!field || !onOrder) return <>{column.title}</>;
	const up = ordering === field;
	const down = ordering === `-${field}`;
	const Icon = up ? IconArrowUp : down ? IconArrowDown : IconSelector;
	return (
		<UnstyledButton className={classes.sort} onClick={() => onOrder(nextOrdering(ordering ?? "", field))}>
			{column.title}
			<Icon size={14} aria-hidden="true" className={up || down ? "" : classes.idle} />
		</UnstyledButton>
	);
}

const sortOf = (field: string | undefined, ordering: string | undefined) => {
	if (!field) return undefined;
	if (ordering === field) return "ascending";
	return ordering === `-${field}` ? "descending" : "none";
};

export function Table<T>(props: Props<T>) {
	const { columns, rows, keyOf, nameOf, linkOf, iconOf, label, ordering, onOrder, selected, onSelect } = props;
	const keys = rows?.map(keyOf) ?? [];
	const all = keys.length > 0 && keys.every((key) => selected?.has(key));
	const some = keys.some((key) => selected?.has(key));
	const cellClass = (column: Column<T>) => [column.from ? classes[column.from] : "", column.right ? classes.right : ""].join(" ");

	function toggle(key: string) {
		const next = new Set(selected);
		if (!next.delete(key)) next.add(key);
		onSelect?.(next);
	}

	return (
		<div className={classes.scroll}>
			<table className={classes.table} aria-label={label} aria-busy={!rows}>
				<thead>
					<tr>
						{onSelect && (
							<th className={classes.check}>
								<Checkbox
									size="xs"
									aria-label={t("list.selectAll")}
									checked={all}
									indeterminate={some && !all}
									onChange={() => onSelect(new Set(all ? [] : keys))}
								/>
							</th>
						)}
						{columns.map((column) => (
							<th key={column.id} className={cellClass(column)} aria-sort={sortOf(onOrder && column.sort, ordering)} scope="col">
								<Title column={column} ordering={ordering} onOrder={onOrder} />
							</th>
						))}
					</tr>
				</thead>
				<tbody onKeyDown={moveFocus}>
					{rows
						? rows.map((row) => {
								const key = keyOf(row);
								const link = linkOf?.(row);
								return (
									// The link in the row does for the keyboard what a click on the row does.
									<tr
										key={key}
										className={link ? classes.open : ""}
										onClick={(event) => openRow(event, link)}
										data-selected={selected?.has(key) || undefined}
									>
										{onSelect && (
											<td className={classes.check}>
												<Checkbox
													size="xs"
													aria-label={t("list.select", { name: nameOf(row) })}
													checked={selected?.has(key) ?? false}
													onChange={() => toggle(key)}
												/>
											</td>
										)}
										{columns.map((column, index) => (
											<td key={column.id} className={cellClass(column)}>
												{index === 0 ? (
													<span className={classes.name}>
														{iconOf?.(row)}
														<span className={classes.words}>
															{link ? (
																<To to={link} className={classes.link} data-row-link>
																	{column.cell(row)}
																</To>
															) : (
																<strong>{column.cell(row)}</strong>
															)}
														</span>
													</span>
												) : (
													column.cell(row)
												)}
											</td>
										))}
									</tr>
								);
							})
						: Array.from({ length: 5 }, (_, index) => index).map((index) => (
								<tr key={index}>
									{onSelect && <td />}
									{columns.map((column) => (
										<td key={column.id} className={cellClass(column)}>
											<Skeleton height={14} width={column.right ? 40 : "70%"} my={4} />
										</td>
									))}
								</tr>
							))}
				</tbody>
			</table>
		</div>
	);
}
