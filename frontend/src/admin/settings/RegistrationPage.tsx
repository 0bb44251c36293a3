import { Button, Group, Skeleton, Switch } from "@mantine/core";
import { IconApps, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { send } from "~/api/client";
import type { InitialToken, Registration, SelfRegistered } from "~/api/gatehouse";
import { remove, useChange, useGet } from "~/api/query";
import { Table } from "~/list/Table";
import { t } from "~/text/text";
import { Ago } from "~/ui/Ago";
import { CopyList, CopyRow } from "~/ui/Copy";
import { confirm } from "~/ui/confirm";
import { Empty, Problem } from "~/ui/Empty";
import { IconButton } from "~/ui/IconButton";
import { complain, told } from "~/ui/notices";
import { at } from "../frame/addresses";
import { Section } from "../frame/Page";
import classes from "./PasskeysPage.module.css";
import { SettingsPage } from "./SettingsPage";

const PATH = "/gatehouse/oauth2/registration/";

/** Dynamic client registration: whether it is let, the token that it needs, and who came by it. */
export function RegistrationPage() {
	const { data, error, refetch } = useGet<Registration>(PATH);
	return (
		<SettingsPage tab="registration">
			{data ? (
				<>
					<Allowed now={data} />
					<Token now={data} />
				</>
			) : error ? (
				<Problem error={error} again={refetch} />
			) : (
				<Skeleton height={240} />
			)}
			<Clients />
		</SettingsPage>
	);
}

function Allowed({ now }: { now: Registration }) {
	const change = useChange((enabled: boolean) => send<Registration>("PUT", PATH, { enabled }));
	return (
		<Section title={t("settings.registration.switchTitle")} text={t("settings.registration.switchText")}>
			<Switch
				label={t("settings.registration.switch")}
				description={now.enabled && !now.token ? t("settings.registration.noToken") : undefined}
				checked={change.isPending ? change.variables : now.enabled}
				onChange={(event) => change.mutate(event.currentTarget.checked, { onError: complain })}
				withThumbIndicator={false}
			/>
		</Section>
	);
}

function Token({ now }: { now: Registration }) {
	const [fresh, setFresh] = useState<InitialToken>();
	const make = useChange(() => send<InitialToken>("POST", `${PATH}token/`), setFresh);
	const revoke = useChange(
		() => remove(`${PATH}token/`),
		() => {
			setFresh(undefined);
			told(t("settings.registration.revoked"));
		},
	);
	const askAgain = () =>
		confirm({
			title: t("settings.registration.againTitle"),
			body: <p>{t("settings.registration.againText")}</p>,
			yes: t("settings.registration.again"),
			act: () => make.mutateAsync(undefined),
		});
	const askRevoke = () =>
		confirm({
			title: t("settings.registration.revokeTitle"),
			body: <p>{t("settings.registration.revokeText")}</p>,
			yes: t("settings.registration.revoke"),
			danger: true,
			act: () => revoke.mutateAsync(undefined),
		});
	return (
		<Section title={t("settings.registration.token")} text={t("settings.registration.tokenText")}>
			<p className={classes.text}>
				{now.token && now.made ? (
					<>
						{t("settings.registration.tokenIs")} <Ago time={now.made} />.
					</>
				) : (
					t("settings.registration.tokenNone")
				)}
			</p>
			<div role="status">
				{fresh && (
					<>
						<h3 className={classes.way}>{t("settings.registration.fresh")}</h3>
						<p className={classes.text}>{t("settings.registration.freshText")}</p>
						<CopyList>
							<CopyRow label={t("settings.registration.key")} value={fresh.token} />
							<CopyRow label={t("settings.registration.endpoint")} value={fresh.endpoint} />
						</CopyList>
					</>
				)}
			</div>
			<Group gap="xs" mt={fresh ? "md" : 0}>
				{now.token ? (
					<>
						<Button variant="default" onClick={askAgain}>
							{t("settings.registration.again")}
						</Button>
						<Button variant="default" onClick={askRevoke}>
							{t("settings.registration.revoke")}
						</Button>
					</>
				) : (
					<Button loading={make.isPending} onClick={() => make.mutate(undefined, { onError: complain })}>
						{t("settings.registration.make")}
					</Button>
				)}
			</Group>
		</Section>
	);
}

function Clients() {
	const { data, error, refetch } = useGet<{ clients: SelfRegistered[] }>(`${PATH}clients/`);
	const drop = useChange(
		(client: SelfRegistered) => remove(`${PATH}clients/${client.provider}/`),
		(_, { name }) => told(t("settings.registration.removed", { name })),
	);
	const ask = (client: SelfRegistered) =>
		confirm({
			title: t("settings.registration.removeTitle", { name: client.name }),
			body: <p>{t("settings.registration.removeText")}</p>,
			yes: t("settings.registration.remove"),
			danger: true,
			act: () => drop.mutateAsync(client),
		});
	return (
		<>
			<h2>{t("settings.registration.clients")}</h2>
			{error && !data ? (
				<Problem error={error} again={refetch} />
			) : data?.clients.length === 0 ? (
				<Empty icon={<IconApps size={32} />} title={t("settings.registration.none")} text={t("settings.registration.noneText")} />
			) : (
				<Table<SelfRegistered>
					label={t("settings.registration.clients")}
					rows={data?.clients}
					keyOf={(client) => String(client.provider)}
					nameOf={(client) => client.name}
					linkOf={(client) => (client.slug ? at.app(client.slug) : at.object("providers", String(client.provider)))}
					iconOf={() => <IconApps size={20} aria-hidden="true" />}
					columns={[
						{ id: "name", title: t("settings.registration.name"), cell: (client) => client.name },
						{
							id: "addresses",
							title: t("settings.registration.addresses"),
							from: "tablet",
							cell: (client) => (client.slug ? client.redirect_uris.join(", ") : t("settings.registration.noApp")),
						},
						{
							id: "remove",
							title: t("settings.registration.remove"),
							right: true,
							cell: (client) => (
								<IconButton aria-label={t("settings.registration.removeOf", { name: client.name })} onClick={() => ask(client)}>
									<IconTrash size={16} />
								</IconButton>
							),
						},
					]}
				/>
			)}
		</>
	);
}
