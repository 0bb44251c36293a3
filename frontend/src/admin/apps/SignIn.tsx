import { useGet } from "~/api/query";
import { FormSkeleton, ResourceForm } from "~/forms/ResourceForm";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Problem } from "~/ui/Empty";
import { Section } from "../frame/Page";
import { Beyond } from "./Beyond";
import { SignIns } from "./SignIns";

const first = ["redirect_uris", "client_type", "client_id", "client_secret", "authorization_flow", "property_mappings"] as const;

/** How people sign in to the application; read from its own address, which alone has the secret. */
export function SignIn({ provider }: { provider: number }) {
	const { data, error, refetch } = useGet<Row>(`/providers/oauth2/${provider}/`);
	return (
		<>
			<SignIns provider={provider} />
			<Section title={t("apps.signIn")} text={t("apps.signInText")}>
				{data ? (
					<ResourceForm key={provider} kind="oauth2provider" object={data} first={first} />
				) : error ? (
					<Problem error={error} again={refetch} />
				) : (
					<FormSkeleton />
				)}
			</Section>
			<Beyond provider={provider} />
		</>
	);
}
