import { Alert, Button } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import type { ApplicationSetup, CatalogGuide, SetupValue } from "~/api/gatehouse";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { To } from "../frame/To";
import classes from "./Catalog.module.css";
import { byPlace, needText } from "./catalog";
import { Source } from "./Source";
import { Tried } from "./Tried";

/** Everything that the other side asks for, ready to copy. */
export function Setup({ setup }: { setup: ApplicationSetup }) {
	const { values, warnings, access, application, guide } = setup;
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
			{guide ? (
				<Guide guide={guide} values={values} />
			) : (
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
			)}
		</>
	);
}

/** What the catalogue says of the application: what to type where, a first try, and what goes wrong easily. */
function Guide({ guide, values }: { guide: CatalogGuide; values: SetupValue[] }) {
	const { name } = guide;
	return (
		<>
			<Section
				title={t("catalog.values", { name })}
				text={t(guide.tried ? "catalog.triedText" : "catalog.untriedText", { name })}
				actions={
					<div>
						<Tried tried={guide.tried} />
					</div>
				}
			>
				{byPlace(values).map(({ where, values: here }) => (
					<div key={where + here[0]?.id}>
						<h3 className={classes.place}>{where}</h3>
						<CopyList>
							{here.map((value) => (
								<CopyRow
									key={value.id}
									label={value.label}
									value={value.value}
									help={<Source of={value.label} source={value.source} />}
									secret={value.secret}
								/>
							))}
						</CopyList>
					</div>
				))}
			</Section>
			<Section
				title={t("catalog.try")}
				text={t("catalog.tryText", { name })}
				actions={
					<Button component="a" href={guide.start} target="_blank" rel="noopener noreferrer" rightSection={<IconExternalLink size={16} />}>
						{t("catalog.tryIt", { name })}
					</Button>
				}
			/>
			<Section title={t("catalog.notes")} text={t("catalog.notesText", { name })}>
				<ul className={classes.facts}>
					{guide.notes.map((note) => (
						<li key={note.text}>
							{note.text} <Source of={note.text} source={note.source} />
						</li>
					))}
					{guide.needs.map((need) => (
						<li key={need.what}>
							{needText(need)} <Source of={needText(need)} source={need.source} />
						</li>
					))}
				</ul>
			</Section>
		</>
	);
}
