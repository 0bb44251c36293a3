import { Button, Group } from "@mantine/core";
import { IconKey, IconPencil, IconTrash } from "@tabler/icons-react";
import type { UserSelf } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Chip } from "~/ui/Chip";
import classes from "./Portal.module.css";
import { passwordSetup, thereAndBack, useSetups } from "./setup";

/** Who I am here; changing it is asked for page by page, as signing in is. What the server has no pages for is not offered. */
export function Profile({ user, flow, leaving }: { user: UserSelf; flow: string | undefined; leaving: string | undefined }) {
	const password = passwordSetup(useSetups().data);
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
				{flow && (
					<Button
						component="a"
						href={thereAndBack(`/if/flow/${encodeURIComponent(flow)}/`, "profile")}
						variant="default"
						leftSection={<IconPencil size={16} />}
					>
						{t("portal.profile.change")}
					</Button>
				)}
			</section>
			{password && (
				<section className={`gh-panel ${classes.panel}`}>
					<h2 style={{ margin: "0 0 4px" }}>{t("portal.profile.password")}</h2>
					<p className={classes.text}>{t("portal.profile.passwordText")}</p>
					<Button component="a" href={thereAndBack(password, "profile")} variant="default" leftSection={<IconKey size={16} />}>
						{t("portal.profile.changePassword")}
					</Button>
				</section>
			)}
			{leaving && (
				<section className={`gh-panel ${classes.panel}`}>
					<h2 style={{ margin: "0 0 4px" }}>{t("portal.profile.leaving")}</h2>
					<p className={classes.text}>{t("portal.profile.leavingText")}</p>
					<Button component="a" href={`/if/flow/${encodeURIComponent(leaving)}/`} variant="default" leftSection={<IconTrash size={16} />}>
						{t("portal.profile.leave")}
					</Button>
				</section>
			)}
		</>
	);
}
