import { inDesktop } from "~/lib/desktop";
import { t } from "~/text/text";
import { families } from "../advanced/families";
import { at } from "./addresses";

type Place = { to: string; label: string };

/** The pages that the palette knows. */
export function pages(): Place[] {
	return [
		{ to: at.home, label: t("nav.home") },
		{ to: at.users, label: t("users.title") },
		{ to: at.groups, label: t("groups.title") },
		{ to: at.invitations, label: t("users.invitations") },
		{ to: at.apps, label: t("apps.title") },
		{ to: at.activity, label: t("activity.title") },
		{ to: at.settings, label: t("settings.server.title") },
		{ to: at.system, label: t("settings.system.title") },
		{ to: at.mail, label: t("settings.mail.title") },
		{ to: at.certificates, label: t("settings.certificates.title") },
		{ to: at.passkeys, label: t("settings.passkeys.title") },
		{ to: at.registration, label: t("settings.registration.title") },
		{ to: at.brands, label: t("settings.brands.title") },
		{ to: at.backup, label: t("settings.backup.title") },
		...(inDesktop() ? [{ to: at.thisWindow, label: t("settings.window.title") }] : []),
		...families.map(({ id }) => ({ to: at.family(id), label: t("palette.advanced", { page: t(`families.${id}.title`) }) })),
	];
}

/** What can be started from the palette. */
export function actions(): Place[] {
	return [
		{ to: at.newUser, label: t("users.add") },
		{ to: at.newInvitation, label: t("users.invite") },
		{ to: at.newGroup, label: t("groups.add") },
		{ to: at.newApp, label: t("apps.add") },
		{ to: at.newService, label: t("users.addService") },
		{ to: at.newCertificate, label: t("settings.certificates.generate") },
		{ to: at.backup, label: t("settings.backup.now") },
	];
}
