import { Button, Skeleton, TextInput } from "@mantine/core";
import { IconApps, IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { type Page, useGet } from "~/api/query";
import type { Application } from "~/api/schema.gen";
import { t } from "~/text/text";
import { Empty, Problem } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { grouped, matching } from "./grouped";
import classes from "./Portal.module.css";

/** The applications that I may open, by their group. */
export function Apps({ mayAdd }: { mayAdd: boolean }) {
	const { data, error, refetch } = useGet<Page<Application>>("/core/applications/", { query: { ordering: "name", page_size: 100 } });
	const [search, setSearch] = useState("");
	const box = useRef<HTMLInputElement>(null);
	const tiles = useRef<HTMLDivElement>(null);

	useEffect(() => {
		const toSearch = (event: globalThis.KeyboardEvent) => {
			if (event.key !== "/" || document.activeElement?.closest("input, textarea, select")) return;
			event.preventDefault();
			box.current?.focus();
		};
		document.addEventListener("keydown", toSearch);
		return () => document.removeEventListener("keydown", toSearch);
	}, []);

	if (error && !data) return <Problem error={error} again={refetch} />;
	if (!data) {
		return (
			<div className={classes.tiles} aria-busy="true">
				{[1, 2, 3, 4].map((tile) => (
					<Skeleton key={tile} height={88} />
				))}
			</div>
		);
	}
	if (data.results.length === 0) {
		return (
			<Empty
				icon={<IconApps size={36} />}
				title={t("portal.apps.emptyTitle")}
				text={t(mayAdd ? "portal.apps.emptyAdmin" : "portal.apps.emptyText")}
			>
				{mayAdd && (
					<Button component="a" href="/if/admin/#/apps/new">
						{t("portal.apps.add")}
					</Button>
				)}
			</Empty>
		);
	}
	const found = matching(data.results, search);

	function onKey(event: KeyboardEvent) {
		const links = [...(tiles.current?.querySelectorAll<HTMLElement>("a") ?? [])];
		const now = links.indexOf(document.activeElement as HTMLElement);
		if (document.activeElement === box.current) {
			if (event.key === "Enter") links[0]?.click();
			if (event.key === "Escape") setSearch("");
			if (event.key !== "ArrowDown") return;
		}
		const to = { ArrowDown: now + 1, ArrowRight: now + 1, ArrowUp: now - 1, ArrowLeft: now - 1, Home: 0, End: links.length - 1 }[event.key];
		if (to === undefined) return;
		event.preventDefault();
		if (to < 0) box.current?.focus();
		else links[Math.min(to, links.length - 1)]?.focus();
	}

	return (
		// biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move between the links inside
		<div onKeyDown={onKey}>
			<TextInput
				ref={box}
				type="search"
				size="md"
				maw={420}
				aria-label={t("portal.apps.search")}
				placeholder={t("portal.apps.search")}
				leftSection={<IconSearch size={18} />}
				value={search}
				onChange={(event) => setSearch(event.currentTarget.value)}
			/>
			<div ref={tiles} style={{ marginTop: 20 }}>
				{found.length === 0 && <Empty title={t("portal.apps.nothing", { search })} />}
				{grouped(found).map(({ group, apps }) => (
					<section key={group}>
						{group && <h2 className={classes.groupTitle}>{group}</h2>}
						<ul className={classes.tiles}>
							{apps.map((app) => (
								<li key={app.pk}>
									<Tile app={app} />
								</li>
							))}
						</ul>
					</section>
				))}
			</div>
		</div>
	);
}

function Tile({ app }: { app: Application }) {
	const words = (
		<>
			<Face name={app.name} src={app.meta_icon} size={48} square />
			<span className={classes.tileWords}>
				<span className={classes.tileName}>{app.name}</span>
				<span className={classes.tileText}>{app.launch_url ? app.meta_description || app.meta_publisher : t("portal.apps.noAddress")}</span>
			</span>
		</>
	);
	const box = `gh-panel ${classes.tile}`;
	if (!app.launch_url) return <div className={box}>{words}</div>;
	const target = app.open_in_new_tab ? { target: "_blank", rel: "noopener noreferrer" } : {};
	return (
		<a className={box} href={app.launch_url} {...target}>
			{words}
		</a>
	);
}
