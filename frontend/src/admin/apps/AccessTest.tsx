import { Alert, Box } from "@mantine/core";
import { useState } from "react";
import { useGet } from "~/api/query";
import type { PolicyTestResult } from "~/api/schema.gen";
import { ReferenceInput } from "~/forms/ReferenceInput";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { problemText } from "~/ui/problem";
import { Section } from "../frame/Page";

/** A picker of one person, outside any form. */
export const personField = (): Field => ({
	name: "person",
	label: t("access.person"),
	help: "",
	widget: "reference",
	required: false,
	nullable: true,
	advanced: false,
	options: [],
	reference: { path: "/core/users/", key: "pk" },
});

/** Can this person use it? */
export function AccessTest({ slug }: { slug: string }) {
	const [person, setPerson] = useState<string | number | null>(null);
	const field = personField();
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
