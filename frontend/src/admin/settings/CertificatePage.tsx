import { Button, Group, Skeleton } from "@mantine/core";
import { IconCertificate, IconDownload } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { get } from "~/api/client";
import { useGet } from "~/api/query";
import type { CertificateData, CertificateKeyPair } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { saveFile } from "~/lib/desktop";
import { date } from "~/lib/format";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { confirm } from "~/ui/confirm";
import { Problem } from "~/ui/Empty";
import { complain } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { Danger } from "../frame/UsedBy";

const first = ["name"] as const;

export function CertificatePage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const path = `/crypto/certificatekeypairs/${encodeURIComponent(pk)}/`;
	const { data: pair, error, refetch } = useGet<CertificateKeyPair>(path);
	const object = useMemo(() => pair as unknown as Row | undefined, [pair]);
	const crumbs = [{ label: t("settings.certificates.title"), to: at.certificates }];
	if (!pair || !object) {
		return (
			<Page title={error ? t("settings.certificates.title") : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={240} />}
			</Page>
		);
	}
	const save = async (what: "certificate" | "private_key") => {
		const { data } = await get<CertificateData>(`${path}view_${what}/`);
		await saveFile(`${pair.name}-${what}.pem`, new Blob([data], { type: "application/x-pem-file" }));
	};
	const askKey = () =>
		confirm({
			title: t("settings.certificates.keyTitle"),
			body: <p>{t("settings.certificates.keyText")}</p>,
			yes: t("settings.certificates.saveKey"),
			act: () => save("private_key"),
		});
	return (
		<Page
			title={pair.name}
			crumbs={crumbs}
			icon={<IconCertificate size={40} stroke={1.5} aria-hidden="true" />}
			chips={pair.managed && <Chip tone="notice">{t("advanced.managed")}</Chip>}
			actions={
				<Group gap="xs">
					<Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => save("certificate").catch(complain)}>
						{t("settings.certificates.saveCertificate")}
					</Button>
					{pair.private_key_available && (
						<Button variant="default" leftSection={<IconDownload size={16} />} onClick={askKey}>
							{t("settings.certificates.saveKey")}
						</Button>
					)}
				</Group>
			}
		>
			<Section title={t("settings.certificates.facts")}>
				<CopyList>
					<CopyRow label={t("settings.certificates.subject")} value={pair.cert_subject ?? ""} />
					<CopyRow label={t("settings.certificates.expires")} value={pair.cert_expiry ? date(pair.cert_expiry) : ""} />
					<CopyRow label={t("settings.certificates.fingerprint")} value={pair.fingerprint_sha256 ?? ""} />
					<CopyRow label={t("settings.certificates.sha1")} value={pair.fingerprint_sha1 ?? ""} />
				</CopyList>
			</Section>
			<Section title={t("settings.certificates.change")}>
				<ResourceForm key={pair.pk} kind="certificatekeypair" object={object} first={first} />
			</Section>
			<Danger path={path} name={pair.name} text={t("settings.certificates.deleteText")} after={() => go(at.certificates)} />
		</Page>
	);
}
