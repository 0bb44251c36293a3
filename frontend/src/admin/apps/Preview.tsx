import { Box, Code } from "@mantine/core";
import { useState } from "react";
import { useGet } from "~/api/query";
import type { PropertyMappingPreview } from "~/api/schema.gen";
import { personField } from "~/forms/personField";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { Section } from "../frame/Page";
import { useMe } from "../frame/session";

/** What the application gets to know of a person who signs in. */
export function Preview({ path }: { path: string }) {
	const { me } = useMe();
	const [person, setPerson] = useState<string | number | null>(me?.pk ?? null);
	const field = personField(t("access.person"));
	const { data, error, refetch } = useGet<PropertyMappingPreview>(`${path}preview_user/`, {
		query: { for_user: person ?? undefined },
		enabled: person !== null,
		keep: true,
	});
	return (
		<Section title={t("apps.preview")} text={t("apps.previewText")}>
			<Box maw={420} mb="md">
				<ReferenceInput id="preview-person" label={field.label} required={false} field={field} value={person} onChange={setPerson} />
			</Box>
			{error ? (
				<Problem error={error} again={refetch} />
			) : (
				data && (
					<Code block tabIndex={0} aria-label={t("apps.preview")}>
						{JSON.stringify(data.preview, null, 2)}
					</Code>
				)
			)}
		</Section>
	);
}
