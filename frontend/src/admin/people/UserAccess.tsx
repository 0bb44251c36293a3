import { IconApps } from "@tabler/icons-react";
import type { AccessOfUser } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import type { User } from "~/api/schema.gen";
import { Table } from "~/list/Table";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";

/** What one person can open, and why. */
export function UserAccess({ user }: { user: User }) {
	const { data, error, refetch } = useGet<AccessOfUser>("/gatehouse/access/", { query: { user: user.pk } });
	return (
		<Section title={t("access.ofUser")} text={t("access.ofUserText")}>
			{error && !data ? (
				<Problem error={error} again={refetch} />
			) : data?.results.length === 0 ? (
				<Empty icon={<IconApps size={32} />} title={t("access.noApps")} text={t("access.noAppsText")} />
			) : (
				<Table
					label={t("access.ofUser")}
					rows={data?.results}
					keyOf={(row) => row.slug}
					nameOf={(row) => row.name}
					linkOf={(row) => at.app(row.slug, "access")}
					iconOf={(row) => <Face name={row.name} square />}
					columns={[
						{ id: "name", title: t("apps.column.name"), cell: (row) => row.name },
						{
							id: "passing",
							title: t("access.column.can"),
							cell: (row) => (row.passing ? <Chip tone="good">{t("access.can")}</Chip> : <Chip tone="danger">{t("access.cannot")}</Chip>),
						},
						{ id: "reason", title: t("access.column.why"), cell: (row) => row.reason, from: "phone" },
					]}
				/>
			)}
		</Section>
	);
}
