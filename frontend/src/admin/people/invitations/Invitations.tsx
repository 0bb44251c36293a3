import { Button } from "@mantine/core";
import { IconPlus, IconTicket } from "@tabler/icons-react";
import type { Invitation } from "~/api/schema.gen";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { personName } from "~/ui/names";
import { at } from "../../frame/addresses";
import { Page } from "../../frame/Page";
import { go } from "../../frame/To";
import { useBulkDelete } from "../../frame/useBulkDelete";
import { Sections } from "../Sections";
import { useInvitationFlows } from "./flows";
import { Setup } from "./Setup";
import { isOver, whoOf } from "./who";

export const MODEL = "authentik_stages_invitation.invitation";

/** Who was invited and has not come yet; those of an invitation that is used up are under users. */
export function Invitations() {
	const { flows } = useInvitationFlows();
	const bulkDelete = useBulkDelete<Invitation>({ modelOf: () => MODEL, pkOf: (one) => one.pk, nameOf: whoOf });
	const add = (
		<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newInvitation)}>
			{t("users.invite")}
		</Button>
	);
	const missing = flows?.length === 0;
	return (
		<Page
			title={t("users.invitations")}
			text={t("invitations.text")}
			crumbs={[{ label: t("nav.people"), to: at.users }]}
			actions={missing ? undefined : add}
			tabs={<Sections current="invitations" />}
		>
			{missing && <Setup />}
			{!missing && (
				<ListView<Invitation>
					path="/stages/invitation/invitations/"
					ordering="-expires"
					label={t("users.invitations")}
					keyOf={(one) => one.pk}
					nameOf={whoOf}
					linkOf={(one) => at.invitation(one.pk)}
					iconOf={() => <IconTicket size={20} aria-hidden="true" />}
					bulk={[bulkDelete]}
					columns={[
						{ id: "name", title: t("invitations.column.name"), sort: "name", cell: whoOf },
						{
							id: "flow",
							title: t("invitations.column.flow"),
							from: "tablet",
							cell: (one) => one.flow_obj?.name ?? t("invitations.anyFlow"),
						},
						{
							id: "expires",
							title: t("invitations.column.expires"),
							sort: "expires",
							cell: (one) => (isOver(one) ? <Chip tone="warning">{t("invitations.over")}</Chip> : <Ago time={one.expires} />),
						},
						{
							id: "use",
							title: t("invitations.column.use"),
							from: "phone",
							cell: (one) => <Chip>{t(one.single_use ? "invitations.once" : "invitations.often")}</Chip>,
						},
						{ id: "by", title: t("invitations.column.by"), from: "tablet", cell: (one) => personName(one.created_by) },
					]}
					empty={
						<Empty icon={<IconTicket size={32} />} title={t("invitations.emptyTitle")} text={t("invitations.emptyText")}>
							{add}
						</Empty>
					}
				/>
			)}
		</Page>
	);
}
