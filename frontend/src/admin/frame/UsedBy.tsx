import { Button, Skeleton } from "@mantine/core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { get } from "~/api/client";
import { keyOf, remove } from "~/api/query";
import type { UsedBy as Use } from "~/api/schema.gen";
import { toldUndo } from "~/api/undo";
import { t, tOr } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { isKey } from "~/ui/names";
import { Section } from "./Page";

function consequence(use: Use): string {
	const kind = tOr(use.model_name, `kinds.${use.model_name}.one`);
	const what = use.name && !isKey(use.name) ? t("usedBy.named", { kind, name: use.name }) : kind;
	return t(`usedBy.${use.action}`, { what });
}

/** What else is affected when an object is deleted, in words. */
export function Uses({ path }: { path: string }) {
	// Read for this question only: once the object is gone there is nothing to read any more.
	const { data, error } = useQuery({
		queryKey: ["usedBy", path],
		queryFn: ({ signal }) => get<Use[]>(`${path}used_by/`, undefined, signal),
	});
	if (error) return null;
	if (!data) return <Skeleton height={14} width="60%" />;
	if (data.length === 0) return <p>{t("usedBy.none")}</p>;
	return (
		<>
			<p>{t("usedBy.some")}</p>
			<ul>
				{data.map((use) => (
					<li key={`${use.model_name}-${use.pk}`}>{consequence(use)}</li>
				))}
			</ul>
		</>
	);
}

/** Asks before an object is deleted, and says what else it affects. */
export function useDelete() {
	const client = useQueryClient();
	return (path: string, name: string, after?: () => void, undo?: { model?: string; pk: unknown }) => {
		confirm({
			title: t("delete.title", { name }),
			body: (
				<>
					<Uses path={path} />
					<p className="gh-soft">{t("delete.forever")}</p>
				</>
			),
			yes: t("delete.yes"),
			danger: true,
			act: async () => {
				await remove(path);
				toldUndo(t("delete.done", { name }), undo?.model, undo?.pk);
				after?.();
				client.removeQueries({ queryKey: keyOf(path) });
				await client.invalidateQueries({ queryKey: ["api"] });
			},
		});
	};
}

type Props = { path: string; name: string; text: string; after: () => void; blocked?: string; undo?: { model?: string; pk: unknown } };

/** The quiet end of a page: deleting the object. */
export function Danger({ path, name, text, after, blocked, undo }: Props) {
	const ask = useDelete();
	return (
		<Section title={t("delete.section")} text={blocked ?? text} danger>
			<Button variant="default" c="var(--gh-danger)" disabled={!!blocked} onClick={() => ask(path, name, after, undo)}>
				{t("delete.button")}
			</Button>
		</Section>
	);
}
