import { Button } from "@mantine/core";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { remove, useChange } from "~/api/query";
import type { Token, UserSelf } from "~/api/schema.gen";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { NewToken } from "./NewToken";
import { notify } from "./notice";
import classes from "./Portal.module.css";
import { Rows } from "./Rows";

type Made = { identifier: string; key: string };

/** My tokens and app passwords: a new one is shown once. */
export function Tokens({ user }: { user: UserSelf }) {
	const [adding, setAdding] = useState(false);
	const [made, setMade] = useState<Made>();
	const drop = useChange(
		(token: Token) => remove(`/core/tokens/${encodeURIComponent(token.identifier)}/`),
		(_done, token) => notify.good(t("portal.tokens.deleted", { name: token.identifier })),
	);
	const ask = (token: Token) =>
		confirm({
			title: t("portal.tokens.deleteTitle", { name: token.identifier }),
			body: <p>{t("portal.tokens.deleteText")}</p>,
			yes: t("portal.tokens.delete"),
			danger: true,
			act: () => drop.mutateAsync(token),
		});
	return (
		<>
			<p className={classes.text}>{t("portal.tokens.text")}</p>
			{made && (
				<section className={`gh-panel ${classes.panel}`} role="status">
					<h2 style={{ margin: "0 0 4px" }}>{t("portal.tokens.made", { name: made.identifier })}</h2>
					<p className={classes.text}>{t("portal.tokens.once")}</p>
					<CopyList>
						<CopyRow label={t("portal.tokens.username")} value={user.username} />
						<CopyRow label={t("portal.tokens.key")} value={made.key} />
					</CopyList>
					<Button mt={16} onClick={() => setMade(undefined)}>
						{t("portal.tokens.stored")}
					</Button>
				</section>
			)}
			{adding ? (
				<NewToken
					username={user.username}
					onCancel={() => setAdding(false)}
					onMade={(one) => {
						setAdding(false);
						setMade(one);
					}}
				/>
			) : (
				!made && (
					<Button mb={16} leftSection={<IconPlus size={18} />} onClick={() => setAdding(true)}>
						{t("portal.tokens.add")}
					</Button>
				)
			)}
			<Rows<Token>
				path="/core/tokens/"
				query={{ user__username: user.username, ordering: "identifier" }}
				keyOf={(token) => token.identifier}
				row={(token) => ({
					icon: <IconKey size={24} aria-hidden="true" />,
					name: (
						<>
							{token.identifier}
							<Chip>{t(`portal.tokens.intent.${token.intent ?? "api"}`)}</Chip>
						</>
					),
					text: [
						token.description,
						token.expiring && token.expires ? t("portal.tokens.until", { time: ago(token.expires) }) : t("portal.tokens.forever"),
					]
						.filter(Boolean)
						.join(" · "),
					action: (
						<Button variant="default" onClick={() => ask(token)} aria-label={t("portal.tokens.deleteOf", { name: token.identifier })}>
							{t("portal.tokens.delete")}
						</Button>
					),
				})}
				empty={<Empty icon={<IconKey size={36} />} title={t("portal.tokens.none")} text={t("portal.tokens.noneText")} />}
			/>
		</>
	);
}
