import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiError, get, send } from "~/api/client";
import { useChange } from "~/api/query";
import type { Token, TokenView } from "~/api/schema.gen";
import { t } from "~/text/text";
import { problemText } from "~/ui/problem";
import classes from "./Portal.module.css";

type Props = { username: string; onMade: (made: { identifier: string; key: string }) => void; onCancel: () => void };

const slug = (text: string) =>
	text
		.normalize("NFD")
		.replace(/\p{M}/gu, "")
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");

export function NewToken({ username, onMade, onCancel }: Props) {
	const [name, setName] = useState("");
	const [intent, setIntent] = useState<"app_password" | "api">("app_password");
	const [description, setDescription] = useState("");
	const make = useChange(
		async () => {
			const identifier = `${slug(username)}-${slug(name)}`;
			const token = await send<Token>("POST", "/core/tokens/", { identifier, intent, description: description || name });
			const { key } = await get<TokenView>(`/core/tokens/${encodeURIComponent(token.identifier)}/view_key/`);
			return { identifier: token.identifier, key };
		},
		(made) => onMade(made),
	);
	const wrong = make.error instanceof ApiError ? make.error.fields.identifier?.join(" ") : undefined;
	function submit(event: FormEvent) {
		event.preventDefault();
		if (slug(name)) make.mutate(undefined);
	}
	return (
		<form onSubmit={submit} className={`gh-panel ${classes.panel}`}>
			<Stack gap={16} maw={480}>
				<TextInput
					label={t("portal.tokens.name")}
					description={t("portal.tokens.nameHelp")}
					required
					data-autofocus
					value={name}
					error={wrong}
					onChange={(event) => setName(event.currentTarget.value)}
				/>
				<NativeSelect
					label={t("portal.tokens.use")}
					description={t("portal.tokens.useHelp")}
					value={intent}
					onChange={(event) => setIntent(event.currentTarget.value as typeof intent)}
					data={(["app_password", "api"] as const).map((value) => ({ value, label: t(`portal.tokens.intent.${value}`) }))}
				/>
				<TextInput
					label={t("portal.tokens.description")}
					value={description}
					onChange={(event) => setDescription(event.currentTarget.value)}
				/>
				{make.error && !wrong && <p role="alert">{problemText(make.error)}</p>}
				<Group gap={8}>
					<Button type="submit" loading={make.isPending}>
						{t("portal.tokens.create")}
					</Button>
					<Button variant="default" onClick={onCancel}>
						{t("common.no")}
					</Button>
				</Group>
			</Stack>
		</form>
	);
}
