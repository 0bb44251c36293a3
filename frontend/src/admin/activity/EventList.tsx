import { IconActivity } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { Query } from "~/api/client";
import type { Event } from "~/api/schema.gen";
import type { Filter } from "~/list/Filters";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip, ToneIcon } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { actionName, behindOf, sentenceOf, toneOf, whoOf } from "./sentence";

type Props = { fixed?: Query; filters?: Filter[]; side?: ReactNode };

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
			iconOf={(event) => (toneOf(event.action) === "plain" ? <IconActivity size={18} color="var(--gh-soft)" aria-hidden="true" /> : <ToneIcon tone={toneOf(event.action)} size={18} />)}
			columns={[
				{ id: "what", title: t("activity.column.what"), cell: sentenceOf },
				{ id: "action", title: t("activity.column.action"), sort: "action", from: "tablet", cell: (event) => <Chip>{actionName(event.action)}</Chip> },
				{
					id: "who",
					title: t("activity.column.who"),
					sort: "user",
					from: "desk",
					cell: (event) => (behindOf(event) ? t("activity.behind", { who: whoOf(event), behind: behindOf(event) }) : whoOf(event)),
				},
				{ id: "ip", title: t("activity.column.from"), sort: "client_ip", from: "tablet", cell: (event) => <span className="gh-mono">{event.client_ip || "–"}</span> },
				{ id: "when", title: t("activity.column.when"), sort: "created", cell: (event) => <Ago time={event.created} /> },
			]}
			empty={<Empty icon={<IconActivity size={32} />} title={t("activity.emptyTitle")} text={t("activity.emptyText")} />}
		/>
	);
}
