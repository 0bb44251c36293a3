import { Button, Skeleton } from "@mantine/core";
import { IconDeviceMobile, IconFingerprint, IconListNumbers, IconMessage, IconPlus, IconShieldCheck } from "@tabler/icons-react";
import { type Page, useGet } from "~/api/query";
import type { UserSetting } from "~/api/schema.gen";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { Problem } from "~/ui/Empty";
import classes from "../Portal.module.css";
import { thereAndBack } from "../setup";
import { DeviceRow, type Mine } from "./DeviceRow";
import type { Kind } from "./devices";
import own from "./Security.module.css";

export const icons = {
	webauthn: IconFingerprint,
	totp: IconDeviceMobile,
	static: IconListNumbers,
	duo: IconShieldCheck,
	sms: IconMessage,
};

/** A page can ask for passkeys only where the browser can and the address is safe. */
const canPasskeys = () => typeof window.PublicKeyCredential === "function";

type Props = {
	kind: Kind;
	setups: UserSetting[];
	/** It is what to do next. */
	next: boolean;
	/** I have one authenticator only, of whatever kind. */
	last: boolean;
};

/** One way to sign in: why, what I have of it, and another one. */
export function Method({ kind, setups, next, last }: Props) {
	const { data, error, refetch } = useGet<Page<Mine>>(`/authenticators/${kind}/`, { query: { ordering: "name", page_size: 100 } });
	const rows = data?.results ?? [];
	const Icon = icons[kind];
	const heading = `method-${kind}`;
	const blocked = kind === "webauthn" && setups.length > 0 && !canPasskeys();
	return (
		<section className={`gh-panel ${classes.panel}`} aria-labelledby={heading}>
			<div className={own.method}>
				<Icon size={28} stroke={1.5} aria-hidden="true" />
				<div className={own.words}>
					<h2 id={heading} className={own.title}>
						{t(`account.security.kind.${kind}`)}
					</h2>
					<p className={own.reason}>{t(`account.security.why.${kind}`)}</p>
				</div>
				{!blocked && (
					<div className={own.adders}>
						{setups.map((setup) => (
							<Add key={setup.object_uid} kind={kind} setup={setup} named={setups.length > 1} more={rows.length > 0} next={next} />
						))}
					</div>
				)}
			</div>
			<div className={own.body}>
				{blocked && <Note text={t("account.security.noPasskeys")} />}
				{error && !data && <Problem error={error} again={refetch} />}
				{!error && !data && <Skeleton height={48} aria-busy="true" />}
				{rows.length > 0 && (
					<ul className={own.devices}>
						{rows.map((one) => (
							<DeviceRow key={one.pk} kind={kind} device={one} last={last} />
						))}
					</ul>
				)}
				{data && rows.length === 0 && <p className={own.reason}>{t("account.security.none")}</p>}
				{next && kind === "webauthn" && rows.length === 1 && <Note text={t("account.security.onlyOne")} />}
				{kind === "static" && setups.length > 0 && rows.length > 0 && <p className={own.reason}>{t("account.security.codesText")}</p>}
				{setups.length === 0 && <p className={own.reason}>{t("account.security.noSetup")}</p>}
			</div>
		</section>
	);
}

type AddProps = { kind: Kind; setup: UserSetting; named: boolean; more: boolean; next: boolean };

function Add({ kind, setup, named, more, next }: AddProps) {
	const what = t(more ? `account.security.addMore.${kind}` : `account.security.add.${kind}`);
	return (
		<Button
			component="a"
			href={thereAndBack(setup.configure_url ?? "", "security")}
			variant={next ? "filled" : "default"}
			leftSection={<IconPlus size={16} />}
			aria-describedby={`method-${kind}`}
		>
			{named ? t("account.security.addNamed", { what, name: setup.title }) : what}
		</Button>
	);
}

function Note({ text }: { text: string }) {
	return (
		<p className={own.note}>
			<ToneIcon tone="notice" size={18} />
			{text}
		</p>
	);
}
