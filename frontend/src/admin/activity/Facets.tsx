import { UnstyledButton } from "@mantine/core";
import { useQueries } from "@tanstack/react-query";
import { get, type Query } from "~/api/client";
import { keyOf, type Page, useGet } from "~/api/query";
import type { Event, TypeCreate } from "~/api/schema.gen";
import { number } from "~/lib/format";
import { t } from "~/text/text";
import classes from "./Activity.module.css";
import { filterName } from "./sentence";

type Props = { current: string | undefined; narrowed: Query; onChoose: (action: string | undefined) => void };

/** How many events of each action there are; the counts are those of lists of one. */
export function Facets({ current, narrowed, onChoose }: Props) {
	const actions = useGet<TypeCreate[]>("/events/events/actions/").data ?? [];
	const counts = useQueries({
		queries: actions.map((action) => {
			const query = { ...narrowed, action: action.component, page_size: 1 };
			return { queryKey: keyOf("/events/events/", query), queryFn: () => get<Page<Event>>("/events/events/", query), staleTime: 60_000 };
		}),
	});
	const rows = actions
		.map((action, index) => ({ id: action.component, count: counts[index]?.data?.pagination.count ?? 0 }))
		.filter((row) => row.count > 0 || row.id === current)
		.sort((a, b) => b.count - a.count);
	if (rows.length === 0) return <div />;
	return (
		<section className={`gh-panel ${classes.facets}`} aria-label={t("activity.facets")}>
			<h2>{t("activity.facets")}</h2>
			<ul>
				{rows.map((row) => (
					<li key={row.id}>
						<UnstyledButton
							className={classes.facet}
							aria-pressed={row.id === current}
							onClick={() => onChoose(row.id === current ? undefined : row.id)}
						>
							<span>{filterName(row.id)}</span>
							<span className={classes.count}>{number(row.count)}</span>
						</UnstyledButton>
					</li>
				))}
			</ul>
		</section>
	);
}
