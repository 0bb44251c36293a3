import { Button, Group } from "@mantine/core";
import { inDesktop, quit } from "~/lib/desktop";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { complain } from "~/ui/notices";
import { Section } from "../frame/Page";
import { askSignOut } from "../frame/Shell";
import { SettingsPage } from "./SettingsPage";

/** Leaving the desktop window, with or without the server. */
export function WindowPage() {
	const askStop = () =>
		confirm({
			title: t("settings.window.stopTitle"),
			body: <p>{t("settings.window.stopText")}</p>,
			yes: t("settings.window.stop"),
			danger: true,
			act: () => quit(false),
		});
	return (
		<SettingsPage tab="window">
			{inDesktop() ? (
				<>
					<Section title={t("settings.window.quit")} text={t("settings.window.quitText")}>
						<Group gap="xs">
							<Button onClick={() => quit(true).catch(complain)}>{t("settings.window.keep")}</Button>
							<Button variant="default" onClick={askStop}>
								{t("settings.window.stop")}
							</Button>
						</Group>
					</Section>
					<Section title={t("frame.signOut")} text={t("frame.signOutWindow")}>
						<Button variant="default" onClick={askSignOut}>
							{t("frame.signOut")}
						</Button>
					</Section>
				</>
			) : (
				<Empty title={t("settings.window.onlyThere")} text={t("settings.window.onlyThereText")} />
			)}
		</SettingsPage>
	);
}
