import { Alert, Button, Group, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { ApiError, send } from "~/api/client";
import { useChange } from "~/api/query";
import type { Link, User } from "~/api/schema.gen";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { Qr } from "~/ui/Qr";
import { at } from "../../frame/addresses";
import { Section } from "../../frame/Page";
import { To } from "../../frame/To";
import { useServerUrl } from "../../frame/useServerUrl";
import { RecoveryMail } from "./RecoveryMail";

/** A new password, or a link by which the person chooses one. */
export function Password({ user }: { user: User }) {
	return (
		<Section title={t("password.title")} text={t("password.text")}>
			<RecoveryLink user={user} />
			<RecoveryMail user={user} />
			<SetPassword user={user} />
		</Section>
	);
}

/** The link as it works on another device: the window itself reaches the server by an address that only this computer has. */
function elsewhere(link: string, base: string): string {
	const { pathname, search } = new URL(link, location.href);
	return base + pathname + search;
}

function RecoveryLink({ user }: { user: User }) {
	const base = useServerUrl();
	const make = useChange(() => send<Link>("POST", `/core/users/${user.pk}/recovery/`, {}));
	const link = make.data && elsewhere(make.data.link, base);
	return (
		<>
			<Button variant="default" loading={make.isPending} onClick={() => make.mutate(undefined)}>
				{t("password.makeLink")}
			</Button>
			{make.error && (
				<Alert mt="sm" variant="default" role="alert" icon={<ToneIcon tone="warning" size={18} />} title={problemText(make.error)}>
					{make.error instanceof ApiError && make.error.status === 400 && (
						<>
							{t("password.noFlow")} <To to={at.brands}>{t("settings.brands.title")}</To>
						</>
					)}
				</Alert>
			)}
			{link && (
				<>
					<CopyList>
						<CopyRow label={t("password.link")} value={link} help={t("password.linkHelp")} />
					</CopyList>
					<Qr text={link} label={t("password.link")} />
				</>
			)}
		</>
	);
}

function SetPassword({ user }: { user: User }) {
	const [password, setPassword] = useState("");
	const set = useChange(
		() => send("POST", `/core/users/${user.pk}/set_password/`, { password }),
		() => {
			told(t("password.done"));
			setPassword("");
		},
	);
	const problem = set.error instanceof ApiError ? (set.error.fields.password?.join(" ") ?? problemText(set.error)) : undefined;
	function submit(event: FormEvent) {
		event.preventDefault();
		if (password) set.mutate(undefined);
	}
	return (
		<form onSubmit={submit} style={{ marginTop: 16 }}>
			<Group align="flex-end" gap="xs" wrap="nowrap">
				<PasswordInput
					flex={1}
					label={t("password.new")}
					value={password}
					error={problem}
					autoComplete="new-password"
					visibilityToggleButtonProps={{ "aria-label": t("common.secret.toggle"), tabIndex: 0 }}
					onChange={(event) => {
						set.reset();
						setPassword(event.currentTarget.value);
					}}
				/>
				<Button type="submit" variant="default" loading={set.isPending} disabled={!password}>
					{t("password.set")}
				</Button>
			</Group>
		</form>
	);
}
