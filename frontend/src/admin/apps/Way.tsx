import type { CatalogTemplate } from "~/api/gatehouse";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";

/** How an application signs in, where it is not the usual way. It stands behind the name. */
export function Way({ template }: { template: CatalogTemplate }) {
	if (template.protocol !== "saml") return null;
	return (
		<>
			{" "}
			<Chip>{t("catalog.saml")}</Chip>
		</>
	);
}
