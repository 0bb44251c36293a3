import { Alert, Box } from "@mantine/core";
import { useState } from "react";
import { useGet } from "~/api/query";
import type { PolicyTestResult } from "~/api/schema.gen";
import { personField } from "~/forms/personField";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { problemText } from "~/ui/problem";
import { Section } from "../frame/Page";

/** Can this person use it? */
export function AccessTest({ slug }: { slug: string }) {
	const [person, setPerson] = useState<string | number | null>(null);
	const field = personField(t("access.person"));
	const { data, error } = useGet<PolicyTestResult>(`/core/applications/${encodeURIComponent(slug)}/check_access/`, {
		query: { for_user: person ?? undefined },
		enabled: person !== null,
	});
	return (
		<Section title={t("access.test")} text={t("access.testText")}>
			<Box maw={420}>
				<ReferenceInput id="access-person" label={field.label} required={false} field={field} value={person} onChange={setPerson} />
			</Box>
			{person !== null && (data || error) && (
				<Alert
					mt="md"
					variant="default"
					role="status"
					icon={<ToneIcon tone={data?.passing ? "good" : "danger"} size={18} />}
					title={error ? t("common.problem.title") : t(data?.passing ? "access.testYes" : "access.testNo")}
				>
					{error ? problemText(error) : data?.messages.map((message) => <div key={message}>{message}</div>)}
				</Alert>
			)}
		</Section>
	);
}
