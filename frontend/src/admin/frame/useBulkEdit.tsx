import { SegmentedControl, Select, Stack } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { FieldInput } from "~/forms/FieldInput";
import { toChange, toForm } from "~/forms/wire";
import type { Bulk } from "~/list/ListView";
import { type Field, fieldsOf } from "~/schema/fields";
import { useKinds } from "~/schema/use";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { complain, told } from "~/ui/notices";
import { type Change, changeMany } from "./bulk";
import { byModel } from "./models";

type Names<T> = { modelOf: (row: T) => string | undefined; pkOf: (row: T) => string };
type Way = "set" | "add" | "remove";

/** What differs from object to object is never set for many; the server refuses it too. */
const apart = new Set(["name", "username", "slug", "identifier", "client_id", "domain", "managed"]);

/** The fields that many objects can get at once. */
export const forMany = (fields: Field[]): Field[] => fields.filter((field) => !apart.has(field.name) && field.widget !== "secret");

/** What is sent for one field: lists can be added to and taken out of. */
export function changeOf(field: Field, way: Way, value: unknown): Change {
	const wire = toChange([field], { [field.name]: value }, { [field.name]: undefined });
	return { [way === "set" ? "fields" : way]: wire };
}

const isList = (field: Field) => field.widget === "references" || field.widget === "texts" || field.widget === "choices";

/** Sets one field of the selected rows, of all or of none. */
export function useBulkEdit<T>({ modelOf, pkOf }: Names<T>): Bulk<T> {
	const client = useQueryClient();
	const { kinds, description } = useKinds();
	return {
		label: t("bulk.edit"),
		act: (rows, done) => {
			const [model, more] = byModel(rows, modelOf).keys();
			const kind = kinds?.get(model?.slice(model.lastIndexOf(".") + 1) ?? "");
			if (!model || more || !kind || !description) {
				complain(new Error(t("bulk.oneKind")));
				return;
			}
			const fields = forMany(fieldsOf(description, kind));
			let change: Change = {};
			confirm({
				title: t("bulk.title", { count: rows.length }),
				body: (
					<Choice
						fields={fields}
						onChange={(to) => {
							change = to;
						}}
					/>
				),
				yes: t("bulk.yes"),
				act: async () => {
					const outcome = await changeMany({ model, pks: rows.map(pkOf) }, change);
					told(t("bulk.done", { count: outcome.ok }));
					done();
					await client.invalidateQueries({ queryKey: ["api"] });
				},
			});
		},
	};
}

function Choice({ fields, onChange }: { fields: Field[]; onChange: (change: Change) => void }) {
	const [field, setField] = useState<Field>();
	const [way, setWay] = useState<Way>("set");
	const [value, setValue] = useState<unknown>();
	function pick(next: Field, by: Way, to: unknown) {
		setField(next);
		setWay(by);
		setValue(to);
		onChange(changeOf(next, by, to));
	}
	const start = (next: Field): [Way, unknown] => [isList(next) ? "add" : "set", toForm([next])[next.name]];
	return (
		<Stack gap="md">
			<p className="gh-soft">{t("bulk.text")}</p>
			<Select
				label={t("bulk.field")}
				data={fields.map(({ name, label }) => ({ value: name, label }))}
				value={field?.name ?? null}
				onChange={(name) => {
					const next = fields.find((one) => one.name === name);
					if (next) pick(next, ...start(next));
				}}
				placeholder={t("forms.choose")}
				allowDeselect={false}
				searchable
			/>
			{field && isList(field) && (
				<SegmentedControl
					aria-label={t("bulk.way")}
					value={way}
					onChange={(to) => pick(field, to as Way, value)}
					data={(["add", "remove", "set"] as const).map((one) => ({ value: one, label: t(`bulk.${one}`) }))}
				/>
			)}
			{field && (
				<FieldInput
					key={field.name}
					field={{ ...field, required: false }}
					value={value}
					existing={false}
					onChange={(to) => pick(field, way, to)}
				/>
			)}
		</Stack>
	);
}
