import { Button, Group, NativeSelect, Stack, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiError, get, send } from "~/api/client";
import type { TokenLife } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import type { Token, TokenView } from "~/api/schema.gen";
import { dateTime } from "~/lib/format";
import { t } from "~/text/text";
import { problemText } from "~/ui/problem";
import { type End, endOf, endsIn, latestIn, toMinute } from "./lifetime";
import classes from "./Portal.module.css";

type Props = { username: string; onMade: (made: { identifier: string; key: string }) => void; onCancel: () => void };

const slug = (text: string) =>
	text
		.normalize("NFD")
		.replace(/\p{M}/gu, "")
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.replace(/^-|-$/g, "");

function labelOf(end: End, life: TokenLife | undefined): string {
	if (life && end === "usual") return t("account.tokens.usualUntil", { time: dateTime(life.usual) });
	if (life && end === "longest") return t("account.tokens.longestUntil", { time: dateTime(life.longest) });
	return t(`account.tokens.end.${end}`);
}

export function NewToken({ username, onMade, onCancel }: Props) {
	const [name, setName] = useState("");
	const [intent, setIntent] = useState<"app_password" | "api">("app_password");
	const [description, setDescription] = useState("");
	const [end, setEnd] = useState<End>("usual");
	const [day, setDay] = useState("");
	const life = useGet<TokenLife>("/gatehouse/tokens/life/").data;
	const endless = life?.ends === false;
	const make = useChange(
		async () => {
			const expires = intent === "app_password" && !endless ? endOf(end, day, new Date(), life) : undefined;
			const identifier = `${slug(username)}-${slug(name)}`;
			const token = await send<Token>("POST", "/core/tokens/", { identifier, intent, description: description || name, expires });
			const { key } = await get<TokenView>(`/core/tokens/${encodeURIComponent(token.identifier)}/view_key/`);
			return { identifier: token.identifier, key };
		},
		(made) => onMade(made),
	);
	const fields = make.error instanceof ApiError ? make.error.fields : {};
	const wrong = fields.identifier?.join(" ");
	const refused = fields.expires?.join(" ");
	const latest = refused === undefined ? undefined : latestIn(refused);
	const tooLong = latest ? t("account.tokens.tooLong", { time: dateTime(latest) }) : refused;
	const endError = end === "usual" ? undefined : tooLong;
	function choose(next: End) {
		make.reset();
		setEnd(next);
	}
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
				{intent === "app_password" && endless && (
					<p className={classes.text} style={{ margin: 0 }}>
						{t("account.tokens.endless")}
					</p>
				)}
				{intent === "app_password" && !endless && (
					<>
						<NativeSelect
							label={t("account.tokens.ends")}
							description={`${t("account.tokens.endsHelp")} ${life ? t("account.tokens.atMost", { time: dateTime(life.longest) }) : ""}`}
							value={end}
							error={end === "date" ? undefined : endError}
							onChange={(event) => choose(event.currentTarget.value as End)}
							data={endsIn(life).map((value) => ({ value, label: labelOf(value, life) }))}
						/>
						{life?.problem && <p className={classes.text}>{life.problem}</p>}
						{end === "date" && (
							<TextInput
								type="datetime-local"
								min={toMinute(new Date())}
								max={life && toMinute(new Date(life.longest))}
								label={t("account.tokens.day")}
								required
								maw={280}
								value={day}
								error={endError}
								onChange={(event) => {
									make.reset();
									setDay(event.currentTarget.value);
								}}
							/>
						)}
						{latest && endError && (
							<Button
								variant="default"
								w="max-content"
								onClick={() => {
									choose("date");
									setDay(toMinute(latest));
								}}
							>
								{t("account.tokens.longest")}
							</Button>
						)}
					</>
				)}
				{intent === "api" && (
					<p className={classes.text} style={{ margin: 0 }}>
						{t("account.tokens.endsApi")}
					</p>
				)}
				<TextInput
					label={t("portal.tokens.description")}
					value={description}
					onChange={(event) => setDescription(event.currentTarget.value)}
				/>
				{make.error && !wrong && !endError && <p role="alert">{problemText(make.error)}</p>}
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
