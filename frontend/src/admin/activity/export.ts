import { get, type Query } from "~/api/client";
import type { Page } from "~/api/query";
import type { Event } from "~/api/schema.gen";
import { saveFile } from "~/lib/desktop";
import { toCsv } from "./csv";
import { sentenceOf, whoOf } from "./sentence";

export type Format = "csv" | "json";

const MOST = 10_000;

/** Saves the events that the filters let through as a file, the newest first, and says how many they were. */
export async function exportEvents(query: Query, format: Format): Promise<number> {
	const all: Event[] = [];
	for (let page = 1; all.length < MOST; page++) {
		const answer = await get<Page<Event>>("/events/events/", { ...query, page, page_size: 100 });
		all.push(...answer.results);
		if (page >= answer.pagination.total_pages) break;
	}
	const name = `gatehouse-activity-${new Date().toISOString().slice(0, 10)}.${format}`;
	const content = format === "json" ? JSON.stringify(all, null, 2) : toCsv(rowsOf(all));
	await saveFile(name, new Blob([content], { type: format === "json" ? "application/json" : "text/csv" }));
	return all.length;
}

const rowsOf = (events: Event[]): string[][] => [
	["id", "created", "action", "user", "client_ip", "app", "text", "context"],
	...events.map((event) => [
		event.pk,
		event.created,
		event.action,
		whoOf(event),
		event.client_ip ?? "",
		event.app,
		sentenceOf(event),
		JSON.stringify(event.context ?? {}),
	]),
];
