import { Button, Group, PasswordInput, Stack } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { fetchFile } from "~/api/client";
import type { Status } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { saveFile } from "~/lib/desktop";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { Section } from "../frame/Page";
import { SettingsPage } from "./SettingsPage";

const SHORTEST = 10;

/** One encrypted file holds everything. */
export function BackupPage() {
	const status = useGet<Status>("/gatehouse/status/").data;
	const [passphrase, setPassphrase] = useState("");
	const [again, setAgain] = useState("");
	const [tried, setTried] = useState(false);
	const backUp = useChange(
		async () => {
			const file = await fetchFile("POST", "/gatehouse/backup/", { passphrase });
			await saveFile(file.name, file.content);
		},
		() => {
			told(t("settings.backup.done"));
			setPassphrase("");
			setAgain("");
			setTried(false);
		},
	);
	const tooShort = passphrase.length < SHORTEST ? t("settings.backup.tooShort", { count: SHORTEST }) : undefined;
	const different = passphrase !== again ? t("settings.backup.different") : undefined;
	function submit(event: FormEvent) {
		event.preventDefault();
		setTried(true);
		if (!tooShort && !different) backUp.mutate(undefined);
	}
	const toggle = { "aria-label": t("common.secret.toggle"), tabIndex: 0 };
	return (
		<SettingsPage tab="backup">
			<Section title={t("settings.backup.now")} text={t("settings.backup.nowText")}>
				<p>
					{t("settings.backup.last")} <Ago time={status?.last_backup} none={t("home.never")} />
				</p>
				<form onSubmit={submit} noValidate>
					<Stack maw={480} gap="md">
						<PasswordInput
							label={t("settings.backup.passphrase")}
							description={t("settings.backup.passphraseHelp")}
							required
							autoComplete="new-password"
							visibilityToggleButtonProps={toggle}
							value={passphrase}
							error={tried && tooShort}
							onChange={(event) => setPassphrase(event.currentTarget.value)}
						/>
						<PasswordInput
							label={t("settings.backup.again")}
							required
							autoComplete="new-password"
							visibilityToggleButtonProps={toggle}
							value={again}
							error={tried && different}
							onChange={(event) => setAgain(event.currentTarget.value)}
						/>
						{backUp.error && <p role="alert">{problemText(backUp.error)}</p>}
						<Group>
							<Button type="submit" loading={backUp.isPending}>
								{t("settings.backup.now")}
							</Button>
						</Group>
					</Stack>
				</form>
			</Section>
			<Section title={t("settings.backup.restore")} text={t("settings.backup.restoreText")} />
		</SettingsPage>
	);
}
