import { Alert } from "@mantine/core";
import type { ApplicationSetup } from "~/api/gatehouse";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { To } from "../frame/To";

/** Everything that the other side asks for, ready to copy. */
export function Setup({ setup }: { setup: ApplicationSetup }) {
	const { values, warnings, access, application } = setup;
	return (
		<>
			{warnings.length > 0 && (
				<Alert mb="md" variant="default" icon={<ToneIcon tone="warning" size={18} />} title={t("apps.warnings")}>
					{warnings.map((warning) => (
						<p key={warning} style={{ margin: "4px 0" }}>
							{warning}
						</p>
					))}
				</Alert>
			)}
			<Section
				title={t("apps.access")}
				text={access.sentence}
				actions={<To to={at.app(application.slug, "access")}>{t("apps.changeAccess")}</To>}
			/>
			<Section title={t("apps.values")} text={t("apps.valuesText", { name: application.name })}>
				{values.length === 0 ? (
					<Empty title={t("apps.noValues")} text={t("apps.noValuesText")} />
				) : (
					<CopyList>
						{values.map((value) => (
							<CopyRow key={value.id} label={value.label} value={value.value} help={value.help} secret={value.secret} />
						))}
					</CopyList>
				)}
			</Section>
		</>
	);
}
