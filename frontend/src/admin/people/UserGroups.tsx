import { useMemo } from "react";
import { send } from "~/api/client";
import { useChange } from "~/api/query";
import type { Group, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { complain } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { type Item, TwoSided } from "../frame/TwoSided";

const groupItem = (group: Group): Item => ({
	key: group.pk,
	label: group.name,
	note: group.is_superuser ? t("groups.admins") : undefined,
	to: at.group(group.pk),
});

export function UserGroups({ user }: { user: User }) {
	const change = useChange(({ pk, verb }: { pk: string; verb: "add_user" | "remove_user" }) =>
		send("POST", `/core/groups/${pk}/${verb}/`, { pk: user.pk }),
	);
	const chosen = useMemo(
		() =>
			(user.groups_obj ?? []).map((group) => ({
				key: group.pk,
				label: group.name,
				note: group.is_superuser ? t("groups.admins") : undefined,
				to: at.group(group.pk),
			})),
		[user.groups_obj],
	);
	return (
		<Section title={t("users.groupsTitle")} text={t("users.groupsText")}>
			<TwoSided<Group>
				source={{ path: "/core/groups/", query: { include_users: false, ordering: "name" }, toItem: groupItem }}
				chosen={chosen}
				titles={{ all: t("groups.all"), chosen: t("users.inGroups") }}
				busy={change.isPending}
				onAdd={(item) => change.mutate({ pk: item.key, verb: "add_user" }, { onError: complain })}
				onRemove={(item) => change.mutate({ pk: item.key, verb: "remove_user" }, { onError: complain })}
			/>
		</Section>
	);
}
