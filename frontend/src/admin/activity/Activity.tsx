import { Button, Menu, Switch } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useGet } from "~/api/query";
import type { TypeCreate } from "~/api/schema.gen";
import { readState, toQuery } from "~/list/state";
import { useAddress } from "~/list/useList";
import { t } from "~/text/text";
import { complain, told } from "~/ui/notices";
import { Page } from "../frame/Page";
import classes from "./Activity.module.css";
import { EventList } from "./EventList";
import { exportEvents, type Format } from "./export";
import { Facets } from "./Facets";
import { filterName } from "./sentence";
import { useLive } from "./useLive";

const narrowing = ["action", "username", "client_ip", "brand_name"] as const;

/** What happened: live, narrowed, and as a file. */
export function Activity() {
	const client = useQueryClient();
	const [search, change] = useAddress();
	const [live, setLive] = useState(true);
	const [exporting, setExporting] = useState(false);
	const actions = useGet<TypeCreate[]>("/events/events/actions/").data;
	const state = useMemo(() => readState(search, narrowing, "-created"), [search]);
	const query = toQuery(state);
	useLive(() => client.invalidateQueries({ queryKey: ["api", "/events/events/"] }), live);

	const filters = useMemo(
		() => [
			{
				name: "action",
				label: t("activity.filter.action"),
				options: (actions ?? []).map((action) => ({ value: action.component, label: filterName(action.component) })),
			},
			...narrowing
				.filter((name) => name !== "action" && state.filters[name])
				.map((name) => ({
					name,
					label: t(`activity.filter.${name}`),
					options: [{ value: state.filters[name] ?? "", label: state.filters[name] ?? "" }],
				})),
		],
		[actions, state],
	);

	async function save(format: Format) {
		setExporting(true);
		try {
			const count = await exportEvents({ ...query, page: undefined, page_size: undefined }, format);
			told(t("activity.exported", { count }));
		} catch (problem) {
			complain(problem);
		} finally {
			setExporting(false);
		}
	}

	return (
		<Page
			title={t("activity.title")}
			text={t("activity.text")}
			actions={
				<>
					<Switch
						className={classes.live}
						label={t("activity.live")}
						checked={live}
						onChange={(event) => setLive(event.currentTarget.checked)}
						withThumbIndicator={false}
					/>
					<Menu position="bottom-end">
						<Menu.Target>
							<Button variant="default" leftSection={<IconDownload size={16} />} loading={exporting}>
								{t("activity.export")}
							</Button>
						</Menu.Target>
						<Menu.Dropdown>
							<Menu.Item onClick={() => save("csv")}>{t("activity.exportCsv")}</Menu.Item>
							<Menu.Item onClick={() => save("json")}>{t("activity.exportJson")}</Menu.Item>
						</Menu.Dropdown>
					</Menu>
				</>
			}
		>
			<div className={classes.columns}>
				<Facets
					current={state.filters.action}
					narrowed={{ search: state.search, username: state.filters.username }}
					onChoose={(action) => change({ action })}
				/>
				<div className={classes.list}>
					<EventList filters={filters} />
				</div>
			</div>
		</Page>
	);
}
