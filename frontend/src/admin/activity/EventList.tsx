import { IconActivity } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Query } from "~/api/client";
import type { Event } from "~/api/schema.gen";
import type { Filter } from "~/list/Filters";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { EventIcon } from "./EventIcon";
import { actionName, behindOf, sentenceOf } from "./sentence";

type Props = { fixed?: Query; filters?: Filter[]; side?: ReactNode };

/** The sentence of an event, with the person who really did it. */
const withBehind = (event: Event) =>
	behindOf(event) ? t("activity.behind", { who: sentenceOf(event), behind: behindOf(event) }) : sentenceOf(event);

/** Events as a list; narrowed to one person, application or object by fixed filters. */
export function EventList({ fixed, filters, side }: Props) {
	return (
		<ListView<Event>
			path="/events/events/"
			fixed={fixed}
			filters={filters}
			side={side}
			ordering="-created"
			label={t("activity.title")}
			searchLabel={t("activity.search")}
			keyOf={(event) => event.pk}
			nameOf={sentenceOf}
			linkOf={(event) => at.event(event.pk)}
			iconOf={(event) => <EventIcon action={event.action} />}
			columns={[
				{ id: "what", title: t("activity.column.what"), cell: (event) => <span style={{ fontWeight: 400 }}>{withBehind(event)}</span> },
				{
					id: "action",
					title: t("activity.column.action"),
					sort: "action",
					from: "tablet",
					cell: (event) => <Chip>{actionName(event.action)}</Chip>,
				},
				{
					id: "ip",
					title: t("activity.column.from"),
					sort: "client_ip",
					from: "tablet",
					cell: (event) => <span className="gh-mono gh-once">{event.client_ip || "–"}</span>,
				},
				{ id: "when", title: t("activity.column.when"), sort: "created", cell: (event) => <Ago time={event.created} /> },
			]}
			empty={<Empty icon={<IconActivity size={32} />} title={t("activity.emptyTitle")} text={t("activity.emptyText")} />}
		/>
	);
}
