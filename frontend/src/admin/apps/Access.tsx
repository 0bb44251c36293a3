import { Radio, Stack } from "@mantine/core";
import { useMemo, useState } from "react";
import { send } from "~/api/client";
import type { Access as AccessValue } from "~/api/gatehouse";
import { useChange } from "~/api/query";
import type { Group as GroupRow, User } from "~/api/schema.gen";
import { LeaveGuard } from "~/forms/LeaveGuard";
import { SaveBar } from "~/forms/SaveBar";
import { same } from "~/forms/wire";
import { t } from "~/text/text";
import { personName } from "~/ui/names";
import { complain, told } from "~/ui/notices";
import { Section } from "../frame/Page";
import { type Item, TwoSided } from "../frame/TwoSided";
import { AccessTest } from "./AccessTest";

type Draft = { everyone: boolean; groups: Item[]; users: Item[] };

const groupItem = (group: { pk: string; name: string }): Item => ({ key: group.pk, label: group.name });
const userItem = (user: Pick<User, "pk" | "name" | "username"> & { avatar?: string }): Item => ({
	key: String(user.pk),
	label: personName(user),
	note: user.name ? user.username : undefined,
	picture: user.avatar,
});
const keys = (draft: Draft) => [draft.everyone, draft.groups.map((item) => item.key).sort(), draft.users.map((item) => item.key).sort()];

const draftOf = (access: AccessValue): Draft => ({
	everyone: access.everyone,
	groups: access.groups.map(groupItem),
	users: access.users.map(userItem),
});

/** Who can use this application? */
export function Access({ slug, access }: { slug: string; access: AccessValue }) {
	const saved = useMemo(() => draftOf(access), [access]);
	const [edited, setEdited] = useState<Draft>();
	const draft = edited ?? saved;
	const dirty = !same(keys(draft), keys(saved));
	const save = useChange(
		() =>
			send("PUT", `/gatehouse/applications/${encodeURIComponent(slug)}/access/`, {
				everyone: draft.everyone,
				users: draft.everyone ? [] : draft.users.map((item) => Number(item.key)),
				groups: draft.everyone ? [] : draft.groups.map((item) => item.key),
			}),
		() => told(t("access.saved")),
	);
	const add = (side: "groups" | "users") => (item: Item) => setEdited({ ...draft, [side]: [...draft[side], item] });
	const drop = (side: "groups" | "users") => (item: Item) =>
		setEdited({ ...draft, [side]: draft[side].filter((one) => one.key !== item.key) });
	const nobody = !draft.everyone && draft.groups.length + draft.users.length === 0;
	return (
		<>
			<Section title={t("access.title")} text={access.sentence}>
				<Radio.Group
					aria-label={t("access.title")}
					value={draft.everyone ? "everyone" : "chosen"}
					onChange={(value) => setEdited({ ...draft, everyone: value === "everyone" })}
				>
					<Stack gap="xs">
						<Radio value="chosen" label={t("newApp.chosen")} description={t("access.chosenText")} />
						<Radio value="everyone" label={t("newApp.everyone")} description={t("access.everyoneText")} />
					</Stack>
				</Radio.Group>
				{!draft.everyone && (
					<Stack gap="lg" mt="lg">
						<TwoSided<GroupRow>
							source={{ path: "/core/groups/", query: { include_users: false, ordering: "name" }, toItem: groupItem }}
							chosen={draft.groups}
							titles={{ all: t("groups.all"), chosen: t("access.groups") }}
							onAdd={add("groups")}
							onRemove={drop("groups")}
						/>
						<TwoSided<User>
							source={{ path: "/core/users/", query: { include_groups: false, ordering: "name" }, toItem: userItem }}
							chosen={draft.users}
							titles={{ all: t("groups.everybody"), chosen: t("access.people") }}
							onAdd={add("users")}
							onRemove={drop("users")}
						/>
					</Stack>
				)}
				<SaveBar
					dirty={dirty}
					existing
					saving={save.isPending}
					note={nobody ? t("access.nobody") : undefined}
					onSave={() => save.mutate(undefined, { onSuccess: () => setEdited(undefined), onError: complain })}
					onDiscard={() => setEdited(undefined)}
				/>
				<LeaveGuard when={dirty && !save.isPending} />
			</Section>
			<AccessTest slug={slug} />
		</>
	);
}
