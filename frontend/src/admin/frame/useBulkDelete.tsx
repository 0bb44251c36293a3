import { useQueryClient } from "@tanstack/react-query";
import { remove } from "~/api/query";
import type { Bulk } from "~/list/ListView";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { told } from "~/ui/notices";
import { Uses } from "./UsedBy";
import classes from "./useBulkDelete.module.css";

type Names<T> = { pathOf: (row: T) => string; nameOf: (row: T) => string };

/** Deletes the selected rows of a list, after saying for each what else it affects. */
export function useBulkDelete<T>({ pathOf, nameOf }: Names<T>): Bulk<T> {
	const client = useQueryClient();
	return {
		label: t("delete.button"),
		danger: true,
		act: (rows, done) =>
			confirm({
				title: t("delete.many", { count: rows.length }),
				body: (
					<>
						<ul className={classes.rows}>
							{rows.map((row) => (
								<li key={pathOf(row)}>
									<strong>{nameOf(row)}</strong>
									<Uses path={pathOf(row)} />
								</li>
							))}
						</ul>
						<p className="gh-soft">{t("delete.forever")}</p>
					</>
				),
				yes: t("delete.yes"),
				danger: true,
				act: async () => {
					try {
						for (const row of rows) await remove(pathOf(row));
						told(t("delete.manyDone", { count: rows.length }));
					} finally {
						done();
						await client.invalidateQueries({ queryKey: ["api"] });
					}
				},
			}),
	};
}
