import { Group } from "@mantine/core";
import type { User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";

/** What is to be known of a person at a glance. */
export function UserChips({ user }: { user: User }) {
	return (
		<Group gap={4}>
			{user.is_active ? <Chip tone="good">{t("users.active")}</Chip> : <Chip tone="warning">{t("users.inactive")}</Chip>}
			{user.is_superuser && <Chip tone="notice">{t("users.admin")}</Chip>}
			{user.type && user.type !== "internal" && <Chip>{t(`options.type.${user.type}`)}</Chip>}
		</Group>
	);
}
