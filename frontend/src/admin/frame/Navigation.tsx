import { IconActivity, IconAdjustments, IconApps, IconHome, IconSettings, IconUsers } from "@tabler/icons-react";
import { t } from "~/text/text";
import { at } from "./addresses";
import classes from "./Navigation.module.css";
import { To } from "./To";

export const entries = [
	{ id: "home", to: at.home, start: "/", icon: IconHome },
	{ id: "people", to: at.users, start: "/people", icon: IconUsers },
	{ id: "apps", to: at.apps, start: "/apps", icon: IconApps },
	{ id: "activity", to: at.activity, start: "/activity", icon: IconActivity },
	{ id: "settings", to: at.settings, start: "/settings", icon: IconSettings },
	{ id: "advanced", to: at.advanced, start: "/advanced", icon: IconAdjustments },
] as const;

const isIn = (path: string, start: string) => (start === "/" ? path === "/" : path === start || path.startsWith(`${start}/`));

export function Navigation({ path }: { path: string }) {
	return (
		<nav aria-label={t("frame.navigation")}>
			<ul className={classes.list}>
				{entries.map(({ id, to, start, icon: Icon }) => (
					<li key={id} className={id === "advanced" ? classes.apart : undefined}>
						<To to={to} className={classes.entry} aria-current={isIn(path, start) ? "page" : undefined}>
							<Icon size={18} aria-hidden="true" />
							{t(`nav.${id}`)}
						</To>
					</li>
				))}
			</ul>
		</nav>
	);
}
