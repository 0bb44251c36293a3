import { Button, NativeSelect, Pagination, Progress, Skeleton, Table } from "@mantine/core";
import { IconPlayerPlay, IconRefresh, IconZoomQuestion } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import type { ScimBeyond, ScimDryRun, ScimEntries, ScimEntry, ScimEntryState, ScimOutState } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { dateTime, number } from "~/lib/format";
import { SearchBox } from "~/list/SearchBox";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip, type Tone, ToneIcon } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { Section } from "../../frame/Page";
import { To } from "../../frame/To";
import log from "../Log.module.css";
import classes from "./Scim.module.css";
import { ScimPreview } from "./ScimPreview";
import "./words";

type Props = { pk: number; canChange: boolean };

const states: ScimEntryState[] = ["failed", "waiting", "in_step", "left", "off"];
const kinds = ["user", "group"] as const;
const tones: Record<ScimEntryState, Tone> = { failed: "danger", waiting: "notice", in_step: "good", left: "plain", off: "plain" };

/** How far a provider is with the system that it keeps in step, for each person in words. */
export function ScimOut({ pk, canChange }: Props) {
	const path = `/gatehouse/providers/scim/${pk}/`;
	const { data, error, refetch } = useGet<ScimOutState>(`${path}state/`, { every: 2_000 });
	return (
		<>
			<Section title={t("scimOut.title")} text={t("scimOut.text")}>
				{data ? (
					<State state={data} path={path} canChange={canChange} />
				) : error ? (
					<Problem error={error} again={refetch} />
				) : (
					<Skeleton height={120} />
				)}
			</Section>
			<Entries path={path} canChange={canChange} every={data?.running ? 2_000 : 5_000} />
			{canChange && (
				<>
					<DryRun path={path} />
					<ScimPreview path={path} />
					<Beyond path={path} />
				</>
			)}
		</>
	);
}

function State({ state, path, canChange }: { state: ScimOutState; path: string; canChange: boolean }) {
	const sync = useChange(
		(anew: boolean) => send("POST", `${path}sync/`, { anew }),
		() => told(t("scimOut.begun")),
	);
	const count = (kind: string, one: ScimEntryState) => state.counts.find((c) => c.kind === kind && c.state === one)?.count ?? 0;
	return (
		<>
			<p className={classes.line} role="status">
				<ToneIcon tone={!state.works || state.paused_until ? "warning" : state.running ? "notice" : "good"} />
				{!state.works
					? t("scimOut.idle")
					: state.paused_until
						? t("scimOut.paused", { why: state.says, when: dateTime(state.paused_until) })
						: state.running
							? state.total > 0
								? t(`scimOut.running.${state.kind === "group" ? "group" : "user"}`, {
										done: number(state.done),
										total: number(state.total),
									})
								: t("scimOut.sending")
							: state.finished
								? t("scimOut.finished", { when: dateTime(state.finished) })
								: t("scimOut.never")}
			</p>
			{state.running && state.total > 0 && <Progress value={(100 * state.done) / state.total} aria-label={t("scimOut.progress")} mb="md" />}
			<Table verticalSpacing="xs" className={classes.counts}>
				<Table.Thead>
					<Table.Tr>
						<Table.Th>{t("scimOut.stands")}</Table.Th>
						{kinds.map((kind) => (
							<Table.Th key={kind}>{t(`scimOut.kinds.${kind}`)}</Table.Th>
						))}
					</Table.Tr>
				</Table.Thead>
				<Table.Tbody>
					{states
						.filter((one) => one === "in_step" || one === "failed" || kinds.some((kind) => count(kind, one) > 0))
						.map((one) => (
							<Table.Tr key={one}>
								<Table.Th scope="row">{t(`scimOut.state.${one}`)}</Table.Th>
								{kinds.map((kind) => (
									<Table.Td key={kind}>{number(count(kind, one))}</Table.Td>
								))}
							</Table.Tr>
						))}
				</Table.Tbody>
			</Table>
			{state.remote && (
				<p className="gh-soft">
					{!state.remote.known ? t("scimOut.remote.unknown") : t(`scimOut.remote.${state.remote.patch ? "patch" : "put"}`)}
				</p>
			)}
			{canChange && state.works && (
				<div className={classes.keys}>
					<Button
						leftSection={<IconRefresh size={16} />}
						loading={sync.isPending}
						onClick={() => sync.mutate(false, { onError: complain })}
					>
						{t("scimOut.sync")}
					</Button>
					<Button variant="default" onClick={() => sync.mutate(true, { onError: complain })}>
						{t("scimOut.anew")}
					</Button>
				</div>
			)}
		</>
	);
}

const pageSize = 20;

function Entries({ path, canChange, every }: { path: string; canChange: boolean; every: number }) {
	const [state, setState] = useState("");
	const [search, setSearch] = useState("");
	const [page, setPage] = useState(1);
	const { data, error, refetch } = useGet<ScimEntries>(`${path}entries/`, {
		query: { state: state || undefined, search: search || undefined, page, page_size: pageSize },
		keep: true,
		every,
	});
	const retry = useChange(
		(one: ScimEntry | undefined) => send("POST", `${path}retry/`, one ? { kind: one.kind, object: one.object } : {}),
		() => told(t("scimOut.retried")),
	);
	const narrow = (set: (value: string) => void) => (value: string) => {
		set(value);
		setPage(1);
	};
	return (
		<Section title={t("scimOut.people")} text={t("scimOut.peopleText")}>
			<div className={classes.keys}>
				<SearchBox value={search} label={t("scimOut.search")} onChange={narrow(setSearch)} />
				<NativeSelect
					label={t("scimOut.filter")}
					value={state}
					onChange={(event) => narrow(setState)(event.currentTarget.value)}
					data={[{ value: "", label: t("scimOut.all") }, ...states.map((value) => ({ value, label: t(`scimOut.state.${value}`) }))]}
				/>
				{canChange && (
					<Button
						variant="default"
						leftSection={<IconPlayerPlay size={16} />}
						onClick={() => retry.mutate(undefined, { onError: complain })}
					>
						{t("scimOut.retryAll")}
					</Button>
				)}
			</div>
			{error ? (
				<Problem error={error} again={refetch} />
			) : !data ? (
				<Skeleton height={160} mt="md" />
			) : data.results.length === 0 ? (
				<p className="gh-soft">{t("scimOut.nobody")}</p>
			) : (
				<Table verticalSpacing="xs" mt="md">
					<Table.Thead>
						<Table.Tr>
							<Table.Th>{t("scimOut.name")}</Table.Th>
							<Table.Th>{t("scimOut.stands")}</Table.Th>
							<Table.Th className={log.when}>{t("scimOut.told")}</Table.Th>
							{canChange && (
								<Table.Th>
									<span className="gh-visually-hidden">{t("scimOut.retry")}</span>
								</Table.Th>
							)}
						</Table.Tr>
					</Table.Thead>
					<Table.Tbody>
						{data.results.map((one) => (
							<Table.Tr key={`${one.kind} ${one.object}`}>
								<Table.Td className={log.words}>
									<To to={one.kind === "group" ? at.group(one.object) : at.user(Number(one.object))}>{one.name}</To>
									<div className="gh-soft">{t(`scimOut.one.${one.kind}`)}</div>
								</Table.Td>
								<Table.Td className={log.words}>
									<Chip tone={tones[one.state]}>{t(`scimOut.state.${one.state}`)}</Chip>
									{one.says && <div>{one.says}</div>}
									{one.state === "failed" && (
										<div className="gh-soft">{one.next ? t("scimOut.next", { when: dateTime(one.next) }) : t("scimOut.nextFull")}</div>
									)}
								</Table.Td>
								<Table.Td className={log.when}>{one.told ? <Ago time={one.told} /> : "–"}</Table.Td>
								{canChange && (
									<Table.Td>
										<Button
											size="compact-sm"
											variant="default"
											aria-label={t("scimOut.retryOf", { name: one.name })}
											onClick={() => retry.mutate(one, { onError: complain })}
										>
											{t("scimOut.retry")}
										</Button>
									</Table.Td>
								)}
							</Table.Tr>
						))}
					</Table.Tbody>
				</Table>
			)}
			{data && data.count > pageSize && (
				<Pagination
					mt="md"
					value={page}
					onChange={setPage}
					total={Math.ceil(data.count / pageSize)}
					getControlProps={(control) => ({ "aria-label": t(`scimOut.page.${control}`) })}
					getItemProps={(item) => ({ "aria-label": t("scimOut.page.item", { page: item }) })}
				/>
			)}
		</Section>
	);
}

function DryRun({ path }: { path: string }) {
	const run = useChange(() => send<ScimDryRun>("POST", `${path}dry_run/`, {}));
	const found = run.data;
	return (
		<Section title={t("scimOut.dryRun")} text={t("scimOut.dryRunText")}>
			<Button
				variant="default"
				leftSection={<IconZoomQuestion size={16} />}
				loading={run.isPending}
				onClick={() => run.mutate(undefined, { onError: complain })}
			>
				{t("scimOut.dryRunStart")}
			</Button>
			{found && (
				<div role="status">
					{found.says && (
						<p className={classes.line}>
							<ToneIcon tone="warning" /> {t("scimOut.unread", { why: found.says })}
						</p>
					)}
					<ul className={classes.steps}>
						{found.counts.map((one) => (
							<li key={`${one.kind} ${one.does}`}>
								{t(`scimOut.does.${one.does}`, { count: one.count, what: t(`scimOut.counted.${one.kind}`, { count: one.count }) })}
							</li>
						))}
					</ul>
					{found.plans.length > 0 && (
						// biome-ignore lint/a11y/noNoninteractiveTabindex: whoever has no mouse scrolls here too
						<section className={log.log} aria-label={t("scimOut.dryRun")} tabIndex={0}>
							<Table verticalSpacing="xs">
								<Table.Tbody>
									{found.plans.map((one) => (
										<Table.Tr key={`${one.kind} ${one.object}`}>
											<Table.Td className={log.words}>{one.name}</Table.Td>
											<Table.Td className={log.words}>
												<Chip tone={one.does === "fail" ? "danger" : "notice"}>{t(`scimOut.would.${one.does}`)}</Chip>
												{one.says && <div>{one.says}</div>}
											</Table.Td>
											<Table.Td className={log.words}>
												<span className="gh-mono">
													{one.method} {one.url}
												</span>
											</Table.Td>
										</Table.Tr>
									))}
								</Table.Tbody>
							</Table>
						</section>
					)}
				</div>
			)}
		</Section>
	);
}

const asks = ["when_leaving", "when_deleted", "method"] as const;
const choices = {
	when_leaving: ["keep", "deactivate", "delete"],
	when_deleted: ["delete", "deactivate", "keep"],
	method: ["auto", "put", "patch"],
} as const;

function Beyond({ path }: { path: string }) {
	const { data } = useGet<ScimBeyond>(`${path}beyond/`);
	const save = useChange(
		(next: ScimBeyond) => send<ScimBeyond>("PUT", `${path}beyond/`, next),
		() => told(t("forms.saved")),
	);
	if (!data) return null;
	return (
		<Section title={t("scimOut.leavers")} text={t("scimOut.leaversText")}>
			<div className={classes.asks}>
				{asks.map((name) => (
					<NativeSelect
						key={name}
						label={t(`scimOut.asks.${name}`)}
						value={data[name]}
						disabled={save.isPending}
						onChange={(event) => save.mutate({ ...data, [name]: event.currentTarget.value }, { onError: complain })}
						data={choices[name].map((value) => ({ value, label: t(`scimOut.choices.${value}`) }))}
					/>
				))}
			</div>
		</Section>
	);
}
