import { t } from "~/text/text";
import { at } from "../frame/addresses";
import { TabLinks } from "../frame/Page";

/** People are users, groups, and those who are invited: lists beside each other. */
export function Sections({ current }: { current: "users" | "groups" | "invitations" }) {
	return (
		<TabLinks
			label={t("nav.people")}
			current={current}
			tabs={[
				{ id: "users", label: t("users.title"), to: at.users },
				{ id: "groups", label: t("groups.title"), to: at.groups },
				{ id: "invitations", label: t("users.invitations"), to: at.invitations },
			]}
		/>
	);
}
