import { Table } from "@mantine/core";
import { Children, type ReactNode } from "react";
import { Ago } from "~/ui/Ago";
import classes from "./Log.module.css";

type LogProps = { label: string; heads: [what: string, outcome: string, when: string]; nothing: string; children: ReactNode };

/** What came and went lately: lines with the newest first, in a box of their own, or the word that there are none. */
export function Log({ label, heads: [what, outcome, when], nothing, children }: LogProps) {
	if (Children.count(children) === 0) return <p className="gh-soft">{nothing}</p>;
	return (
		// biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls here too
		<div className={classes.log} role="log" aria-label={label} tabIndex={0}>
			<Table verticalSpacing="xs">
				<Table.Thead>
					<Table.Tr>
						<Table.Th>{what}</Table.Th>
						<Table.Th>{outcome}</Table.Th>
						<Table.Th className={classes.when}>{when}</Table.Th>
					</Table.Tr>
				</Table.Thead>
				<Table.Tbody>{children}</Table.Tbody>
			</Table>
		</div>
	);
}

type LineProps = { what: ReactNode; about: string; says: string; outcome: ReactNode; at: string; from: string; children?: ReactNode };

/** One line of a log: what it was, about whom, what is said to it, how it ended, when and from where. */
export function Line({ what, about, says, outcome, at, from, children }: LineProps) {
	return (
		<Table.Tr>
			<Table.Td className={classes.words}>
				{what}
				{about && <div className="gh-soft">{about}</div>}
				{says && <div>{says}</div>}
				{children}
			</Table.Td>
			<Table.Td>{outcome}</Table.Td>
			<Table.Td className={classes.when}>
				<Ago time={at} />
				<div className="gh-soft">{from}</div>
			</Table.Td>
		</Table.Tr>
	);
}
