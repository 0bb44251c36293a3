import { Button } from "@mantine/core";
import { t } from "~/text/text";
import classes from "./Form.module.css";

type Props = {
	/** There is something to undo. */
	dirty: boolean;
	/** Only changes are saved, so without any there is nothing to do. */
	existing: boolean;
	saving: boolean;
	label?: string;
	note?: string;
	/** What the button does outside a form; inside one it submits. */
	onSave?: () => void;
	onDiscard: () => void;
	onCancel?: () => void;
};

/** The bar to save that stays in sight. */
export function SaveBar({ dirty, existing, saving, label, note, onSave, onDiscard, onCancel }: Props) {
	return (
		<div className={classes.save}>
			<Button type={onSave ? "button" : "submit"} onClick={onSave} loading={saving} disabled={existing && !dirty}>
				{label ?? t("forms.save")}
			</Button>
			{existing && dirty && (
				<Button variant="default" onClick={onDiscard} disabled={saving}>
					{t("forms.discard")}
				</Button>
			)}
			{onCancel && (
				<Button variant="default" onClick={onCancel} disabled={saving}>
					{t("forms.cancel")}
				</Button>
			)}
			<span className="gh-soft" role="status">
				{note ?? (existing && dirty ? t("forms.unsaved") : "")}
			</span>
		</div>
	);
}
