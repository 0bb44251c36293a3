import { Button, Skeleton } from "@mantine/core";
import { IconCertificate, IconPlus } from "@tabler/icons-react";
import type { ServerSettings } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import type { CertificateKeyPair } from "~/api/schema.gen";
import { openOutside } from "~/lib/desktop";
import { date, inWords } from "~/lib/format";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Empty, Problem } from "~/ui/Empty";
import { complain } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { go } from "../frame/To";
import facts from "../people/Users.module.css";
import { SettingsPage } from "./SettingsPage";

/** The office's own certificate authority, and the certificates that sign and encrypt. */
export function Certificates() {
	const add = (
		<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newCertificate)}>
			{t("settings.certificates.generate")}
		</Button>
	);
	return (
		<SettingsPage tab="certificates" actions={add}>
			<Authority />
			<h2>{t("settings.certificates.list")}</h2>
			<ListView<CertificateKeyPair>
				path="/crypto/certificatekeypairs/"
				ordering="name"
				label={t("settings.certificates.list")}
				keyOf={(pair) => pair.pk}
				nameOf={(pair) => pair.name}
				linkOf={(pair) => at.certificate(pair.pk)}
				iconOf={() => <IconCertificate size={20} aria-hidden="true" />}
				columns={[
					{ id: "name", title: t("settings.certificates.name"), sort: "name", cell: (pair) => pair.name },
					{
						id: "key",
						title: t("settings.certificates.key"),
						from: "phone",
						cell: (pair) =>
							pair.private_key_available ? (
								<Chip tone="good">{pair.private_key_type?.toUpperCase() || t("common.yes")}</Chip>
							) : (
								<Chip>{t("settings.certificates.noKey")}</Chip>
							),
					},
					{ id: "expires", title: t("settings.certificates.expires"), cell: (pair) => <Expiry time={pair.cert_expiry} /> },
					{
						id: "subject",
						title: t("settings.certificates.subject"),
						from: "desk",
						cell: (pair) => <span className="gh-mono">{pair.cert_subject}</span>,
					},
				]}
				empty={
					<Empty icon={<IconCertificate size={32} />} title={t("settings.certificates.empty")} text={t("settings.certificates.emptyText")}>
						{add}
					</Empty>
				}
			/>
		</SettingsPage>
	);
}

const WARN = 30 * 86_400_000;

function Expiry({ time }: { time: string | null | undefined }) {
	if (!time) return <>–</>;
	const left = new Date(time).getTime() - Date.now();
	const tone = left < 0 ? "danger" : left < WARN ? "warning" : "plain";
	if (tone === "plain") return <Ago time={time} />;
	return (
		<Chip tone={tone}>
			<Ago time={time} />
		</Chip>
	);
}

function Authority() {
	const { data, error, refetch } = useGet<ServerSettings>("/gatehouse/settings/");
	if (error && !data) return <Problem error={error} again={refetch} />;
	if (!data) return <Skeleton height={180} />;
	const { ca } = data;
	const open = (
		<Button variant="default" onClick={() => openOutside(data.trust_url).catch(complain)}>
			{t("settings.certificates.trust")}
		</Button>
	);
	return (
		<Section title={t("settings.certificates.authority")} text={t("settings.certificates.authorityText")} actions={open}>
			{ca ? (
				<>
					<dl className={facts.facts}>
						<dt>{t("settings.certificates.subject")}</dt>
						<dd>{ca.subject}</dd>
						<dt>{t("settings.certificates.names")}</dt>
						<dd>{inWords(ca.names)}</dd>
						<dt>{t("settings.certificates.caExpires")}</dt>
						<dd>{date(ca.expires)}</dd>
						<dt>{t("settings.certificates.leafExpires")}</dt>
						<dd>{date(ca.leaf_expires)}</dd>
					</dl>
					<CopyList>
						<CopyRow label={t("settings.certificates.trustUrl")} value={data.trust_url} help={t("settings.certificates.trustHelp")} />
						<CopyRow label={t("settings.certificates.fingerprint")} value={ca.sha256} help={t("settings.certificates.fingerprintHelp")} />
					</CopyList>
				</>
			) : (
				<p>{t("settings.certificates.noAuthority")}</p>
			)}
		</Section>
	);
}
