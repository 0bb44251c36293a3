import { Button } from "@mantine/core";
import { send } from "~/api/client";
import type { PolicyTestResult, PropertyMappingTestResult } from "~/api/schema.gen";
import { fromTest } from "~/expression/ran";
import { Trial } from "~/expression/Trial";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Dialog } from "~/ui/Dialog";
import { nameOfRow } from "./names";

type Props = { path: string; row: Row; onClose: () => void };

/** Runs a policy or a mapping as it is saved. */
export function TestDialog({ path, row, onClose }: Props) {
	return (
		<Dialog
			wide
			title={t("expression.testOf", { name: nameOfRow(row) })}
			onClose={onClose}
			buttons={
				<Button variant="default" onClick={onClose}>
					{t("common.close")}
				</Button>
			}
		>
			<p>{t("expression.testText")}</p>
			<Trial
				id="test"
				needsUser
				first
				run={async (asked) => fromTest(await send<PolicyTestResult | PropertyMappingTestResult>("POST", path, asked))}
			/>
		</Dialog>
	);
}
