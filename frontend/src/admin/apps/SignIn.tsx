import { useMemo } from "react";
import type { OAuth2Provider } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Section } from "../frame/Page";

const first = ["redirect_uris", "client_type", "client_id", "client_secret", "authorization_flow", "property_mappings"] as const;

/** How people sign in to the application. */
export function SignIn({ provider }: { provider: OAuth2Provider }) {
	const object = useMemo(() => provider as unknown as Row, [provider]);
	return (
		<Section title={t("apps.signIn")} text={t("apps.signInText")}>
			<ResourceForm key={provider.pk} kind="oauth2provider" object={object} first={first} />
		</Section>
	);
}
