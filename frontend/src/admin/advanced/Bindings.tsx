import { Button } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import type { PolicyBinding } from "~/api/schema.gen";
import { ListView } from "~/list/ListView";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { go } from "../frame/To";
import { nameOfRow } from "./names";

/** What decides who gets past an object: its policies, groups and people. */
export function Bindings({ target }: { target: string }) {
	const add = (
		<Button leftSection={<IconPlus size={16} />} variant="default" onClick={() => go(at.newOf("bindings", undefined, { target }))}>
			{t("advanced.addBinding")}
		</Button>
	);
	const name = (binding: PolicyBinding) => nameOfRow(binding as unknown as Row);
	return (
		<ListView<PolicyBinding>
			path="/policies/bindings/"
			fixed={{ target }}
			ordering="order"
			label={t("families.bindings.title")}
			side={add}
			keyOf={(binding) => binding.pk}
			nameOf={name}
			linkOf={(binding) => at.object("bindings", binding.pk)}
			columns={[
				{ id: "name", title: t("advanced.name"), cell: name },
				{
					id: "what",
					title: t("advanced.boundKind"),
					from: "phone",
					cell: (binding) => <Chip>{t(binding.policy ? "kinds.policy.one" : binding.group ? "kinds.group.one" : "kinds.user.one")}</Chip>,
				},
				{ id: "order", title: t("fields.order"), sort: "order", right: true, cell: (binding) => binding.order },
				{
					id: "state",
					title: t("users.column.state"),
					cell: (binding) => (
						<>
							{binding.enabled ? <Chip tone="good">{t("advanced.on")}</Chip> : <Chip tone="warning">{t("advanced.off")}</Chip>}{" "}
							{binding.negate && <Chip tone="notice">{t("advanced.negated")}</Chip>}
						</>
					),
				},
			]}
			empty={
				<Empty title={t("advanced.noBindings")} text={t("advanced.noBindingsText")}>
					{add}
				</Empty>
			}
		/>
	);
}
