import { Button } from "@mantine/core";
import { send } from "~/api/client";
import type { Undone } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { effectOf, undone } from "~/api/undo";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Section } from "./Page";

/** Offers to undo the change that an event tells of, or says why that can't be. */
export function UndoSection({ event, label }: { event: string; label: (name: string) => string }) {
	const { data } = useGet<Undone>(`/gatehouse/undo/${encodeURIComponent(event)}/`);
	if (!data) return null;
	if (!data.possible) return <Section title={t("undo.section")} text={t("undo.not", { why: data.reason })} />;
	const ask = () =>
		confirm({
			title: t("undo.title"),
			body: (
				<>
					<p>{effectOf(data, label)}</p>
					{data.notes.map((note) => (
						<p key={note} className="gh-soft">
							{note}
						</p>
					))}
				</>
			),
			yes: t("undo.yes"),
			act: async () => {
				await undone(await send<Undone>("POST", `/gatehouse/undo/${encodeURIComponent(event)}/`));
			},
		});
	return (
		<Section title={t("undo.section")} text={t("undo.text")}>
			<p>{effectOf(data, label)}</p>
			<Button variant="default" onClick={ask}>
				{t("undo.button")}
			</Button>
		</Section>
	);
}
