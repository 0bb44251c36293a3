import { Fragment, useMemo } from "react";
import { useGet } from "~/api/query";
import type { User, UserMetrics } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { number } from "~/lib/format";
import type { Row } from "~/schema/description";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { personName } from "~/ui/names";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import { useMe } from "../frame/session";
import { go } from "../frame/To";
import { Danger } from "../frame/UsedBy";
import classes from "./Users.module.css";

const first = ["username", "name", "email"] as const;
/** Groups have a tab of their own. */
const elsewhere = ["groups", "is_active"] as const;

/** What HR tools send of a person. */
const work = ["title", "department", "division", "organization", "costCenter", "employeeNumber", "manager"] as const;

export function UserOverview({ user }: { user: User }) {
	const { me } = useMe();
	const object = useMemo(() => user as unknown as Row, [user]);
	return (
		<>
			<div className={classes.columns}>
				<Section title={t("users.details")}>
					{user.type === "internal_service_account" ? (
						<p>{t("users.ownedByServer")}</p>
					) : (
						<ResourceForm key={user.pk} kind="user" object={object} first={first} fixed={elsewhere} />
					)}
				</Section>
				<Section title={t("users.facts")}>
					<Facts user={user} />
				</Section>
			</div>
			<Danger
				path={`/core/users/${user.pk}/`}
				name={personName(user)}
				text={t("users.deleteText")}
				blocked={me?.pk === user.pk ? t("users.deleteSelf") : undefined}
				after={() => go(at.users)}
				undo={{ model: "authentik_core.user", pk: user.pk }}
			/>
		</>
	);
}

function Facts({ user }: { user: User }) {
	const { data } = useGet<UserMetrics>(`/core/users/${user.pk}/metrics/`);
	const sum = (points: { y_cord: number }[] | undefined) => (points ? number(points.reduce((all, point) => all + point.y_cord, 0)) : "…");
	return (
		<dl className={classes.facts}>
			<dt>{t("users.lastLogin")}</dt>
			<dd>
				<Ago time={user.last_login} none={t("users.neverIn")} />
			</dd>
			<dt>{t("users.logins")}</dt>
			<dd>{sum(data?.logins)}</dd>
			<dt>{t("users.loginsFailed")}</dt>
			<dd>{sum(data?.logins_failed)}</dd>
			<dt>{t("users.opened")}</dt>
			<dd>{sum(data?.authorizations)}</dd>
			{work.map((name) => {
				const value = user.attributes?.[name];
				return (
					typeof value === "string" &&
					value && (
						<Fragment key={name}>
							<dt>{t(`work.${name}`)}</dt>
							<dd>{value}</dd>
						</Fragment>
					)
				);
			})}
			<dt>{t("users.uid")}</dt>
			<dd className="gh-mono">{user.uid}</dd>
		</dl>
	);
}
