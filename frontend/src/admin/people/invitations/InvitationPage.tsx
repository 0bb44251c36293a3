import { Skeleton } from "@mantine/core";
import { IconTicket } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { useGet } from "~/api/query";
import type { Invitation } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { at } from "../../frame/addresses";
import { Page, Section } from "../../frame/Page";
import { go } from "../../frame/To";
import { Danger } from "../../frame/UsedBy";
import { useServerUrl } from "../../frame/useServerUrl";
import { linkOf, useInvitationFlows } from "./flows";
import { MODEL } from "./Invitations";
import { Mailing } from "./Mailing";
import { Share } from "./Share";
import { isOver, whoOf } from "./who";

const first = ["name", "flow", "expires", "single_use", "fixed_data"] as const;

export function InvitationPage() {
	const { pk } = useParams({ strict: false }) as { pk: string };
	const path = `/stages/invitation/invitations/${encodeURIComponent(pk)}/`;
	const { data: invitation, error, refetch } = useGet<Invitation>(path);
	const { flows } = useInvitationFlows();
	const base = useServerUrl();
	const object = useMemo(() => invitation as unknown as Row, [invitation]);
	const crumbs = [{ label: t("users.invitations"), to: at.invitations }];
	if (!invitation) {
		return (
			<Page title={error ? t("users.invitations") : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={320} />}
			</Page>
		);
	}
	const link = linkOf(base, invitation, flows);
	const flow = invitation.flow ?? flows?.[0]?.pk;
	return (
		<Page
			title={whoOf(invitation)}
			crumbs={crumbs}
			icon={<IconTicket size={40} stroke={1.5} aria-hidden="true" />}
			chips={
				<>
					<Chip>{t(invitation.single_use ? "invitations.once" : "invitations.often")}</Chip>
					{isOver(invitation) && <Chip tone="warning">{t("invitations.over")}</Chip>}
				</>
			}
		>
			<Section title={t("invitations.share.title")} text={t("invitations.share.text")}>
				{link ? <Share invitation={invitation} link={link} /> : <p>{t("invitations.share.noFlow")}</p>}
			</Section>
			{flow && <Mailing invitation={invitation} flow={flow} />}
			<Section title={t("invitations.settings")}>
				<ResourceForm key={invitation.pk} kind="invitation" object={object} first={first} />
			</Section>
			<Danger
				path={path}
				name={whoOf(invitation)}
				text={t("invitations.deleteText")}
				after={() => go(at.invitations)}
				undo={{ model: MODEL, pk: invitation.pk }}
			/>
		</Page>
	);
}
