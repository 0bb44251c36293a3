import type { ReactNode } from "react";
import { inDesktop } from "~/lib/desktop";
import { t } from "~/text/text";
import { at } from "../frame/addresses";
import { Page, TabLinks } from "../frame/Page";

export type SettingsTab = "server" | "system" | "mail" | "certificates" | "passkeys" | "registration" | "brands" | "backup" | "window";

const addresses: Record<SettingsTab, string> = {
	server: at.settings,
	system: at.system,
	mail: at.mail,
	certificates: at.certificates,
	passkeys: at.passkeys,
	registration: at.registration,
	brands: at.brands,
	backup: at.backup,
	window: at.thisWindow,
};

type Props = { tab: SettingsTab; actions?: ReactNode; children: ReactNode };

/** A page of the settings; the last one is only there in the window. */
export function SettingsPage({ tab, actions, children }: Props) {
	const tabs = (Object.keys(addresses) as SettingsTab[]).filter((id) => id !== "window" || inDesktop());
	return (
		<Page
			title={t(`settings.${tab}.title`)}
			text={t(`settings.${tab}.text`)}
			crumbs={[{ label: t("nav.settings"), to: at.settings }]}
			actions={actions}
			tabs={
				<TabLinks
					label={t("nav.settings")}
					current={tab}
					tabs={tabs.map((id) => ({ id, label: t(`settings.${id}.tab`), to: addresses[id] }))}
				/>
			}
		>
			{children}
		</Page>
	);
}
