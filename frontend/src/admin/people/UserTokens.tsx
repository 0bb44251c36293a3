import { Button } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import type { Token, User } from "~/api/schema.gen";
import { ListView } from "~/list/ListView";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { go } from "../frame/To";

/** The tokens and app passwords of a person. */
export function UserTokens({ user }: { user: User }) {
	const add = (
		<Button
			leftSection={<IconPlus size={16} />}
			variant="default"
			onClick={() => go(at.newOf("tokens", undefined, { user: String(user.pk) }))}
		>
			{t("tokens.add")}
		</Button>
	);
	return (
		<ListView<Token>
			path="/core/tokens/"
			fixed={{ user__username: user.username }}
			ordering="identifier"
			label={t("tokens.title")}
			keyOf={(token) => token.identifier}
			nameOf={(token) => token.identifier}
			linkOf={(token) => at.object("tokens", token.identifier)}
			iconOf={() => <IconKey size={20} aria-hidden="true" />}
			side={add}
			columns={[
				{ id: "identifier", title: t("tokens.identifier"), sort: "identifier", cell: (token) => token.identifier },
				{
					id: "intent",
					title: t("tokens.intent"),
					sort: "intent",
					from: "phone",
					cell: (token) => <Chip>{t(`options.intent.${token.intent ?? "api"}`)}</Chip>,
				},
				{ id: "description", title: t("tokens.description"), from: "tablet", cell: (token) => token.description || "–" },
				{
					id: "expires",
					title: t("tokens.expires"),
					sort: "expires",
					cell: (token) => (token.expiring ? <Ago time={token.expires} /> : <Chip tone="notice">{t("tokens.never")}</Chip>),
				},
			]}
			empty={
				<Empty icon={<IconKey size={32} />} title={t("tokens.none")} text={t("tokens.noneText")}>
					{add}
				</Empty>
			}
		/>
	);
}
