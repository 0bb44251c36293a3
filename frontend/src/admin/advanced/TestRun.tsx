import { Alert, Box, Button, Code } from "@mantine/core";
import { useState } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import { ReferenceInput } from "~/forms/ReferenceInput";
import { useDescription } from "~/schema/use";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { complain } from "~/ui/notices";
import { personField } from "../apps/AccessTest";
import { Section } from "../frame/Page";

const paths: Record<string, [collection: string, parameter: string] | undefined> = {
	policies: ["/policies/all/", "policy_uuid"],
	mappings: ["/propertymappings/all/", "pm_uuid"],
};

type Result = { passing?: boolean; successful?: boolean; messages?: string[]; result?: string };

/** Runs a policy or mapping for one person, without any effect. */
export function TestRun({ family, pk }: { family: string; pk: string }) {
	const [person, setPerson] = useState<string | number | null>(null);
	const { data: description } = useDescription();
	const [collection, parameter] = paths[family] ?? [];
	const run = useChange(() => send<Result>("POST", `${collection}${pk}/test/`, { user: person }));
	if (!collection || !description?.paths[`${collection}{${parameter}}/test/`]?.post) return null;
	const field = personField();
	const good = run.data?.passing ?? run.data?.successful ?? false;
	return (
		<Section title={t("advanced.test")} text={t("advanced.testText")}>
			<Box maw={420}>
				<ReferenceInput id="test-person" label={field.label} required={false} field={field} value={person} onChange={setPerson} />
			</Box>
			<Button
				mt="sm"
				variant="default"
				disabled={person === null}
				loading={run.isPending}
				onClick={() => run.mutate(undefined, { onError: complain })}
			>
				{t("advanced.testRun")}
			</Button>
			{run.data && (
				<Alert
					mt="md"
					variant="default"
					role="status"
					icon={<ToneIcon tone={good ? "good" : "danger"} size={18} />}
					title={t(good ? "advanced.testYes" : "advanced.testNo")}
				>
					{run.data.messages?.map((message) => (
						<div key={message}>{message}</div>
					))}
					{run.data.result && (
						<Code block tabIndex={0} aria-label={t("advanced.test")}>
							{run.data.result}
						</Code>
					)}
				</Alert>
			)}
		</Section>
	);
}
