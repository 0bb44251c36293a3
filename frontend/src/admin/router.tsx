import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { Problem } from "~/ui/Empty";
import { at, fromPublished } from "./frame/addresses";
import { Missing } from "./frame/Missing";
import { Shell } from "./frame/Shell";
import { history } from "./frame/To";

const root = createRootRoute({ component: Shell, notFoundComponent: Missing });

const home = () => import("./home");
const people = () => import("./people");
const apps = () => import("./apps");
const activity = () => import("./activity");
const settings = () => import("./settings");
const advanced = () => import("./advanced");

function page(path: string, component: ReturnType<typeof lazyRouteComponent>) {
	return createRoute({ getParentRoute: () => root, path, component });
}

const pages = [
	page("/", lazyRouteComponent(home, "Home")),
	page("/people/users", lazyRouteComponent(people, "Users")),
	page("/people/users/new", lazyRouteComponent(people, "NewUser")),
	page("/people/users/new-service", lazyRouteComponent(people, "NewService")),
	page("/people/users/$pk", lazyRouteComponent(people, "UserPage")),
	page("/people/groups", lazyRouteComponent(people, "Groups")),
	page("/people/groups/new", lazyRouteComponent(people, "NewGroup")),
	page("/people/groups/$pk", lazyRouteComponent(people, "GroupPage")),
	page("/people/invitations", lazyRouteComponent(people, "Invitations")),
	page("/people/invitations/new", lazyRouteComponent(people, "NewInvitation")),
	page("/people/invitations/$pk", lazyRouteComponent(people, "InvitationPage")),
	page("/apps", lazyRouteComponent(apps, "Apps")),
	page("/apps/new", lazyRouteComponent(apps, "Catalog")),
	page("/apps/new-scim", lazyRouteComponent(apps, "NewScim")),
	page("/apps/new/$template", lazyRouteComponent(apps, "NewApp")),
	page("/apps/$slug", lazyRouteComponent(apps, "AppPage")),
	page("/activity", lazyRouteComponent(activity, "Activity")),
	page("/activity/$pk", lazyRouteComponent(activity, "EventPage")),
	page("/settings/server", lazyRouteComponent(settings, "ServerPage")),
	page("/settings/system", lazyRouteComponent(settings, "SystemPage")),
	page("/settings/certificates", lazyRouteComponent(settings, "Certificates")),
	page("/settings/certificates/new", lazyRouteComponent(settings, "NewCertificate")),
	page("/settings/certificates/$pk", lazyRouteComponent(settings, "CertificatePage")),
	page("/settings/registration", lazyRouteComponent(settings, "RegistrationPage")),
	page("/settings/brands", lazyRouteComponent(settings, "Brands")),
	page("/settings/brands/new", lazyRouteComponent(settings, "NewBrand")),
	page("/settings/brands/$pk", lazyRouteComponent(settings, "BrandPage")),
	page("/settings/mail", lazyRouteComponent(settings, "MailPage")),
	page("/settings/passkeys", lazyRouteComponent(settings, "PasskeysPage")),
	page("/settings/backup", lazyRouteComponent(settings, "BackupPage")),
	page("/settings/window", lazyRouteComponent(settings, "WindowPage")),
	page("/advanced", lazyRouteComponent(advanced, "Advanced")),
	page("/advanced/$family", lazyRouteComponent(advanced, "FamilyPage")),
	page("/advanced/$family/new", lazyRouteComponent(advanced, "NewObject")),
	page("/advanced/$family/$id", lazyRouteComponent(advanced, "ObjectPage")),
	createRoute({ getParentRoute: () => root, path: "/people", beforeLoad: () => leadTo(at.users) }),
	createRoute({ getParentRoute: () => root, path: "/settings", beforeLoad: () => leadTo(at.settings) }),
	createRoute({
		getParentRoute: () => root,
		path: "$",
		beforeLoad: ({ location }) => {
			const ours = fromPublished(location.pathname);
			if (ours) leadTo(ours);
		},
		component: Missing,
	}),
];

function leadTo(to: string): never {
	throw redirect({ to, replace: true });
}

export const router = createRouter({
	routeTree: root.addChildren(pages),
	history,
	defaultPreload: false,
	defaultPendingMs: 300,
	defaultErrorComponent: ({ error, reset }) => <Problem error={error} again={reset} />,
});
