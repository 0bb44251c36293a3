// What differs when the page runs in the desktop window: files, links and quitting go through the program.
import { ApiError, send } from "~/api/client";

let version: string | undefined;

export async function detectDesktop(): Promise<void> {
	const answer = await fetch("/-/desktop/info", { headers: { Accept: "application/json" } }).catch(() => undefined);
	if (!answer?.ok) return;
	const info = (await answer.json().catch(() => undefined)) as { desktop?: boolean; version?: string } | undefined;
	if (info?.desktop) version = info.version ?? "";
}

export const inDesktop = (): boolean => version !== undefined;

export async function openOutside(url: string): Promise<void> {
	if (!inDesktop()) {
		window.open(url, "_blank", "noopener,noreferrer");
		return;
	}
	await send("POST", "/-/desktop/open", { url: new URL(url, location.href).href });
}

export async function quit(keepServing: boolean): Promise<void> {
	await send("POST", "/-/desktop/quit", { keep_serving: keepServing });
}

/** Whether the window starts at login; with a value it does from now on, or no longer. */
export async function startAtLogin(on?: boolean): Promise<boolean> {
	return (await send<{ on: boolean }>("POST", "/-/desktop/autostart", { on })).on;
}

export async function saveFile(name: string, content: Blob): Promise<void> {
	if (inDesktop()) {
		await send("POST", `/-/desktop/save?name=${encodeURIComponent(name)}`, await content.arrayBuffer());
		return;
	}
	const link = document.createElement("a");
	link.href = URL.createObjectURL(content);
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Links to other sites would replace the page in the window: the system's browser opens them instead. */
export function keepLinksOutside(): void {
	document.addEventListener("click", (event) => {
		const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
		if (!link || event.defaultPrevented || !inDesktop()) return;
		const away = link.origin !== location.origin || link.target === "_blank";
		if (!away || !/^https?:$/.test(link.protocol)) return;
		event.preventDefault();
		openOutside(link.href).catch((problem) => {
			if (!(problem instanceof ApiError)) throw problem;
		});
	});
}
