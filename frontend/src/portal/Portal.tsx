import { Button, Skeleton } from "@mantine/core";
import { IconLogout, IconSettings } from "@tabler/icons-react";
import { lazy, Suspense, useEffect, useRef } from "react";
import { get } from "~/api/client";
import { useGet } from "~/api/query";
import type { CurrentBrand, SessionUser } from "~/api/schema.gen";
import { BRAND, signOut } from "~/lib/boot";
import { t } from "~/text/text";
import { Confirm } from "~/ui/confirm";
import { Face } from "~/ui/Face";
import { Mark } from "~/ui/Mark";
import { personName } from "~/ui/names";
import { SchemeSwitch } from "~/ui/SchemeSwitch";
import { SkipLink } from "~/ui/SkipLink";
import { Apps } from "./Apps";
import { places, usePlace } from "./address";
import { NoticeArea, notify } from "./notice";
import classes from "./Portal.module.css";

const account = () => import("./account");
const Profile = lazy(() => account().then((part) => ({ default: part.Profile })));
const Security = lazy(() => account().then((part) => ({ default: part.Security })));
const Sessions = lazy(() => account().then((part) => ({ default: part.Sessions })));
const Consents = lazy(() => account().then((part) => ({ default: part.Consents })));
const Connections = lazy(() => account().then((part) => ({ default: part.Connections })));
const Tokens = lazy(() => account().then((part) => ({ default: part.Tokens })));

/** My applications, and what belongs to my account. */
export function Portal({ session }: { session: SessionUser }) {
	const place = usePlace();
	const brand = useGet<CurrentBrand>(BRAND).data;
	const main = useRef<HTMLElement>(null);
	const nav = useRef<HTMLElement>(null);
	const first = useRef(true);
	const title = t(`portal.${place}.title`);
	const { user, original } = session;

	// The row of places is wider than a phone; where I am stays in sight.
	useEffect(() => {
		if (place) nav.current?.querySelector("[aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });
	}, [place]);
	useEffect(() => {
		document.title = t("portal.documentTitle", { page: title, brand: brand?.branding_title || "Gatehouse" });
		if (first.current) first.current = false;
		else main.current?.focus();
	}, [title, brand]);

	return (
		<>
			<SkipLink />
			<header className={classes.header}>
				<a href="#/apps" className={classes.brand}>
					<Mark size={30} />
					<span>{brand?.branding_title || "Gatehouse"}</span>
				</a>
				<div className={classes.tools}>
					{user.is_superuser && (
						<Button component="a" href="/if/admin/" variant="default" leftSection={<IconSettings size={16} />}>
							{t("portal.admin")}
						</Button>
					)}
					<Button variant="default" leftSection={<IconLogout size={16} />} onClick={signOut}>
						{t("portal.signOut")}
					</Button>
				</div>
			</header>
			<nav ref={nav} className={classes.nav} aria-label={t("portal.navigation")}>
				{places.map((one) => (
					<a key={one} href={`#/${one}`} aria-current={one === place ? "page" : undefined}>
						{t(`portal.${one}.title`)}
					</a>
				))}
			</nav>
			<main ref={main} id="main" tabIndex={-1} className={classes.main}>
				{original && <Impersonating me={personName(user)} original={personName(original)} />}
				<h1 className={classes.title}>
					{place === "profile" && <Face name={personName(user)} src={user.avatar} size={48} />}
					{title}
				</h1>
				{place === "apps" && <Apps mayAdd={user.is_superuser} />}
				<Suspense fallback={<Skeleton height={160} aria-busy="true" />}>
					{place === "profile" && (
						<Profile user={user} flow={brand?.flow_user_settings} leaving={original ? undefined : brand?.flow_unenrollment} />
					)}
					{place === "security" && <Security />}
					{place === "sessions" && <Sessions username={user.username} />}
					{place === "consents" && <Consents user={user.pk} />}
					{place === "connections" && <Connections user={user.pk} />}
					{place === "tokens" && <Tokens user={user} />}
				</Suspense>
			</main>
			<footer className={classes.footer}>
				{(brand?.ui_footer_links ?? []).map((link) => (
					<a key={link.name} href={link.href ?? undefined} target="_blank" rel="noopener noreferrer">
						{link.name}
					</a>
				))}
				<SchemeSwitch />
			</footer>
			<Confirm onProblem={notify.problem} />
			<NoticeArea />
		</>
	);
}

function Impersonating({ me, original }: { me: string; original: string }) {
	const end = () =>
		get("/core/users/impersonate_end/")
			.then(() => location.assign("/if/admin/"))
			.catch(notify.problem);
	return (
		<div className={classes.impersonating} role="status">
			<span>{t("portal.impersonating", { name: me, original })}</span>
			<Button variant="default" size="compact-md" onClick={end}>
				{t("portal.endImpersonation")}
			</Button>
		</div>
	);
}
