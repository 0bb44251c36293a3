import { get, send } from "~/api/client";
import type { ProviderBeyond, RefusedSignIn } from "~/api/gatehouse";
import type { OAuth2Provider } from "~/api/schema.gen";

/** Adds to a provider what would have let a refused sign-in through. */
export async function mend(provider: number, { fix, value }: Pick<RefusedSignIn, "fix" | "value">): Promise<void> {
	const path = `/providers/oauth2/${provider}/`;
	const beyond = `/gatehouse${path}beyond/`;
	switch (fix) {
		case "add_redirect_uri": {
			const { redirect_uris } = await get<OAuth2Provider>(path);
			return send("PATCH", path, { redirect_uris: [redirect_uris, value].filter(Boolean).join("\n") });
		}
		case "add_scope": {
			const { property_mappings } = await get<OAuth2Provider>(path);
			return send("PATCH", path, { property_mappings: [...(property_mappings ?? []), value] });
		}
		case "add_resource": {
			const now = await get<ProviderBeyond>(beyond);
			return send("PATCH", beyond, { resources: [now.resources, value].filter(Boolean).join("\n") });
		}
	}
}
