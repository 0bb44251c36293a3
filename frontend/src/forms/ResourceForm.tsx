import { Skeleton, Stack } from "@mantine/core";
import { useMemo } from "react";
import { fullModel } from "~/admin/frame/models";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import { toldUndo } from "~/api/undo";
import { idOf, type Kind, type Row } from "~/schema/description";
import { chosenFields, type Field, fieldsOf } from "~/schema/fields";
import { useKinds } from "~/schema/use";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { Form } from "./Form";
import { useFormState } from "./state";
import { toChange, toCreate, toForm, type Values } from "./wire";

type Props = {
	/** The name of the model, as flow or oauth2provider. */
	kind: string;
	/** The object to change; a new one where there is none. */
	object?: Row;
	/** The fields to show first, in this order; the others are folded, or left out with only. */
	first?: readonly string[];
	only?: boolean;
	/** What a new object starts with, beside the defaults; fields named here are not asked for when fixed. */
	preset?: Values;
	fixed?: readonly string[];
	onSaved?: (saved: Row) => void;
	onCancel?: () => void;
	saveLabel?: string;
};

/** The form of any object of the server, made from the server's description of it. */
export function ResourceForm(props: Props) {
	const { kinds, description, error, refetch } = useKinds();
	const kind = kinds?.get(props.kind);
	const fields = useMemo(() => (kind && description ? fieldsOf(description, kind) : undefined), [kind, description]);
	if (error) return <Problem error={error} again={refetch} />;
	if (!kinds) return <FormSkeleton />;
	if (!kind || !fields) return <Empty title={t("advanced.notServed")} text={t("advanced.notServedText")} />;
	return <Loaded {...props} kind={kind} fields={fields} />;
}

export function FormSkeleton() {
	return (
		<Stack gap="lg" maw={720} aria-busy="true">
			{[1, 2, 3, 4].map((row) => (
				<Stack gap={6} key={row}>
					<Skeleton height={14} width={120} />
					<Skeleton height={36} />
				</Stack>
			))}
		</Stack>
	);
}

type LoadedProps = Omit<Props, "kind"> & { kind: Kind; fields: Field[] };

function order(
	fields: Field[],
	first: readonly string[] | undefined,
	only: boolean | undefined,
	fixed: readonly string[] | undefined,
): Field[] {
	const asked = fields.filter((field) => !fixed?.includes(field.name));
	if (!first) return asked;
	const front = chosenFields(asked, first).map((field) => ({ ...field, advanced: false }));
	if (only) return front;
	const rest = asked.filter((field) => !first.includes(field.name));
	return [...front, ...rest.map((field) => ({ ...field, advanced: true }))];
}

function Loaded({ kind, fields, object, first, only, preset, fixed, onSaved, onCancel, saveLabel }: LoadedProps) {
	const shown = useMemo(() => order(fields, first, only, fixed), [fields, first, only, fixed]);
	const start = useMemo(() => toForm(shown, object ?? { ...defaults(shown), ...preset }), [shown, object, preset]);
	const state = useFormState(start);
	const save = useChange(
		() =>
			object
				? send<Row>("PATCH", `${kind.path}${encodeURIComponent(idOf(kind, object))}/`, toChange(shown, state.values, state.initial))
				: send<Row>("POST", kind.path, { ...pick(preset, fixed), ...toCreate(shown, state.values) }),
		(saved) => {
			toldUndo(t(object ? "forms.saved" : "forms.created"), fullModel(kind.name, saved), saved.pk);
			if (object) state.reset(toForm(shown, saved));
			onSaved?.(saved);
		},
	);
	return (
		<Form
			fields={shown}
			state={state}
			existing={!!object}
			saving={save.isPending}
			model={fullModel(kind.name, object ?? {})}
			onSave={() => save.mutate(undefined, { onError: state.refuseWith })}
			onCancel={onCancel}
			saveLabel={saveLabel ?? (object ? undefined : t("forms.create"))}
		/>
	);
}

const defaults = (fields: Field[]): Values => Object.fromEntries(fields.map((field) => [field.name, field.default]));

const pick = (values: Values | undefined, names: readonly string[] | undefined): Values =>
	Object.fromEntries((names ?? []).map((name) => [name, values?.[name]]));
