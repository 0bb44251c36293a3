import { Skeleton } from "@mantine/core";
import { useState } from "react";
import { type Page, useGet } from "~/api/query";
import type { Event } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Empty, Problem } from "~/ui/Empty";
import { EventIcon } from "../activity/EventIcon";
import { sentenceOf } from "../activity/sentence";
import { useLive } from "../activity/useLive";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { To } from "../frame/To";
import classes from "./Home.module.css";

const SHOWN = 8;

/** What just happened, as it happens. */
export function Live() {
	const { data, error, refetch } = useGet<Page<Event>>("/events/events/", { query: { ordering: "-created", page_size: SHOWN } });
	const [fresh, setFresh] = useState<Event[]>([]);
	const open = useLive((event) => setFresh((now) => [event, ...now].slice(0, SHOWN)));
	const all = [...fresh, ...(data?.results ?? [])];
	const shown = all.filter((event, index) => all.findIndex((other) => other.pk === event.pk) === index).slice(0, SHOWN);
	const sign = (
		<span className={classes.live}>
			<span className={classes.dot} data-on={open || undefined} aria-hidden="true" />
			{t(open ? "activity.liveOn" : "activity.liveOff")}
		</span>
	);
	return (
		<Section title={t("home.live")} actions={sign}>
			{error && !data ? (
				<Problem error={error} again={refetch} />
			) : !data ? (
				<Skeleton height={200} />
			) : shown.length === 0 ? (
				<Empty title={t("activity.emptyTitle")} text={t("activity.emptyText")} />
			) : (
				<ul className={classes.list}>
					{shown.map((event) => (
						<li key={event.pk} className={classes.item}>
							<EventIcon action={event.action} />
							<div className={classes.words}>
								<To to={at.event(event.pk)} style={{ color: "inherit" }}>
									{sentenceOf(event)}
								</To>
							</div>
							<span className={classes.time}>
								<Ago time={event.created} />
							</span>
						</li>
					))}
				</ul>
			)}
		</Section>
	);
}
