import { useGet } from "~/api/query";
import { FormSkeleton, ResourceForm } from "~/forms/ResourceForm";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { Section } from "../frame/Page";
import { Beyond } from "./Beyond";
import { SamlMore } from "./SamlMore";
import { SignIns } from "./SignIns";

const shown = {
	oauth2provider: ["redirect_uris", "client_type", "client_id", "client_secret", "authorization_flow", "property_mappings"],
	samlprovider: ["acs_url", "audience", "issuer", "sp_binding", "signing_kp", "verification_kp", "authorization_flow", "property_mappings"],
} as const;

const paths = { oauth2provider: "/providers/oauth2/", samlprovider: "/providers/saml/" } as const;

/** How people sign in to the application; read from its own address, which alone has the secret. */
export function SignIn({ provider, kind }: { provider: number; kind: keyof typeof shown }) {
	const { data, error, refetch } = useGet<Row>(`${paths[kind]}${provider}/`);
	return (
		<>
			{kind === "oauth2provider" && <SignIns provider={provider} />}
			<Section title={t("apps.signIn")} text={t("apps.signInText")}>
				{data ? (
					<ResourceForm key={provider} kind={kind} object={data} first={shown[kind]} />
				) : error ? (
					<Problem error={error} again={refetch} />
				) : (
					<FormSkeleton />
				)}
			</Section>
			{kind === "oauth2provider" ? <Beyond provider={provider} /> : <SamlMore provider={provider} />}
		</>
	);
}
