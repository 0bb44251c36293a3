import { Skeleton } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import type { Bulk } from "~/list/ListView";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { told } from "~/ui/notices";
import { type Chosen, reasonOf, removeMany, tryRemove } from "./bulk";
import { byModel } from "./models";
import classes from "./useBulkDelete.module.css";

type Names<T> = { modelOf: (row: T) => string | undefined; pkOf: (row: T) => string; nameOf: (row: T) => string };

/** Deletes the selected rows of a list, all or none of a kind, after saying for each what else it affects. */
export function useBulkDelete<T>({ modelOf, pkOf, nameOf }: Names<T>): Bulk<T> {
	const client = useQueryClient();
	return {
		label: t("delete.button"),
		danger: true,
		act: (rows, done) => {
			const all = [...byModel(rows, modelOf)].map(([model, some]) => ({ model, pks: some.map(pkOf) }));
			confirm({
				title: t("delete.many", { count: rows.length }),
				body: (
					<>
						<ul className={classes.rows}>
							{all.map((chosen) => (
								<Tried key={chosen.model} chosen={chosen} names={new Map(rows.map((row) => [pkOf(row), nameOf(row)]))} />
							))}
						</ul>
						{rows.length > 1 && <p>{t("delete.manyText")}</p>}
						<p className="gh-soft">{t("delete.forever")}</p>
					</>
				),
				yes: t("delete.yes"),
				danger: true,
				act: async () => {
					try {
						for (const chosen of all) await removeMany(chosen);
						told(t("delete.manyDone", { count: rows.length }));
						done();
					} finally {
						await client.invalidateQueries({ queryKey: ["api"] });
					}
				},
			});
		},
	};
}

/** What the deletion would do, asked of the server in one request. */
function Tried({ chosen, names }: { chosen: Chosen; names: Map<string, string> }) {
	const { data, error } = useQuery({
		queryKey: ["bulkDelete", chosen],
		queryFn: () => tryRemove(chosen),
		staleTime: 0,
		retry: false,
	});
	const rows = new Map(data?.results.map((row) => [row.pk, row]));
	return chosen.pks.map((pk) => {
		const row = rows.get(pk);
		const why = row && reasonOf(row);
		return (
			<li key={pk}>
				<strong>{names.get(pk)}</strong>
				{!row && !error && <Skeleton height={14} width="60%" />}
				{row && why && <p className={classes.refused}>{t("delete.refused", { why })}</p>}
				{row && !why && <p>{row.used_by > 0 ? t("delete.uses", { count: row.used_by }) : t("delete.usesNone")}</p>}
			</li>
		);
	});
}
