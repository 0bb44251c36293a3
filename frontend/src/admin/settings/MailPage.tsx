import { Alert, Button, Group, Skeleton, TextInput } from "@mantine/core";
import { IconMail } from "@tabler/icons-react";
import { type FormEvent, useMemo, useState } from "react";
import { send } from "~/api/client";
import type { MailEntry } from "~/api/gatehouse";
import { useChange, useGet } from "~/api/query";
import { Form } from "~/forms/Form";
import { FormSkeleton } from "~/forms/ResourceForm";
import { useFormState } from "~/forms/state";
import { toChange, toForm } from "~/forms/wire";
import type { Field } from "~/schema/fields";
import { t } from "~/text/text";
import { type Tone, ToneIcon } from "~/ui/Chip";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Empty, Problem } from "~/ui/Empty";
import { told } from "~/ui/notices";
import { problemText } from "~/ui/problem";
import { MailTable } from "../frame/MailTable";
import { Section } from "../frame/Page";
import classes from "./MailPage.module.css";
import { SettingsPage } from "./SettingsPage";

const PATH = "/gatehouse/mail/";
const LOG = `${PATH}log/`;

type MailSettings = {
	host: string;
	port: number;
	security: string;
	username: string;
	from_address: string;
	timeout: number;
	readonly has_password: boolean;
	readonly configured: boolean;
	/** The fields that the server was started with, with where each comes from. */
	readonly fixed: Record<string, string>;
};
type MailTest = { successful: boolean; to: string; message: string };
type MailLog = { results: MailEntry[]; more: boolean };

const plain = { nullable: false, advanced: false, options: [], required: false };

function fieldsOf(settings: MailSettings): Field[] {
	const field = (name: string, widget: Field["widget"], more: Partial<Field> = {}): Field => ({
		...plain,
		name,
		widget,
		label: t(`settings.mail.${name}`),
		help: t(`settings.mail.${name}Help`),
		...more,
	});
	const all = [
		field("host", "text"),
		field("security", "choice", {
			required: true,
			options: ["starttls", "tls", "none"].map((value) => ({ value, label: t(`settings.mail.securities.${value}`) })),
		}),
		field("port", "number", { min: 1, max: 65535, required: true }),
		field("username", "text"),
		field("password", "secret", settings.has_password ? { help: t("settings.mail.passwordKept") } : {}),
		field("from_address", "text"),
		field("timeout", "number", { min: 1, max: 600, advanced: true, required: true }),
	];
	return all.filter(({ name }) => !settings.fixed[name]);
}

/** The mail server of the house, a way to try it, and what became of mails. */
export function MailPage() {
	const { data, error, refetch } = useGet<MailSettings>(PATH);
	return (
		<SettingsPage tab="mail">
			{error && !data ? <Problem error={error} again={refetch} /> : data ? <Loaded settings={data} /> : <FormSkeleton />}
		</SettingsPage>
	);
}

function Loaded({ settings }: { settings: MailSettings }) {
	const fields = useMemo(() => fieldsOf(settings), [settings]);
	const start = useMemo(() => toForm(fields, settings), [fields, settings]);
	const state = useFormState(start);
	const save = useChange(
		() => send<MailSettings>("PUT", PATH, toChange(fields, state.values, state.initial)),
		(saved) => {
			told(t("forms.saved"));
			state.reset(toForm(fieldsOf(saved), saved));
		},
	);
	const fixed = Object.entries(settings.fixed);
	return (
		<>
			<Section title={t("settings.mail.server")} text={settings.configured ? undefined : t("settings.mail.none")}>
				{fixed.length > 0 && (
					<>
						<p>{t("settings.mail.fixed")}</p>
						<CopyList>
							{fixed.map(([name, from]) => (
								<CopyRow
									key={name}
									label={t(`settings.mail.${name}`)}
									value={shown(settings, name)}
									help={t("settings.mail.setBy", { from })}
								/>
							))}
						</CopyList>
					</>
				)}
				{fields.length > 0 && (
					<Form
						fields={fields}
						state={state}
						existing
						saving={save.isPending}
						onSave={() => save.mutate(undefined, { onError: state.refuseWith })}
					/>
				)}
			</Section>
			<Trial ready={settings.configured} />
			<Sent />
		</>
	);
}

function shown(settings: MailSettings, name: string): string {
	if (name === "password") return t("settings.mail.hidden");
	if (name === "security") return t(`settings.mail.securities.${settings.security}`);
	return String(settings[name as keyof MailSettings] ?? "");
}

/** Sends one mail and shows what the mail server says. */
function Trial({ ready }: { ready: boolean }) {
	const [to, setTo] = useState("");
	const [result, setResult] = useState<MailTest>();
	const send_ = useChange(
		() => send<MailTest>("POST", `${PATH}test/`, { to }),
		(said) => setResult(said),
	);
	function submit(event: FormEvent) {
		event.preventDefault();
		setResult(undefined);
		send_.mutate(undefined);
	}
	const failed = send_.error ? problemText(send_.error) : undefined;
	const tone: Tone = result?.successful ? "good" : "danger";
	return (
		<Section title={t("settings.mail.test")} text={t("settings.mail.testText")}>
			<form onSubmit={submit} noValidate>
				<Group align="end" gap="sm">
					<TextInput
						className={classes.to}
						label={t("settings.mail.testTo")}
						description={t("settings.mail.testToHelp")}
						type="email"
						value={to}
						onChange={(event) => setTo(event.currentTarget.value)}
					/>
					<Button type="submit" variant="default" loading={send_.isPending} disabled={!ready}>
						{t("settings.mail.testSend")}
					</Button>
				</Group>
			</form>
			<div role="status" aria-live="polite">
				{(result || failed) && (
					<Alert
						mt="md"
						variant="default"
						icon={<ToneIcon tone={tone} size={18} />}
						title={t(result?.successful ? "settings.mail.testWell" : "settings.mail.testBad")}
						style={{ borderColor: `var(--gh-${tone})` }}
					>
						{failed ?? result?.message}
					</Alert>
				)}
			</div>
		</Section>
	);
}

/** The last mails, and what the mail server said of each. */
function Sent() {
	const { data, error, refetch } = useGet<MailLog>(LOG);
	return (
		<Section title={t("settings.mail.log")} text={t("settings.mail.logText")}>
			{error && !data ? (
				<Problem error={error} again={refetch} />
			) : !data ? (
				<Skeleton height={120} />
			) : data.results.length === 0 ? (
				<Empty icon={<IconMail size={32} />} title={t("settings.mail.logEmpty")} text={t("settings.mail.logEmptyText")} />
			) : (
				<MailTable mails={data.results} label={t("settings.mail.log")} subjects />
			)}
		</Section>
	);
}
