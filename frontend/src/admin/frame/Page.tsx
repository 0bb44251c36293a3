import { type ReactNode, useEffect } from "react";
import { t } from "~/text/text";
import { setCrumbs } from "./crumbs";
import classes from "./Page.module.css";
import { To } from "./To";

export type Crumb = { label: string; to: string };

type Props = {
	title: string;
	/** Where the page belongs, from the outside in; without the page itself. */
	crumbs?: Crumb[];
	icon?: ReactNode;
	chips?: ReactNode;
	text?: string;
	actions?: ReactNode;
	tabs?: ReactNode;
	children: ReactNode;
};

/** A page: its title in the window, where it belongs, its two most needed actions. */
export function Page({ title, crumbs = [], icon, chips, text, actions, tabs, children }: Props) {
	const trail = JSON.stringify([...crumbs, { label: title, to: "" }]);
	useEffect(() => {
		document.title = t("frame.title", { page: title });
		setCrumbs(JSON.parse(trail) as Crumb[]);
	}, [title, trail]);
	return (
		<>
			<header className={classes.head}>
				{icon}
				<div className={classes.words}>
					<h1 className={classes.title}>{title}</h1>
					{chips && <div className={classes.chips}>{chips}</div>}
					{text && <p className={classes.text}>{text}</p>}
				</div>
				{actions && <div className={classes.actions}>{actions}</div>}
			</header>
			{tabs}
			{children}
		</>
	);
}

export type TabLink = { id: string; label: string; to: string };

/** Tabs that are pages with addresses of their own. */
export function TabLinks({ tabs, current, label }: { tabs: TabLink[]; current: string; label: string }) {
	return (
		<nav className={classes.tabs} aria-label={label}>
			{tabs.map((tab) => (
				<To key={tab.id} to={tab.to} className={classes.tab} aria-current={tab.id === current ? "page" : undefined}>
					{tab.label}
				</To>
			))}
		</nav>
	);
}

type SectionProps = { title: string; text?: string; actions?: ReactNode; children?: ReactNode; danger?: boolean };

/** A part of a page with a heading, in a panel. */
export function Section({ title, text, actions, children, danger }: SectionProps) {
	return (
		<section className={`gh-panel ${classes.section} ${danger ? classes.danger : ""}`}>
			<div className={classes.sectionHead}>
				<div>
					<h2 className={classes.sectionTitle}>{title}</h2>
					{text && <p className={classes.text}>{text}</p>}
				</div>
				{actions}
			</div>
			{children}
		</section>
	);
}
