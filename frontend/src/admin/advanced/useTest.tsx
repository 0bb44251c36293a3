import { type ReactNode, useState } from "react";
import type { Row } from "~/schema/description";
import { useDescription } from "~/schema/use";
import { TestDialog } from "./TestDialog";

const places: Record<string, [collection: string, parameter: string] | undefined> = {
	policies: ["/policies/all/", "policy_uuid"],
	mappings: ["/propertymappings/all/", "pm_uuid"],
};

/** Opens the test of an object as it is saved; nothing for families whose objects can't be tested. The dialog stands once in the page. */
export function useTest(family: string): { open?: (row: Row) => void; dialog: ReactNode } {
	const { data: description } = useDescription();
	const [row, setRow] = useState<Row>();
	const [collection, parameter] = places[family] ?? [];
	if (!collection || !description?.paths[`${collection}{${parameter}}/test/`]?.post) return { dialog: null };
	return {
		open: setRow,
		dialog: row && (
			<TestDialog path={`${collection}${String(row.pk)}/test/?format_result=true`} row={row} onClose={() => setRow(undefined)} />
		),
	};
}
