import type { ServerSettings } from "~/api/gatehouse";
import { useGet } from "~/api/query";

/** The address under which people reach the server, without a slash at its end; the window itself has another one. */
export function useServerUrl(): string {
	const { data } = useGet<ServerSettings>("/gatehouse/settings/");
	return (data?.https_url || location.origin).replace(/\/+$/, "");
}
