import { MultiSelect, Select } from "@mantine/core";
import type { KeyboardEvent } from "react";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { type Choice, type Target, useReference } from "./useReference";

type Common = { id: string; label: string; description?: string; error?: string; required: boolean; disabled?: boolean; field: Field };

/** The server has searched already; nothing more is filtered here. */
const everything = ({ options }: { options: unknown[] }) => options as never;

const nowhere: Target = { path: "", key: "pk" };
const unique = (choices: Choice[]) => [...new Map(choices.map((choice) => [choice.value, choice])).values()];

/** Numbers stay numbers on the wire. */
const back = (value: string, numeric: boolean) => (numeric && /^\d+$/.test(value) ? Number(value) : value);

/** The whole name is marked, as it is when the focus comes: a key that deletes it means the choice. */
function isErasing({ key, currentTarget: { value, selectionStart, selectionEnd } }: KeyboardEvent<HTMLInputElement>) {
	return (key === "Delete" || key === "Backspace") && value !== "" && selectionStart === 0 && selectionEnd === value.length;
}

type OneProps = Common & { value: string | number | null; onChange: (value: string | number | null) => void };

export function ReferenceInput({ field, value, onChange, ...common }: OneProps) {
	const chosen = value === null || value === "" ? [] : [String(value)];
	const { choices, search, setSearch, error } = useReference(field.reference ?? nowhere, chosen);
	const numeric = isNumeric(field.reference);
	return (
		<Select
			{...common}
			data={unique(choices)}
			value={chosen[0] ?? null}
			onChange={(next) => onChange(next === null ? null : back(next, numeric))}
			searchable
			searchValue={search}
			onSearchChange={setSearch}
			onFocus={(event) => event.currentTarget.select()}
			onKeyDown={(event) => !field.required && isErasing(event) && onChange(null)}
			filter={everything}
			clearable={!field.required}
			clearButtonProps={{ "aria-label": t("forms.clearOf", { what: field.label }) }}
			allowDeselect={false}
			nothingFoundMessage={error ? t("forms.notLoaded") : t("list.nothing")}
			placeholder={field.required ? t("forms.choose") : t("forms.none")}
			maxDropdownHeight={280}
		/>
	);
}

type ManyProps = Common & { value: (string | number)[]; onChange: (value: (string | number)[]) => void };

export function ReferencesInput({ field, value, onChange, ...common }: ManyProps) {
	const chosen = value.map(String);
	const { choices, search, setSearch, error } = useReference(field.reference ?? nowhere, chosen);
	const numeric = isNumeric(field.reference);
	return (
		<MultiSelect
			{...common}
			data={unique(choices)}
			value={chosen}
			onChange={(next) => onChange(next.map((one) => back(one, numeric)))}
			searchable
			searchValue={search}
			onSearchChange={setSearch}
			filter={everything}
			hidePickedOptions
			nothingFoundMessage={error ? t("forms.notLoaded") : t("list.nothing")}
			placeholder={chosen.length === 0 ? t("forms.none") : undefined}
			maxDropdownHeight={280}
		/>
	);
}

/** Users and providers have whole numbers for keys. */
const isNumeric = (target: Target | undefined) => target?.key === "pk" && /^\/(core\/users|providers)\//.test(target.path);
