import { Button, Group, Switch } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { inDesktop, quit, startAtLogin } from "~/lib/desktop";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { complain } from "~/ui/notices";
import { Section } from "../frame/Page";
import { askSignOut } from "../frame/Shell";
import { SettingsPage } from "./SettingsPage";

const loginKey = ["window", "login"];

/** Whether the window starts at login; not there when the window is too old to say. */
function StartAtLogin() {
	const client = useQueryClient();
	const now = useQuery({ queryKey: loginKey, queryFn: () => startAtLogin(), retry: false });
	const change = useMutation({ mutationFn: startAtLogin, onSuccess: (on) => client.setQueryData(loginKey, on), onError: complain });
	if (now.data === undefined) return null;
	return (
		<Section title={t("settings.window.login")} text={t("settings.window.loginText")}>
			<Switch
				label={t("settings.window.loginSwitch")}
				checked={change.isPending ? change.variables : now.data}
				onChange={(event) => change.mutate(event.currentTarget.checked)}
				withThumbIndicator={false}
			/>
		</Section>
	);
}

/** The window at login, and leaving it with or without the server. */
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
					<StartAtLogin />
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
