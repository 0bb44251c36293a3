import { Button, NativeSelect, Skeleton } from "@mantine/core";
import { IconKey, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { get, send } from "~/api/client";
import type { ScimRequest, ScimState } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import type { TokenView } from "~/api/schema.gen";
import { dateTime, number } from "~/lib/format";
import { t } from "~/text/text";
import { Chip, type Tone, ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Problem } from "~/ui/Empty";
import { complain, told } from "~/ui/notices";
import { Section } from "../../frame/Page";
import { Line, Log } from "../Log";
import classes from "./Scim.module.css";

type Props = { slug: string; address: string; identifier: string | undefined; canChange: boolean };

/** What the other system needs to send people here, and what it sent. */
export function Scim({ slug, address, identifier, canChange }: Props) {
	const path = `/gatehouse/scim/${encodeURIComponent(slug)}/`;
	const { data, error, refetch } = useGet<ScimState>(`${path}state/`, { every: 4_000 });
	const show = useChange(() => get<TokenView>(`/core/tokens/${encodeURIComponent(identifier ?? "")}/view_key/`));
	const key = show.data?.key;
	return (
		<>
			<Section title={t("scimPage.connect")} text={t("scimPage.connectText")}>
				<CopyList>
					<CopyRow label={t("scimPage.address")} value={address} help={t("scimPage.addressHelp")} />
					{key && <CopyRow label={t("scimPage.token")} value={key} help={t("scimPage.tokenHelp")} secret />}
				</CopyList>
				<div className={classes.keys}>
					{!key && identifier && (
						<Button
							variant="default"
							leftSection={<IconKey size={16} />}
							loading={show.isPending}
							onClick={() => show.mutate(undefined, { onError: complain })}
						>
							{t("scimPage.show")}
						</Button>
					)}
					{canChange && <Rotate path={path} done={() => show.reset()} />}
				</div>
				{data?.old_key_until && (
					<p className={classes.old}>
						<ToneIcon tone="notice" /> {t("scimPage.oldUntil", { when: dateTime(data.old_key_until) })}
					</p>
				)}
			</Section>
			<Vendors address={address} />
			<Section
				title={t("scimPage.came")}
				text={data ? t("scimPage.cameText", { users: number(data.users), groups: number(data.groups) }) : undefined}
			>
				{data ? <Requests requests={data.requests} /> : error ? <Problem error={error} again={refetch} /> : <Skeleton height={120} />}
			</Section>
		</>
	);
}

const overlaps = { day: "days=1", week: "days=7", hour: "hours=1", none: "seconds=0" } as const;
type Overlap = keyof typeof overlaps;

function Rotate({ path, done }: { path: string; done: () => void }) {
	const [overlap, setOverlap] = useState<Overlap>("day");
	const rotate = useChange(
		() => send<ScimState>("POST", `${path}rotate/`, { overlap: overlaps[overlap] }),
		() => {
			done();
			told(t("scimPage.rotated"));
		},
	);
	return (
		<form
			className={classes.rotate}
			onSubmit={(event) => {
				event.preventDefault();
				rotate.mutate(undefined, { onError: complain });
			}}
		>
			<NativeSelect
				label={t("scimPage.overlap")}
				value={overlap}
				onChange={(event) => setOverlap(event.currentTarget.value as Overlap)}
				data={(Object.keys(overlaps) as Overlap[]).map((value) => ({ value, label: t(`scimPage.overlaps.${value}`) }))}
			/>
			<Button type="submit" variant="default" leftSection={<IconRefresh size={16} />} loading={rotate.isPending}>
				{t("scimPage.rotate")}
			</Button>
		</form>
	);
}

const vendors = ["entra", "okta", "plain"] as const;

/** Where the address and the token go, in the words of the other product. */
function Vendors({ address }: { address: string }) {
	const [vendor, setVendor] = useState<(typeof vendors)[number]>("entra");
	return (
		<Section title={t("scimPage.where")}>
			<NativeSelect
				label={t("scimPage.vendor")}
				value={vendor}
				maw={320}
				onChange={(event) => setVendor(event.currentTarget.value as typeof vendor)}
				data={vendors.map((value) => ({ value, label: t(`scimPage.vendors.${value}.name`) }))}
			/>
			<ol className={classes.steps}>
				{(["first", "second", "third"] as const).map((step) => (
					<li key={step}>{t(`scimPage.vendors.${vendor}.${step}`)}</li>
				))}
			</ol>
			<CopyList>
				<CopyRow label={t(`scimPage.vendors.${vendor}.address`)} value={address} />
				<CopyRow label={t(`scimPage.vendors.${vendor}.extra`)} value={t(`scimPage.vendors.${vendor}.extraValue`)} />
			</CopyList>
			<p className="gh-soft">{t(`scimPage.vendors.${vendor}.note`)}</p>
		</Section>
	);
}

function toneOf(status: number): Tone {
	if (status >= 500) return "danger";
	if (status >= 400) return status === 404 ? "notice" : "warning";
	return "good";
}

function Requests({ requests }: { requests: ScimRequest[] }) {
	return (
		<Log label={t("scimPage.came")} heads={[t("scimPage.request"), t("scimPage.answer"), t("scimPage.at")]} nothing={t("scimPage.nothing")}>
			{requests.map((one) => (
				<Line
					key={one.id}
					what={
						<span className="gh-mono">
							{one.method} {one.path}
						</span>
					}
					about={one.about}
					says={one.says}
					outcome={<Chip tone={toneOf(one.status)}>{String(one.status)}</Chip>}
					at={one.at}
					from={one.client_ip}
				/>
			))}
		</Log>
	);
}
