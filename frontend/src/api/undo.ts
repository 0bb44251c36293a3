import { t } from "~/text/text";
import { complain, told, toldWith } from "~/ui/notices";
import { send } from "./client";
import type { Undone } from "./gatehouse";
import { queryClient } from "./query";

/** Says that something is as it was, and reads what is on the page anew. */
export async function undone(what: Undone): Promise<void> {
	told(t("undo.done", { name: what.name }));
	await queryClient.invalidateQueries({ queryKey: ["api"] });
}

/** Says that a change is made, and offers to take it back. */
export function toldUndo(message: string, model: string | undefined, pk: unknown): void {
	if (!model || (typeof pk !== "string" && typeof pk !== "number")) {
		told(message);
		return;
	}
	toldWith(message, t("undo.button"), () => {
		send<Undone>("POST", "/gatehouse/undo/", { model, pk: String(pk) }).then(undone, complain);
	});
}

/** What undoing the change of an event would do, in words. */
export function effectOf(undone: Undone, label: (name: string) => string): string {
	if (undone.action === "model_created") return t("undo.created");
	if (undone.action === "model_deleted") return t("undo.deleted");
	return t("undo.updated", { fields: undone.fields.map(label).join(", ") });
}
