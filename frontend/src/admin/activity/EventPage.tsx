import { Code, Skeleton } from "@mantine/core";
import { useParams } from "@tanstack/react-router";
import { useGet } from "~/api/query";
import type { Event } from "~/api/schema.gen";
import { dateTime } from "~/lib/format";
import { labelOf } from "~/schema/fields";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { UndoSection } from "../frame/undo";
import facts from "../people/Users.module.css";
import classes from "./Activity.module.css";
import { changesOf } from "./diff";
import { actionName, behindOf, kindName, modelOfEvent, sentenceOf, toneOf, whoOf } from "./sentence";

export function EventPage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const { data: event, error, refetch } = useGet<Event>(`/events/events/${encodeURIComponent(pk)}/`);
	const crumbs = [{ label: t("activity.title"), to: at.activity }];
	if (!event) {
		return (
			<Page title={error ? t("activity.title") : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={240} />}
			</Page>
		);
	}
	const model = modelOfEvent(event);
	const changes = changesOf(event);
	return (
		<Page title={sentenceOf(event)} crumbs={crumbs} chips={<Chip tone={toneOf(event.action)}>{actionName(event.action)}</Chip>}>
			<Section title={t("activity.facts")}>
				<dl className={facts.facts}>
					<dt>{t("activity.column.when")}</dt>
					<dd>{dateTime(event.created)}</dd>
					<dt>{t("activity.column.who")}</dt>
					<dd>{behindOf(event) ? t("activity.behind", { who: whoOf(event), behind: behindOf(event) }) : whoOf(event)}</dd>
					<dt>{t("activity.column.from")}</dt>
					<dd className="gh-mono">{event.client_ip || "–"}</dd>
					{model.model_name && (
						<>
							<dt>{t("activity.object")}</dt>
							<dd>
								{kindName(model.model_name)}: {model.name || model.pk}
							</dd>
						</>
					)}
					<dt>{t("activity.id")}</dt>
					<dd className="gh-mono">{event.pk}</dd>
				</dl>
			</Section>
			{changes.length > 0 && (
				<Section title={t("activity.changes")}>
					<table className={classes.diff}>
						<thead>
							<tr>
								<th scope="col">{t("activity.property")}</th>
								<th scope="col">{t("activity.before")}</th>
								<th scope="col">{t("activity.after")}</th>
							</tr>
						</thead>
						<tbody>
							{changes.map((change) => (
								<tr key={change.name}>
									<th scope="row">{change.label}</th>
									<td>{change.before && <span className={`gh-mono ${classes.old}`}>{change.before}</span>}</td>
									<td>{change.after && <span className={`gh-mono ${classes.new}`}>{change.after}</span>}</td>
								</tr>
							))}
						</tbody>
					</table>
				</Section>
			)}
			{model.model_name && event.action.startsWith("model_") && (
				<UndoSection event={event.pk} label={(name) => labelOf(String(model.model_name), name)} />
			)}
			<Section title={t("activity.raw")}>
				<details className={classes.raw}>
					<summary>{t("activity.showRaw")}</summary>
					<Code block tabIndex={0} aria-label={t("activity.raw")}>
						{JSON.stringify({ user: event.user, context: event.context, brand: event.brand, app: event.app }, null, 2)}
					</Code>
				</details>
			</Section>
		</Page>
	);
}
