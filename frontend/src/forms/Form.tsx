import { Alert, Anchor, Collapse, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronRight } from "@tabler/icons-react";
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from "react";
import { type Field, withExpression } from "~/schema/fields";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { FieldInput, inputId } from "./FieldInput";
import classes from "./Form.module.css";
import { LeaveGuard } from "./LeaveGuard";
import { SaveBar } from "./SaveBar";
import type { FormState } from "./state";
import { check, type FieldErrors } from "./wire";

type Props = {
	fields: Field[];
	state: FormState;
	/** The object exists already: only changes are saved. */
	existing: boolean;
	saving: boolean;
	onSave: () => void;
	onCancel?: () => void;
	saveLabel?: string;
	/** Fields that are asked for in another way, by their name. */
	children?: ReactNode;
	/** Checks of the page itself, beside those of the fields. */
	extraCheck?: () => FieldErrors;
	labels?: Record<string, string>;
	/** The model of the object, as "app.model", where it is known. */
	model?: string;
};

/** A form: fields, the folded rest, what is wrong in one place, and a bar to save that stays in sight. */
export function Form(props: Props) {
	const { fields, state, existing, saving, onSave, onCancel, saveLabel, children, extraCheck, labels = {}, model } = props;
	const subject = model ? { model, name: String(state.values.name ?? "") } : undefined;
	const plain = fields.filter((field) => !field.advanced);
	const advanced = fields.filter((field) => field.advanced);
	const wrongInside = advanced.some((field) => state.errors[field.name]);
	const [unfolded, setUnfolded] = useState(plain.length === 0);
	const open = unfolded || wrongInside;

	function submit(event: FormEvent) {
		event.preventDefault();
		event.stopPropagation();
		const wrong = { ...check(fields, state.values), ...extraCheck?.() };
		if (Object.keys(wrong).length > 0) state.refuse(wrong);
		else onSave();
	}

	const input = (field: Field) => (
		<FieldInput
			key={field.name}
			field={withExpression(field, state.values)}
			value={state.values[field.name]}
			error={state.errors[field.name]}
			onChange={(value) => state.set(field.name, value)}
			existing={existing}
			subject={subject}
		/>
	);

	return (
		<form onSubmit={submit} noValidate className={classes.form}>
			<Summary fields={fields} state={state} labels={labels} onShow={() => setUnfolded(true)} />
			<div className={classes.fields}>
				{plain.map(input)}
				{children}
				{advanced.length > 0 && plain.length > 0 && (
					<UnstyledButton className={classes.fold} aria-expanded={open} onClick={() => setUnfolded(!open)}>
						{open ? <IconChevronDown size={16} /> : <IconChevronRight size={16} />}
						{t("forms.advanced")}
						<span className="gh-soft">{t("forms.advancedCount", { count: advanced.length })}</span>
					</UnstyledButton>
				)}
				{advanced.length > 0 && (
					<Collapse expanded={open}>
						<div className={classes.fields}>{advanced.map(input)}</div>
					</Collapse>
				)}
			</div>
			<SaveBar
				dirty={state.dirty}
				existing={existing}
				saving={saving}
				label={saveLabel}
				onDiscard={() => state.reset()}
				onCancel={onCancel}
			/>
			<LeaveGuard when={state.dirty && !saving} />
		</form>
	);
}

type SummaryProps = { fields: Field[]; state: FormState; labels: Record<string, string>; onShow: () => void };

function Summary({ fields, state, labels, onShow }: SummaryProps) {
	const box = useRef<HTMLDivElement>(null);
	const wrong = Object.entries(state.errors);
	useEffect(() => {
		if (state.attempts > 0) box.current?.focus();
	}, [state.attempts]);
	if (wrong.length === 0 && state.general.length === 0) return null;
	const label = (name: string) => fields.find((field) => field.name === name)?.label ?? labels[name] ?? name;
	return (
		<Alert
			ref={box}
			tabIndex={-1}
			role="alert"
			color="red"
			variant="light"
			className={classes.summary}
			icon={<ToneIcon tone="danger" size={18} />}
			title={t("forms.refused")}
		>
			{state.general.map((message) => (
				<p key={message}>{message}</p>
			))}
			{wrong.length > 0 && (
				<ul>
					{wrong.map(([name, messages]) => (
						<li key={name}>
							<Anchor
								component="button"
								type="button"
								inherit
								onClick={() => {
									onShow();
									requestAnimationFrame(() => document.getElementById(inputId(name))?.focus());
								}}
							>
								{label(name)}
							</Anchor>
							{": "}
							{messages.join(" ")}
						</li>
					))}
				</ul>
			)}
		</Alert>
	);
}
