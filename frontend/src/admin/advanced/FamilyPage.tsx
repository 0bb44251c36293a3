import { Button, Menu } from "@mantine/core";
import { IconChevronDown, IconPlus } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { type Page as Rows, useGet } from "~/api/query";
import type { Flow, TypeCreate } from "~/api/schema.gen";
import { ListView } from "~/list/ListView";
import type { Column } from "~/list/Table";
import { idOf, type Row } from "~/schema/description";
import { labelOf } from "~/schema/fields";
import { useKinds } from "~/schema/use";
import { t, tOr } from "~/text/text";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Missing } from "../frame/Missing";
import { fullModel } from "../frame/models";
import { Page } from "../frame/Page";
import { go } from "../frame/To";
import { useBulkDelete } from "../frame/useBulkDelete";
import { useBulkEdit } from "../frame/useBulkEdit";
import classes from "./Advanced.module.css";
import { Cell } from "./Cell";
import { type Family, familyOf } from "./families";
import { ImportButton } from "./flow/Transfer";
import { nameOfRow } from "./names";
import { ImportSaml } from "./source/Import";
import { useTest } from "./useTest";

export function FamilyPage() {
	const { family: id } = useParams({ strict: false }) as { family: string };
	const family = familyOf(id);
	return family ? <List key={id} family={family} /> : <Missing />;
}

function List({ family }: { family: Family }) {
	const kind = useKinds().kinds?.get(family.kind ?? "");
	const flows = useGet<Rows<Flow>>("/flows/instances/", { query: { page_size: 100 }, enabled: family.id === "steps" }).data;
	const flowNames = useMemo(() => new Map(flows?.results.map((flow) => [flow.pk, flow.name])), [flows]);
	const param = kind?.param ?? (family.id === "sources" ? "slug" : "pk");
	const idOfRow = (row: Row) => idOf({ param }, row);
	const bulkNames = { modelOf: (row: Row) => fullModel(family.kind, row), pkOf: (row: Row) => String(row.pk), nameOf: nameOfRow };
	const bulkEdit = useBulkEdit<Row>(bulkNames);
	const bulkDelete = useBulkDelete<Row>(bulkNames);
	const test = useTest(family.id);
	const columns: Column<Row>[] = [
		{ id: "name", title: t("advanced.name"), sort: family.sortable.includes("name") ? "name" : undefined, cell: nameOfRow },
		...family.columns.map(
			(name, index): Column<Row> => ({
				id: name,
				title: labelOf(family.kind ?? family.id, name),
				sort: family.sortable.includes(name) ? name : undefined,
				from: index === 0 ? "phone" : "tablet",
				cell: (row) => <Cell name={name} row={row} flows={flowNames} />,
			}),
		),
		...(test.open ? [testColumn(test.open)] : []),
	];
	return (
		<Page
			title={t(`families.${family.id}.title`)}
			text={t(`families.${family.id}.text`)}
			crumbs={[{ label: t("nav.advanced"), to: at.advanced }]}
			actions={
				<>
					{family.id === "flows" && <ImportButton />}
					{family.id === "sources" && <ImportSaml />}
					<Add family={family} />
				</>
			}
		>
			<ListView<Row>
				path={family.path}
				ordering={family.ordering}
				label={t(`families.${family.id}.title`)}
				keyOf={(row) => String(row.pk)}
				nameOf={nameOfRow}
				linkOf={(row) => at.object(family.id, idOfRow(row))}
				bulk={[bulkEdit, bulkDelete]}
				columns={columns}
				empty={
					<Empty title={t("advanced.empty")} text={t(`families.${family.id}.text`)}>
						<Add family={family} />
					</Empty>
				}
			/>
			{test.dialog}
		</Page>
	);
}

function testColumn(open: (row: Row) => void): Column<Row> {
	return {
		id: "test",
		title: t("expression.test"),
		right: true,
		cell: (row) => (
			<Button
				size="compact-sm"
				variant="default"
				aria-label={t("expression.testOf", { name: nameOfRow(row) })}
				aria-haspopup="dialog"
				onClick={() => open(row)}
			>
				{t("expression.test")}
			</Button>
		),
	};
}

/** The button to add an object; a menu where the family has several kinds. */
function Add({ family }: { family: Family }) {
	const { kinds } = useKinds();
	const types = useGet<TypeCreate[]>(family.types ?? "", { enabled: !!family.types }).data;
	if (!family.types) {
		if (!kinds?.get(family.kind ?? "")?.canCreate) return null;
		return (
			<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newOf(family.id))}>
				{t("advanced.add")}
			</Button>
		);
	}
	const shown = (types ?? []).filter((type) => kinds?.get(type.model_name)?.canCreate);
	if (shown.length === 0) return null;
	return (
		<Menu position="bottom-end">
			<Menu.Target>
				<Button leftSection={<IconPlus size={16} />} rightSection={<IconChevronDown size={14} />}>
					{t("advanced.add")}
				</Button>
			</Menu.Target>
			<Menu.Dropdown mah={420} style={{ overflowY: "auto" }}>
				{shown.map((type) => (
					<Menu.Item key={type.component + type.model_name} onClick={() => go(at.newOf(family.id, type.model_name))}>
						{tOr(type.name, `kinds.${type.model_name}.title`)}
						<span className={classes.note}>{tOr(type.description, `kinds.${type.model_name}.text`)}</span>
					</Menu.Item>
				))}
			</Menu.Dropdown>
		</Menu>
	);
}
