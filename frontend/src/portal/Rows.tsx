import { Skeleton } from "@mantine/core";
import type { ReactNode } from "react";
import type { Query } from "~/api/client";
import { type Page, useGet } from "~/api/query";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import classes from "./Portal.module.css";

type Props<T> = {
	path: string;
	query: Query;
	keyOf: (row: T) => string;
	row: (row: T) => { icon: ReactNode; name: ReactNode; text: ReactNode; action?: ReactNode };
	empty: ReactNode;
};

/** A short list of what is mine. */
export function Rows<T>({ path, query, keyOf, row, empty }: Props<T>) {
	const { data, error, refetch } = useGet<Page<T>>(path, { query: { page_size: 100, ...query } });
	if (error && !data) return <Problem error={error} again={refetch} />;
	if (!data) return <Skeleton height={160} aria-busy="true" />;
	if (data.results.length === 0) return <div className="gh-panel">{empty}</div>;
	const hidden = data.pagination.count - data.results.length;
	return (
		<>
			<ul className={`gh-panel ${classes.list}`}>
				{data.results.map((one) => {
					const { icon, name, text, action } = row(one);
					return (
						<li key={keyOf(one)} className={classes.row}>
							{icon}
							<div className={classes.rowWords}>
								<div className={classes.rowName}>{name}</div>
								<div className={classes.rowText}>{text}</div>
							</div>
							{action}
						</li>
					);
				})}
			</ul>
			{hidden > 0 && <p className={classes.text}>{t("portal.more", { count: hidden })}</p>}
		</>
	);
}
