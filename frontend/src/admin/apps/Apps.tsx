import { Button } from "@mantine/core";
import { IconApps, IconPlus } from "@tabler/icons-react";
import type { Application } from "~/api/schema.gen";
import { ListView } from "~/list/ListView";
import { kindTitle } from "~/schema/fields";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { at } from "../frame/addresses";
import { Page } from "../frame/Page";
import { go } from "../frame/To";
import { useBulkDelete } from "../frame/useBulkDelete";
import { useBulkEdit } from "../frame/useBulkEdit";

export function Apps() {
	const names = { modelOf: () => "authentik_core.application", pkOf: (app: Application) => app.pk, nameOf: (app: Application) => app.name };
	const bulkEdit = useBulkEdit<Application>(names);
	const bulkDelete = useBulkDelete<Application>(names);
	const add = (
		<Button leftSection={<IconPlus size={16} />} onClick={() => go(at.newApp)}>
			{t("apps.add")}
		</Button>
	);
	return (
		<Page title={t("apps.title")} text={t("apps.text")} actions={add}>
			<ListView<Application>
				path="/core/applications/"
				fixed={{ superuser_full_list: true }}
				ordering="name"
				label={t("apps.title")}
				searchLabel={t("apps.search")}
				bulk={[bulkEdit, bulkDelete]}
				keyOf={(app) => app.slug}
				nameOf={(app) => app.name}
				linkOf={(app) => at.app(app.slug)}
				iconOf={(app) => <Face name={app.name} src={app.meta_icon} square />}
				columns={[
					{ id: "name", title: t("apps.column.name"), sort: "name", cell: (app) => app.name },
					{ id: "group", title: t("apps.column.group"), sort: "group", from: "tablet", cell: (app) => app.group || "–" },
					{
						id: "provider",
						title: t("apps.column.signIn"),
						from: "phone",
						cell: (app) =>
							app.provider_obj ? <Chip>{kindTitle(app.provider_obj)}</Chip> : <Chip tone="notice">{t("apps.linkOnly")}</Chip>,
					},
					{
						id: "launch",
						title: t("apps.column.address"),
						from: "desk",
						cell: (app) => <span className="gh-mono">{app.launch_url || "–"}</span>,
					},
				]}
				empty={
					<Empty icon={<IconApps size={32} />} title={t("apps.emptyTitle")} text={t("apps.emptyText")}>
						{add}
					</Empty>
				}
			/>
		</Page>
	);
}
