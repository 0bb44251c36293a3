import { SimpleGrid, Skeleton } from "@mantine/core";
import type { Status } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { bytes, number } from "~/lib/format";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Problem } from "~/ui/Empty";
import { personName } from "~/ui/names";
import { Page, Section } from "../frame/Page";
import { useMe } from "../frame/session";
import { Checks } from "./Checks";
import classes from "./Home.module.css";
import { Live } from "./Live";
import { SignIns } from "./SignIns";
import { Steps } from "./Steps";

/** Is everything well, what to do next, what just happened. */
export function Home() {
	const { me } = useMe();
	const { data, error, refetch } = useGet<Status>("/gatehouse/status/", { every: 30_000 });
	return (
		<Page title={t("home.title")} text={me && t("home.welcome", { name: personName(me) })}>
			{error && !data ? (
				<Problem error={error} again={refetch} />
			) : (
				<div className={classes.columns}>
					<div>
						<Section title={t("home.checks")}>{data ? <Checks checks={data.checks} /> : <Skeleton height={180} />}</Section>
						<Section title={t("home.signIns")} text={t("home.signInsText")}>
							<SignIns />
						</Section>
					</div>
					<div>
						{data && <Steps steps={data.steps} missing={data.second_factor_missing} />}
						<Live />
						<Section title={t("home.figures")}>{data ? <Figures status={data} /> : <Skeleton height={120} />}</Section>
					</div>
				</div>
			)}
		</Page>
	);
}

function Figures({ status }: { status: Status }) {
	const figures: [string, React.ReactNode][] = [
		[t("home.users"), number(status.users)],
		[t("home.sessions"), number(status.active_sessions)],
		[t("home.apps"), number(status.applications)],
		[t("home.backup"), <Ago key="backup" time={status.last_backup} none={t("home.never")} />],
		[t("home.database"), bytes(status.database_bytes)],
		[t("home.memory"), bytes(status.memory_bytes)],
		[t("home.started"), <Ago key="started" time={status.started} />],
		[t("home.version"), status.version],
	];
	return (
		<SimpleGrid component="dl" cols={2} m={0} spacing="xs" verticalSpacing="xs">
			{figures.map(([label, value]) => (
				<div key={label}>
					<dt className="gh-soft">{label}</dt>
					<dd className={classes.figure}>{value}</dd>
				</div>
			))}
		</SimpleGrid>
	);
}
