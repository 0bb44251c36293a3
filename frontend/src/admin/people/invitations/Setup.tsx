import { Button } from "@mantine/core";
import { IconTicket } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { FlowImportResult } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Empty } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { invitationFlow, SLUG } from "./blueprint";

async function apply(): Promise<FlowImportResult | undefined> {
	const form = new FormData();
	form.append("file", new File([invitationFlow()], `${SLUG}.yaml`, { type: "application/yaml" }));
	return send<FlowImportResult | undefined>("POST", "/flows/instances/import/", form);
}

/** Stands where invitations would be while no flow asks for one. */
export function Setup() {
	const [refused, setRefused] = useState("");
	const make = useChange(apply, (answer) => {
		if (answer?.success ?? true) told(t("invitations.setup.done"));
		else setRefused((answer?.logs ?? []).map(({ event }) => event).join(" "));
	});
	return (
		<div className="gh-panel">
			<Empty icon={<IconTicket size={32} />} title={t("invitations.setup.title")} text={t("invitations.setup.text")}>
				<Button loading={make.isPending} onClick={() => make.mutate(undefined, { onError: (problem) => setRefused(problemText(problem)) })}>
					{t("invitations.setup.yes")}
				</Button>
				{refused && <p role="alert">{refused}</p>}
			</Empty>
		</div>
	);
}
