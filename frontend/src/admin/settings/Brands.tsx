import { Button, Skeleton } from "@mantine/core";
import { IconPalette, IconPlus } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { useGet } from "~/api/query";
import type { Brand } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { ListView } from "~/list/ListView";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { Danger } from "../frame/UsedBy";
import { SettingsPage } from "./SettingsPage";

const first = ["domain", "branding_title", "branding_logo", "branding_favicon", "default"] as const;

/** How the sign-in pages look, by the name under which they are opened. */
export function Brands() {
	const add = (
		<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newBrand)}>
			{t("settings.brands.add")}
		</Button>
	);
	return (
		<SettingsPage tab="brands" actions={add}>
			<ListView<Brand>
				path="/core/brands/"
				ordering="domain"
				label={t("settings.brands.title")}
				keyOf={(brand) => brand.brand_uuid}
				nameOf={(brand) => brand.domain}
				linkOf={(brand) => at.brand(brand.brand_uuid)}
				iconOf={() => <IconPalette size={20} aria-hidden="true" />}
				columns={[
					{ id: "domain", title: t("settings.brands.domain"), sort: "domain", cell: (brand) => brand.domain },
					{ id: "title", title: t("settings.brands.shown"), from: "phone", cell: (brand) => brand.branding_title || "–" },
					{
						id: "default",
						title: t("settings.brands.usual"),
						sort: "default",
						cell: (brand) => (brand.default ? <Chip tone="good">{t("common.yes")}</Chip> : "–"),
					},
				]}
				empty={
					<Empty icon={<IconPalette size={32} />} title={t("settings.brands.empty")} text={t("settings.brands.emptyText")}>
						{add}
					</Empty>
				}
			/>
		</SettingsPage>
	);
}

const crumbs = () => [{ label: t("settings.brands.title"), to: at.brands }];

export function NewBrand() {
	return (
		<Page title={t("settings.brands.add")} text={t("settings.brands.addText")} crumbs={crumbs()}>
			<Section title={t("settings.brands.look")}>
				<ResourceForm
					kind="brand"
					first={first}
					onSaved={(saved) => go(at.brand(String(saved.brand_uuid)))}
					onCancel={() => go(at.brands)}
				/>
			</Section>
		</Page>
	);
}

export function BrandPage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const path = `/core/brands/${encodeURIComponent(pk)}/`;
	const { data: brand, error, refetch } = useGet<Brand>(path);
	const object = useMemo(() => brand as unknown as Row | undefined, [brand]);
	if (!brand || !object) {
		return (
			<Page title={error ? t("settings.brands.title") : "…"} crumbs={crumbs()}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={240} />}
			</Page>
		);
	}
	return (
		<Page title={brand.domain} crumbs={crumbs()} chips={brand.default && <Chip tone="good">{t("settings.brands.isUsual")}</Chip>}>
			<Section title={t("settings.brands.look")}>
				<ResourceForm key={pk} kind="brand" object={object} first={first} />
			</Section>
			<Danger
				path={path}
				name={brand.domain}
				text={t("settings.brands.deleteText")}
				blocked={brand.default ? t("settings.brands.deleteUsual") : undefined}
				after={() => go(at.brands)}
				undo={{ model: "authentik_brands.brand", pk }}
			/>
		</Page>
	);
}
