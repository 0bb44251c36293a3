import { Skeleton } from "@mantine/core";
import { lazy, Suspense } from "react";
import { useGet } from "~/api/query";
import type { Coordinate, EventTopPerUser } from "~/api/schema.gen";
import { number } from "~/lib/format";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { merge, without } from "../chart/series";
import { TopApps } from "./TopApps";

const LineChart = lazy(() => import("../chart/LineChart"));

/** Sign-ins over time, by result, and the applications that people open most. */
export function SignIns() {
	const all = useGet<Coordinate[]>("/events/events/volume/", { query: { action: "login" } });
	const bad = useGet<Coordinate[]>("/events/events/volume/", { query: { action: "login_failed" } });
	const opened = useGet<Coordinate[]>("/events/events/volume/", { query: { action: "authorize_application" } });
	const top = useGet<EventTopPerUser[]>("/events/events/top_per_user/", { query: { action: "authorize_application", top_n: 5 } });
	const error = all.error ?? bad.error ?? opened.error;
	if (error) return <Problem error={error} again={() => [all, bad, opened].map((one) => one.refetch())} />;
	if (!all.data || !bad.data || !opened.data) return <Skeleton height={240} />;
	const total = [...all.data, ...opened.data].reduce((sum, point) => sum + point.y_cord, 0);
	if (total === 0) return <Empty title={t("home.noSignIns")} text={t("home.noSignInsText")} />;
	const series = merge([without(all.data, bad.data), bad.data, opened.data]);
	return (
		<>
			<Suspense fallback={<Skeleton height={240} />}>
				<LineChart
					title={t("home.signIns")}
					times={series.times}
					lines={[
						{ name: t("home.line.good"), values: series.values[0] ?? [], colour: "--gh-accent" },
						{ name: t("home.line.bad"), values: series.values[1] ?? [], colour: "--gh-danger", dash: true },
						{ name: t("home.line.opened"), values: series.values[2] ?? [], colour: "--gh-notice" },
					]}
				/>
			</Suspense>
			{top.data && top.data.length > 0 && (
				<TopApps
					rows={top.data.map((row) => ({
						name: String(row.application.name ?? ""),
						count: row.counted_events,
						text: t("home.topText", { times: number(row.counted_events), people: number(row.unique_users), count: row.unique_users }),
					}))}
				/>
			)}
		</>
	);
}
