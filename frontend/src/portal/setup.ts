import { useGet } from "~/api/query";
import type { UserSetting } from "~/api/schema.gen";

/** What I can set up for myself: the password and the authenticators. */
export const useSetups = () => useGet<UserSetting[]>("/stages/all/user_settings/");

const COMPONENT = "ak-user-settings-authenticator-";

/** The setups by the class of authenticator that they make: webauthn, totp and so on. */
export function setupsOf(all: readonly UserSetting[] | undefined, kind: string): UserSetting[] {
	return (all ?? []).filter(({ component, configure_url }) => component === COMPONENT + kind && configure_url);
}

export function passwordSetup(all: readonly UserSetting[] | undefined): string | undefined {
	return all?.find(({ component, configure_url }) => component === "ak-user-settings-password" && configure_url)?.configure_url;
}

/** Leads through pages of the sign-in kind and back to a place of these pages. */
export const thereAndBack = (url: string, place: string): string => `${url}?next=${encodeURIComponent(`/if/user/#/${place}`)}`;
