// What both programs need before they show anything: who is here, the brand, the window, the language.
import { ApiError, get, preferDesktopCookie, whenSignedOut } from "~/api/client";
import { keyOf, queryClient } from "~/api/query";
import type { CurrentBrand, SessionUser } from "~/api/schema.gen";
import { loadLanguage, mendBrowserLanguage, wanted } from "~/text/locale";
import { detectDesktop, inDesktop, keepLinksOutside } from "./desktop";

export const ME = "/core/users/me/";
export const BRAND = "/core/brands/current/";
const RELOADED = "gatehouse-reloaded";

export type Start = { me?: SessionUser; problem?: "signedOut" | "closed" | "unreachable" };

function toSignIn() {
	const back = encodeURIComponent(location.pathname + location.search + location.hash);
	location.assign(`/flows/-/default/authentication/?next=${back}`);
}

/** In the window nobody signs in: its session comes with it, so reading the page anew once is all that can help. */
function reloadOnce(): boolean {
	if (sessionStorage.getItem(RELOADED)) return false;
	sessionStorage.setItem(RELOADED, "1");
	location.reload();
	return true;
}

export async function boot(tables: string[], onClosed: () => void): Promise<Start> {
	mendBrowserLanguage();
	await detectDesktop();
	if (inDesktop()) preferDesktopCookie();
	keepLinksOutside();
	let leaving = false;
	whenSignedOut(() => {
		if (leaving) return;
		leaving = true;
		if (!inDesktop()) toSignIn();
		else if (!reloadOnce()) onClosed();
	});
	const [me, brand] = await Promise.allSettled([get<SessionUser>(ME), get<CurrentBrand>(BRAND)]);
	if (brand.status === "fulfilled") queryClient.setQueryData(keyOf(BRAND), brand.value);
	const locale = me.status === "fulfilled" ? me.value.user.settings?.locale : undefined;
	const brands = brand.status === "fulfilled" ? brand.value.default_locale : undefined;
	await loadLanguage(wanted(typeof locale === "string" ? locale : undefined, brands, navigator.languages), tables);
	if (me.status === "rejected") {
		if (!(me.reason instanceof ApiError) || me.reason.status !== 403) return { problem: "unreachable" };
		return { problem: inDesktop() ? "closed" : "signedOut" };
	}
	sessionStorage.removeItem(RELOADED);
	queryClient.setQueryData(keyOf(ME), me.value);
	return { me: me.value };
}

export function signOut(): void {
	location.assign("/flows/-/default/invalidation/");
}
