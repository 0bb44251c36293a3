import { useMemo } from "react";
import type { Application } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { go } from "../frame/To";
import { Danger } from "../frame/UsedBy";
import { Icon } from "./Icon";

const first = ["name", "meta_launch_url", "group", "meta_publisher", "meta_description", "open_in_new_tab"] as const;

export function Details({ application }: { application: Application }) {
	const object = useMemo(() => application as unknown as Row, [application]);
	return (
		<>
			<Section title={t("apps.details")}>
				<ResourceForm
					key={application.pk}
					kind="application"
					object={object}
					first={first}
					onSaved={(saved) => saved.slug !== application.slug && go(at.app(String(saved.slug), "details"))}
				/>
			</Section>
			<Icon application={application} />
			<Danger
				path={`/core/applications/${encodeURIComponent(application.slug)}/`}
				name={application.name}
				text={t("apps.deleteText")}
				after={() => go(at.apps)}
				undo={{ model: "authentik_core.application", pk: application.pk }}
			/>
		</>
	);
}
