import { MultiSelect, NumberInput, Select, Switch, TagsInput, Textarea, TextInput } from "@mantine/core";
import { lazy, Suspense } from "react";
import { ExpressionInput, type Subject } from "~/expression/ExpressionInput";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { DurationInput } from "./DurationInput";
import { LinksInput, type NamedLink } from "./LinksInput";
import { ReferenceInput, ReferencesInput } from "./ReferenceInput";
import { SecretInput } from "./SecretInput";

const CodeInput = lazy(() => import("./CodeInput"));

export type InputProps = {
	field: Field;
	value: unknown;
	error?: string[];
	onChange: (value: unknown) => void;
	/** The object exists already. */
	existing: boolean;
	subject?: Subject;
};

export const inputId = (name: string) => `field-${name}`;

/** The input of one field; its label, help and error are the same everywhere. */
export function FieldInput({ field, value, error, onChange, existing, subject }: InputProps) {
	const common = {
		id: inputId(field.name),
		label: field.label,
		description: field.help || undefined,
		error: error?.join(" "),
		required: field.required,
	};
	const text = String(value ?? "");
	switch (field.widget) {
		case "switch":
			return (
				<Switch
					{...common}
					required={false}
					checked={value === true}
					onChange={(event) => onChange(event.currentTarget.checked)}
					withThumbIndicator={false}
				/>
			);
		case "number":
			return (
				<NumberInput
					{...common}
					value={value as number | string}
					onChange={onChange}
					min={field.min}
					max={field.max}
					maw={200}
					styles={{ description: { width: "max-content", maxWidth: "min(70vw, 60ch)" }, error: { width: "max-content", maxWidth: "70vw" } }}
				/>
			);
		case "choice":
			return (
				<Select
					{...common}
					data={field.options}
					value={text || null}
					onChange={(chosen) => onChange(chosen ?? "")}
					allowDeselect={!field.required}
					clearable={field.nullable}
					placeholder={t("forms.choose")}
				/>
			);
		case "choices":
			return (
				<MultiSelect
					{...common}
					data={field.options}
					value={value as string[]}
					onChange={onChange}
					searchable
					clearable
					hidePickedOptions
					nothingFoundMessage={t("list.nothing")}
				/>
			);
		case "texts":
			return <TagsInput {...common} value={(value as unknown[]).map(String)} onChange={onChange} placeholder={t("forms.addText")} />;
		case "reference":
			return <ReferenceInput {...common} field={field} value={value as string | number | null} onChange={onChange} />;
		case "references":
			return <ReferencesInput {...common} field={field} value={value as (string | number)[]} onChange={onChange} />;
		case "links":
			return <LinksInput {...common} value={value as NamedLink[]} onChange={onChange} />;
		case "secret":
			return <SecretInput {...common} value={text} onChange={onChange} existing={existing} />;
		case "duration":
			return <DurationInput {...common} value={text} onChange={onChange} />;
		case "json":
		case "expression":
			if (field.widget === "expression" && subject)
				return <ExpressionInput {...common} field={field.name} subject={subject} value={text} onChange={onChange} />;
			return (
				<Suspense fallback={<Textarea {...common} value={text} readOnly rows={6} />}>
					<CodeInput {...common} value={text} onChange={onChange} mode={field.widget === "json" ? "json" : "python"} />
				</Suspense>
			);
		case "area":
			return (
				<Textarea
					{...common}
					value={text}
					onChange={(event) => onChange(event.currentTarget.value)}
					autosize
					minRows={3}
					maxRows={14}
					spellCheck={false}
				/>
			);
		case "time":
			return (
				<TextInput {...common} type="datetime-local" maw={260} value={text} onChange={(event) => onChange(event.currentTarget.value)} />
			);
		case "slug":
			return (
				<TextInput
					{...common}
					value={text}
					onChange={(event) => onChange(event.currentTarget.value)}
					maxLength={field.maxLength}
					spellCheck={false}
					autoCapitalize="none"
					styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
				/>
			);
		default:
			return (
				<TextInput
					{...common}
					value={text}
					onChange={(event) => onChange(event.currentTarget.value)}
					maxLength={field.maxLength}
					autoComplete="off"
				/>
			);
	}
}
