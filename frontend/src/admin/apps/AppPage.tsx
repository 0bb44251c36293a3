import { Button, Skeleton } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import type { ApplicationSetup } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { useAddress } from "~/list/useList";
import { kindTitle } from "~/schema/fields";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { EventList } from "../activity/EventList";
import { ScimOut } from "../advanced/scim/ScimOut";
import { at } from "../frame/addresses";
import { Page, TabLinks } from "../frame/Page";
import { Access } from "./Access";
import { Details } from "./Details";
import { Preview } from "./Preview";
import { Setup } from "./Setup";
import { SignIn } from "./SignIn";

const tabs = ["setup", "access", "details", "signIn", "preview", "sync", "activity"] as const;

/** One application in a person's eyes: its values for the other side, who may use it, how people sign in. */
export function AppPage() {
	const { slug } = useParams({ strict: false }) as { slug: string };
	const [search] = useAddress();
	const { data, error, refetch } = useGet<ApplicationSetup>(`/gatehouse/applications/${encodeURIComponent(slug)}/`);
	const crumbs = [{ label: t("apps.title"), to: at.apps }];
	if (!data) {
		return (
			<Page title={error ? t("apps.title") : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={refetch} /> : <Skeleton height={320} />}
			</Page>
		);
	}
	const { application, provider, access } = data;
	const scim = application.backchannel_providers_obj.find((one) => one.meta_model_name.endsWith(".scimprovider"));
	const shown = tabs.filter((id) => (id === "sync" ? scim : provider || (id !== "signIn" && id !== "preview")));
	const tab = shown.find((name) => name === search.tab) ?? "setup";
	return (
		<Page
			title={application.name}
			crumbs={crumbs}
			icon={<Face name={application.name} src={application.meta_icon} size={48} square />}
			chips={
				<>
					<Chip>{provider ? kindTitle(provider) : t("apps.linkOnly")}</Chip>
					<Chip tone={access.everyone ? "notice" : "good"}>{access.sentence}</Chip>
				</>
			}
			actions={
				application.launch_url && (
					<Button
						component="a"
						href={application.launch_url}
						target="_blank"
						rel="noopener noreferrer"
						variant="default"
						rightSection={<IconExternalLink size={16} />}
					>
						{t("apps.open")}
					</Button>
				)
			}
			tabs={
				<TabLinks
					label={application.name}
					current={tab}
					tabs={shown.map((id) => ({ id, label: t(`apps.tab.${id}`), to: at.app(application.slug, id === "setup" ? undefined : id) }))}
				/>
			}
		>
			{tab === "setup" && <Setup setup={data} />}
			{tab === "access" && <Access key={slug} slug={application.slug} access={access} />}
			{tab === "details" && <Details application={application} />}
			{tab === "signIn" && provider && <SignIn provider={provider.pk} />}
			{tab === "preview" && provider && <Preview provider={provider} />}
			{tab === "sync" && scim && <ScimOut pk={scim.pk} canChange />}
			{tab === "activity" && <EventList fixed={{ context_authorized_app: application.pk.replaceAll("-", "") }} />}
		</Page>
	);
}
