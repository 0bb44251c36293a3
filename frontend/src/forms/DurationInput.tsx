import { Button, Group, Input, NativeSelect, NumberInput, TextInput } from "@mantine/core";
import { useEffect, useState } from "react";
import { formatDuration, parseDuration, split, type Unit, units } from "~/lib/duration";
import { t } from "~/text/text";

type Props = {
	id: string;
	label: string;
	description?: string;
	error?: string;
	required: boolean;
	value: string;
	onChange: (value: string) => void;
};

/** A duration as a number and a unit; a text that is none can still be seen and mended as text. */
export function DurationInput({ id, label, description, error, required, value, onChange }: Props) {
	const total = parseDuration(value);
	const [unit, setUnit] = useState<Unit>(() => split(total ?? 0).unit);
	const amount = total === undefined ? "" : inUnit(total, unit);
	// What was written from elsewhere may not be a whole number of the unit shown.
	useEffect(() => {
		if (total !== undefined && total !== 0 && !Number.isInteger(inUnit(total, unit))) setUnit(split(total).unit);
	}, [total, unit]);

	if (value !== "" && total === undefined) {
		return (
			<TextInput
				id={id}
				label={label}
				description={description}
				error={error ?? t("forms.badDuration")}
				required={required}
				value={value}
				onChange={(event) => onChange(event.currentTarget.value)}
				rightSectionWidth={90}
				rightSection={
					<Button size="compact-xs" variant="default" onClick={() => onChange("")}>
						{t("forms.clear")}
					</Button>
				}
			/>
		);
	}
	return (
		<Input.Wrapper id={id} label={label} description={description} error={error} required={required}>
			<Group gap="xs" mt={4} wrap="nowrap">
				<NumberInput
					id={id}
					aria-label={t("duration.amountOf", { what: label })}
					value={amount}
					min={0}
					w={120}
					error={!!error}
					onChange={(next) => onChange(next === "" ? "" : formatDuration(Number(next), unit))}
				/>
				<NativeSelect
					aria-label={t("duration.unitOf", { what: label })}
					value={unit}
					w={140}
					data={units.map((name) => ({ value: name, label: t(`duration.${name}`) }))}
					onChange={(event) => {
						const next = event.currentTarget.value as Unit;
						setUnit(next);
						if (amount !== "") onChange(formatDuration(amount, next));
					}}
				/>
			</Group>
		</Input.Wrapper>
	);
}

function inUnit(total: number, unit: Unit): number {
	return total / (parseDuration(`${unit}=1`) ?? 1);
}
