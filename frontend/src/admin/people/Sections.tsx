import { t } from "~/text/text";
import { at } from "../frame/addresses";
import { TabLinks } from "../frame/Page";

/** People are users and groups: two lists beside each other. */
export function Sections({ current }: { current: "users" | "groups" }) {
	return (
		<TabLinks
			label={t("nav.people")}
			current={current}
			tabs={[
				{ id: "users", label: t("users.title"), to: at.users },
				{ id: "groups", label: t("groups.title"), to: at.groups },
			]}
		/>
	);
}
