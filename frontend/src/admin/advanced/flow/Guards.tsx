import { Button, NativeSelect, Skeleton, Switch } from "@mantine/core";
import { IconSettings, IconTrash } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { send } from "~/api/client";
import { type Page, useChange, useGet } from "~/api/query";
import type { PolicyBinding } from "~/api/schema.gen";
import { ReferenceInput } from "~/forms/ReferenceInput";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { IconButton } from "~/ui/IconButton";
import { complain } from "~/ui/notices";
import { at } from "../../frame/addresses";
import { go } from "../../frame/To";
import { useDelete } from "../../frame/UsedBy";
import classes from "./Flow.module.css";
import { nameOfGuard, orderAfter } from "./parts";

const paths = { policy: "/policies/all/", group: "/core/groups/", user: "/core/users/" } as const;
const deciders = ["policy", "group", "user"] as const;
type Decider = (typeof deciders)[number];

const fieldFor = (kind: Decider): Field => ({
	name: kind,
	label: t(`flowPage.guards.${kind}`),
	help: "",
	widget: "reference",
	required: false,
	nullable: true,
	advanced: false,
	options: [],
	reference: { path: paths[kind], key: "pk" },
});

/** What is asked before a step is shown: switched on and off, removed, added. */
export function Guards({ target }: { target: string }) {
	const { data, error, refetch } = useGet<Page<PolicyBinding>>("/policies/bindings/", {
		query: { target, ordering: "order", page_size: 100 },
	});
	const askDelete = useDelete();
	const turn = useChange(({ pk, enabled }: { pk: string; enabled: boolean }) => send("PATCH", `/policies/bindings/${pk}/`, { enabled }));
	if (error && !data) return <Problem error={error} again={refetch} />;
	if (!data) return <Skeleton height={80} aria-busy="true" />;
	return (
		<>
			<p className="gh-soft">{t("flowPage.guards.text")}</p>
			{data.results.length === 0 && <p>{t("flowPage.guards.none")}</p>}
			<ul className={classes.guards}>
				{data.results.map((guard) => {
					const name = nameOfGuard(guard);
					return (
						<li key={guard.pk} className={classes.guard}>
							<span className={classes.words}>
								{name} {guard.negate && <Chip tone="notice">{t("flowPage.guards.reversed")}</Chip>}
							</span>
							<Switch
								withThumbIndicator={false}
								label={t("flowPage.guards.on")}
								aria-label={t("flowPage.guards.onOf", { name })}
								checked={guard.enabled ?? false}
								onChange={(event) => turn.mutate({ pk: guard.pk, enabled: event.currentTarget.checked }, { onError: complain })}
							/>
							<IconButton aria-label={t("flowPage.guards.open", { name })} onClick={() => go(at.object("bindings", guard.pk))}>
								<IconSettings size={16} />
							</IconButton>
							<IconButton
								aria-label={t("flowPage.guards.remove", { name })}
								onClick={() => askDelete(`/policies/bindings/${guard.pk}/`, name)}
							>
								<IconTrash size={16} />
							</IconButton>
						</li>
					);
				})}
			</ul>
			<AddGuard target={target} order={orderAfter(data.results)} />
		</>
	);
}

function AddGuard({ target, order }: { target: string; order: number }) {
	const [kind, setKind] = useState<Decider>("policy");
	const [who, setWho] = useState<string | number | null>(null);
	const field = useMemo(() => fieldFor(kind), [kind]);
	const add = useChange(
		() => send("POST", "/policies/bindings/", { target, order, [kind]: who }),
		() => setWho(null),
	);
	return (
		<div className={classes.adder}>
			<NativeSelect
				label={t("flowPage.guards.kind")}
				value={kind}
				onChange={(event) => {
					setKind(event.currentTarget.value as Decider);
					setWho(null);
				}}
				data={deciders.map((value) => ({ value, label: t(`flowPage.guards.${value}`) }))}
			/>
			<ReferenceInput key={kind} id="guard-who" label={field.label} required={false} field={field} value={who} onChange={setWho} />
			<Button
				variant="default"
				disabled={who === null}
				loading={add.isPending}
				onClick={() => add.mutate(undefined, { onError: complain })}
			>
				{t("flowPage.guards.add")}
			</Button>
		</div>
	);
}
