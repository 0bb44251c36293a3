import { Skeleton, Table } from "@mantine/core";
import type { OAuthSourceState, SamlSourceCertificate, SamlSourceState, SourceMessage } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { date } from "~/lib/format";
import { t } from "~/text/text";
import { Chip, type Tone } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Problem } from "~/ui/Empty";
import { Section } from "../../frame/Page";
import { Line, Log } from "../Log";
import log from "../Log.module.css";
import { Beyond } from "./Beyond";
import classes from "./Source.module.css";

/** How often the log is read anew, in milliseconds. */
const often = 4_000;

/** What the other side of a SAML source has to know, and what was said. */
export function Saml({ slug, canChange }: { slug: string; canChange: boolean }) {
	const path = `/gatehouse/sources/saml/${encodeURIComponent(slug)}/`;
	const { data, error, refetch } = useGet<SamlSourceState>(`${path}state/`, { every: often });
	if (!data) return error ? <Problem error={error} again={refetch} /> : <Skeleton height={240} />;
	return (
		<>
			<Section title={t("sourcePage.connect")} text={t("sourcePage.connectSaml")}>
				<CopyList>
					<CopyRow label={t("sourcePage.metadata")} value={data.metadata_url} help={t("sourcePage.metadataHelp")} />
					<CopyRow label={t("sourcePage.entity")} value={data.entity_id} help={t("sourcePage.entityHelp")} />
					<CopyRow label={t("sourcePage.acs")} value={data.acs_url} help={t("sourcePage.acsHelp")} />
					<CopyRow label={t("sourcePage.slo")} value={data.slo_url} help={t("sourcePage.sloHelp")} />
					<CopyRow label={t("sourcePage.login")} value={data.login_url} help={t("sourcePage.loginHelp")} />
				</CopyList>
			</Section>
			<Section title={t("sourcePage.certificates")} text={t("sourcePage.certificatesText")}>
				<Certificates list={data.certificates} />
			</Section>
			<Beyond path={`${path}beyond/`} canChange={canChange} />
			<Messages list={data.messages} />
		</>
	);
}

/** What the other side of an OAuth source has to know, and what was said. */
export function OAuth({ slug }: { slug: string }) {
	const { data, error, refetch } = useGet<OAuthSourceState>(`/gatehouse/sources/oauth/${encodeURIComponent(slug)}/state/`, {
		every: often,
	});
	if (!data) return error ? <Problem error={error} again={refetch} /> : <Skeleton height={240} />;
	return (
		<>
			<Section title={t("sourcePage.connect")} text={t("sourcePage.connectOAuth")}>
				<CopyList>
					<CopyRow label={t("sourcePage.callback")} value={data.callback_url} help={t("sourcePage.callbackHelp")} />
					<CopyRow label={t("sourcePage.login")} value={data.login_url} help={t("sourcePage.loginHelp")} />
				</CopyList>
			</Section>
			<Messages list={data.messages} />
		</>
	);
}

const day = 24 * 60 * 60 * 1000;

function lasts(one: SamlSourceCertificate): { tone: Tone; text: string } {
	if (one.over) return { tone: "warning", text: t("sourcePage.over", { when: date(one.until) }) };
	const days = Math.floor((new Date(one.until).getTime() - Date.now()) / day);
	return { tone: days < 30 ? "notice" : "good", text: t("sourcePage.until", { when: date(one.until) }) };
}

function Certificates({ list }: { list: SamlSourceCertificate[] }) {
	const trusted = list.some((one) => one.use === "verification");
	return (
		<>
			{!trusted && (
				<p>
					<Chip tone="danger">{t("sourcePage.noCertificate")}</Chip>
				</p>
			)}
			{list.length > 0 && (
				<Table verticalSpacing="xs">
					<Table.Tbody>
						{list.map((one) => {
							const { tone, text } = lasts(one);
							return (
								<Table.Tr key={one.use + one.pk}>
									<Table.Td className={log.words}>
										{t(`sourcePage.use.${one.use}`)}
										<div className="gh-soft">{one.subject}</div>
										<div className="gh-mono gh-soft">{one.fingerprint_sha256.slice(0, 23)}…</div>
									</Table.Td>
									<Table.Td>
										<Chip tone={tone}>{text}</Chip>
									</Table.Td>
								</Table.Tr>
							);
						})}
					</Table.Tbody>
				</Table>
			)}
		</>
	);
}

/** The log: who said what, and in words why something was refused. */
function Messages({ list }: { list: SourceMessage[] }) {
	return (
		<Section title={t("sourcePage.said")} text={t("sourcePage.saidText")}>
			<Log
				label={t("sourcePage.said")}
				heads={[t("sourcePage.message"), t("sourcePage.outcome"), t("sourcePage.at")]}
				nothing={t("sourcePage.nothing")}
			>
				{list.map((one) => (
					<Message key={one.id} one={one} />
				))}
			</Log>
		</Section>
	);
}

const tones = { sent: "plain", accepted: "good", refused: "warning" } as const;

function Message({ one }: { one: SourceMessage }) {
	const outcome = one.sent ? "sent" : one.accepted ? "accepted" : "refused";
	return (
		<Line
			what={one.what}
			about={one.about}
			says={one.says}
			outcome={<Chip tone={tones[outcome]}>{t(`sourcePage.outcomes.${outcome}`)}</Chip>}
			at={one.at}
			from={one.client_ip}
		>
			{(one.came || one.expected) && (
				<dl className={classes.facts}>
					{one.came && (
						<>
							<dt className="gh-soft">{t("sourcePage.came")}</dt>
							<dd className="gh-mono">{one.came}</dd>
						</>
					)}
					{one.expected && (
						<>
							<dt className="gh-soft">{t("sourcePage.expected")}</dt>
							<dd className="gh-mono">{one.expected}</dd>
						</>
					)}
				</dl>
			)}
		</Line>
	);
}
