import { Button, Group } from "@mantine/core";
import { IconKey, IconPencil } from "@tabler/icons-react";
import type { UserSelf } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import classes from "./Portal.module.css";

/** Who I am here; changing it is asked for page by page, as signing in is. */
export function Profile({ user }: { user: UserSelf }) {
	return (
		<>
			<section className={`gh-panel ${classes.panel}`}>
				<h2 style={{ margin: "0 0 12px" }}>{t("portal.profile.details")}</h2>
				<dl className={classes.facts}>
					<dt>{t("portal.profile.name")}</dt>
					<dd>{user.name || "–"}</dd>
					<dt>{t("portal.profile.username")}</dt>
					<dd>{user.username}</dd>
					<dt>{t("portal.profile.email")}</dt>
					<dd>{user.email || "–"}</dd>
					<dt>{t("portal.profile.groups")}</dt>
					<dd>
						{user.groups.length === 0 ? (
							"–"
						) : (
							<Group gap={6}>
								{user.groups.map((group) => (
									<Chip key={group.pk}>{group.name}</Chip>
								))}
							</Group>
						)}
					</dd>
				</dl>
				<Button component="a" href="/if/flow/default-user-settings-flow/" variant="default" leftSection={<IconPencil size={16} />}>
					{t("portal.profile.change")}
				</Button>
			</section>
			<section className={`gh-panel ${classes.panel}`}>
				<h2 style={{ margin: "0 0 4px" }}>{t("portal.profile.password")}</h2>
				<p className={classes.text}>{t("portal.profile.passwordText")}</p>
				<Button component="a" href="/if/flow/default-password-change/" variant="default" leftSection={<IconKey size={16} />}>
					{t("portal.profile.changePassword")}
				</Button>
			</section>
		</>
	);
}
