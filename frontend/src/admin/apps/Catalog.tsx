import { Button, Skeleton } from "@mantine/core";
import { IconApps } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { CatalogTemplate } from "~/api/gatehouse";
import { useGet } from "~/api/query";
import { SearchBox } from "~/list/SearchBox";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { at } from "../frame/addresses";
import { Page } from "../frame/Page";
import { go, To } from "../frame/To";
import classes from "./Catalog.module.css";
import { byCategory, matching, OWN, SAML } from "./catalog";
import { TemplateMark } from "./TemplateMark";
import { Way } from "./Way";

/** The applications that can be added by their address, and the way to any other. */
export function Catalog() {
	const { data, error, refetch } = useGet<{ results: CatalogTemplate[] }>("/gatehouse/catalog/");
	const [search, setSearch] = useState("");
	const found = useMemo(() => matching(data?.results ?? [], search), [data, search]);
	const own = (
		<>
			<Button variant="default" onClick={() => go(at.newAppOf(SAML))}>
				{t("newSaml.add")}
			</Button>
			<Button variant="default" onClick={() => go(at.newAppOf(OWN))}>
				{t("catalog.own")}
			</Button>
		</>
	);
	const scim = (
		<Button variant="default" onClick={() => go(at.newScim)}>
			{t("catalog.scim")}
		</Button>
	);
	const cards = (templates: CatalogTemplate[]) => (
		<ul className={classes.cards}>
			{templates.map((one) => (
				<li key={one.slug} className={`gh-panel ${classes.card}`}>
					<TemplateMark mark={one.mark} />
					<div className={classes.words}>
						<To to={at.newAppOf(one.slug)} className={classes.link}>
							{one.name}
							<Way template={one} />
						</To>
						<p className={classes.about}>{one.about}</p>
					</div>
				</li>
			))}
		</ul>
	);
	return (
		<Page
			title={t("apps.add")}
			text={t("catalog.text")}
			crumbs={[{ label: t("apps.title"), to: at.apps }]}
			actions={
				<>
					{scim}
					{own}
				</>
			}
		>
			<div className={classes.tools}>
				<SearchBox value={search} label={t("catalog.search")} onChange={setSearch} />
				<span role="status" className="gh-soft">
					{data && t("catalog.count", { count: found.length })}
				</span>
			</div>
			{error ? (
				<Problem error={error} again={refetch} />
			) : !data ? (
				<Skeleton height={320} mt="md" />
			) : found.length === 0 ? (
				<Empty icon={<IconApps size={32} />} title={t("list.nothing")} text={t("catalog.nothing")}>
					{own}
				</Empty>
			) : search ? (
				<div className={classes.group}>{cards(found)}</div>
			) : (
				byCategory(found).map(({ category, title, templates }) => (
					<section key={category} aria-labelledby={`catalog-${category}`}>
						<h2 id={`catalog-${category}`} className={classes.group}>
							{title}
						</h2>
						{cards(templates)}
					</section>
				))
			)}
		</Page>
	);
}
