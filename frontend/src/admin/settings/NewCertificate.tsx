import { useMemo } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { CertificateKeyPair } from "~/api/schema.gen";
import { Form } from "~/forms/Form";
import { ResourceForm } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toCreate, toForm } from "~/forms/wire";
import { useAddress } from "~/list/useList";
import { type Field, optionsOf } from "~/schema/fields";
import { t } from "~/text/text";
import { told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Page, Section, TabLinks } from "../frame/Page";
import { go } from "../frame/To";

const plain = { nullable: false, advanced: false, options: [], required: false };
const fields = (): Field[] => [
	{
		...plain,
		name: "common_name",
		widget: "text",
		required: true,
		label: t("newCertificate.commonName"),
		help: t("newCertificate.commonNameHelp"),
	},
	{ ...plain, name: "subject_alt_name", widget: "text", label: t("newCertificate.names"), help: t("newCertificate.namesHelp") },
	{
		...plain,
		name: "validity_days",
		widget: "number",
		required: true,
		min: 1,
		default: 365,
		label: t("newCertificate.days"),
		help: t("newCertificate.daysHelp"),
	},
	{
		...plain,
		name: "alg",
		widget: "choice",
		required: true,
		default: "rsa",
		options: optionsOf("alg", ["rsa", "ecdsa"]),
		label: t("newCertificate.alg"),
		help: t("newCertificate.algHelp"),
	},
];

export function NewCertificate() {
	const [search] = useAddress();
	const tab = search.tab === "import" ? "import" : "generate";
	return (
		<Page
			title={t("newCertificate.title")}
			crumbs={[{ label: t("settings.certificates.title"), to: at.certificates }]}
			tabs={
				<TabLinks
					label={t("newCertificate.title")}
					current={tab}
					tabs={[
						{ id: "generate", label: t("newCertificate.generate"), to: at.newCertificate },
						{ id: "import", label: t("newCertificate.import"), to: `${at.newCertificate}?tab=import` },
					]}
				/>
			}
		>
			{tab === "generate" ? (
				<Generate />
			) : (
				<Section title={t("newCertificate.import")} text={t("newCertificate.importText")}>
					<ResourceForm
						kind="certificatekeypair"
						onSaved={(saved) => go(at.certificate(String(saved.pk)))}
						onCancel={() => go(at.certificates)}
					/>
				</Section>
			)}
		</Page>
	);
}

function Generate() {
	const all = useMemo(fields, []);
	const start = useMemo(() => toForm(all), [all]);
	const state = useFormState(start);
	const make = useChange(
		() =>
			send<CertificateKeyPair>("POST", "/crypto/certificatekeypairs/generate/", { subject_alt_name: "", ...toCreate(all, state.values) }),
		(made) => {
			told(t("forms.created"));
			go(at.certificate(made.pk));
		},
	);
	return (
		<Section title={t("newCertificate.generate")} text={t("newCertificate.generateText")}>
			<Form
				fields={all}
				state={state}
				existing={false}
				saving={make.isPending}
				onSave={() => make.mutate(undefined, { onError: state.refuseWith })}
				onCancel={() => go(at.certificates)}
				saveLabel={t("newCertificate.generate")}
			/>
		</Section>
	);
}
