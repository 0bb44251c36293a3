import { AppShell, Burger, Drawer, Menu, UnstyledButton } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconApps, IconLogout, IconSearch, IconUser } from "@tabler/icons-react";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { signOut } from "~/lib/boot";
import { inDesktop } from "~/lib/desktop";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Face } from "~/ui/Face";
import { IconButton } from "~/ui/IconButton";
import { Mark } from "~/ui/Mark";
import { personName } from "~/ui/names";
import { SchemeSwitch } from "~/ui/SchemeSwitch";
import { SkipLink } from "~/ui/SkipLink";
import { at } from "./addresses";
import { useCrumbs } from "./crumbs";
import { Impersonating } from "./Impersonating";
import { Navigation } from "./Navigation";
import { openPalette, Palette } from "./Palette";
import classes from "./Shell.module.css";
import { useBrand, useMe } from "./session";
import { go, To } from "./To";

/** The frame around every page. */
export function Shell() {
	const [menuOpen, menu] = useDisclosure(false);
	const path = useRouterState({ select: (state) => state.location.pathname });
	const main = useRef<HTMLElement>(null);
	const closeMenu = menu.close;

	// A new page starts at its top, and with it whoever reads it aloud.
	const before = useRef(path);
	useEffect(() => {
		if (before.current === path) return;
		before.current = path;
		closeMenu();
		window.scrollTo(0, 0);
		main.current?.focus({ preventScroll: true });
	}, [path, closeMenu]);

	return (
		<AppShell header={{ height: 56 }} navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: true } }} transitionDuration={0}>
			<SkipLink />
			<AppShell.Header className={classes.header}>
				<Burger opened={menuOpen} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label={t("frame.menu")} aria-expanded={menuOpen} />
				<Brand />
				<Trail />
				<SearchButton />
				<MyMenu />
			</AppShell.Header>
			<AppShell.Navbar className={classes.navbar}>
				<Navigation path={path} />
			</AppShell.Navbar>
			<Drawer
				opened={menuOpen}
				onClose={closeMenu}
				size={260}
				title={t("frame.menu")}
				transitionProps={{ duration: 100 }}
				closeButtonProps={{ "aria-label": t("common.close") }}
			>
				<Navigation path={path} />
			</Drawer>
			<AppShell.Main ref={main} id="main" tabIndex={-1} className={classes.main}>
				<Impersonating />
				<Outlet />
			</AppShell.Main>
			<Palette />
		</AppShell>
	);
}

function Brand() {
	const brand = useBrand();
	return (
		<To to={at.home} className={classes.brand} aria-label={t("frame.toHome", { name: brand?.branding_title || "Gatehouse" })}>
			<Mark size={26} />
			<span className={classes.brandName}>{brand?.branding_title || "Gatehouse"}</span>
		</To>
	);
}

function Trail() {
	const crumbs = useCrumbs();
	return (
		<nav className={classes.trail} aria-label={t("frame.trail")}>
			<ol>
				{crumbs.map((crumb) => (
					<li key={crumb.to || crumb.label}>
						{crumb.to ? <To to={crumb.to}>{crumb.label}</To> : <span aria-current="page">{crumb.label}</span>}
					</li>
				))}
			</ol>
		</nav>
	);
}

function SearchButton() {
	const key = /Mac|iPhone|iPad/.test(navigator.userAgent) ? "⌘ K" : "Ctrl K";
	return (
		<>
			<UnstyledButton className={classes.search} onClick={openPalette} visibleFrom="sm" aria-keyshortcuts="Control+K Meta+K">
				<IconSearch size={16} aria-hidden="true" />
				<span>{t("palette.open")}</span>
				<kbd>{key}</kbd>
			</UnstyledButton>
			<IconButton className={classes.searchIcon} onClick={openPalette} aria-label={t("palette.open")}>
				<IconSearch size={18} />
			</IconButton>
		</>
	);
}

/** In the window there is nobody to sign in as, so what ends is the session of this page only. */
export function askSignOut() {
	if (!inDesktop()) signOut();
	else confirm({ title: t("frame.signOut"), body: t("frame.signOutWindow"), yes: t("frame.signOut"), act: async () => signOut() });
}

function MyMenu() {
	const { me } = useMe();
	if (!me) return null;
	return (
		<Menu position="bottom-end" width={248}>
			<Menu.Target>
				<UnstyledButton className={classes.me} aria-label={t("frame.me", { name: personName(me) })}>
					<Face name={personName(me)} src={me.avatar} size={32} />
				</UnstyledButton>
			</Menu.Target>
			<Menu.Dropdown>
				<Menu.Label>{personName(me)}</Menu.Label>
				<Menu.Item leftSection={<IconUser size={16} />} onClick={() => go(at.user(me.pk))}>
					{t("frame.myAccount")}
				</Menu.Item>
				<Menu.Item leftSection={<IconApps size={16} />} component="a" href="/if/user/">
					{t("frame.portal")}
				</Menu.Item>
				<Menu.Divider />
				<div className={classes.scheme}>
					<SchemeSwitch />
				</div>
				<Menu.Divider />
				<Menu.Item leftSection={<IconLogout size={16} />} onClick={askSignOut}>
					{t("frame.signOut")}
				</Menu.Item>
			</Menu.Dropdown>
		</Menu>
	);
}
