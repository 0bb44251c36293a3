import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ApiError, send } from "~/api/client";
import { remove, useChange } from "~/api/query";
import type { WebAuthnDeviceType } from "~/api/schema.gen";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { problemText } from "~/ui/problem";
import { notify } from "../notice";
import classes from "../Portal.module.css";
import type { Kind } from "./devices";
import own from "./Security.module.css";

/** An authenticator as its own collection tells it; each class tells something more. */
export type Mine = {
	pk: number;
	name: string;
	created_on?: string;
	device_type?: WebAuthnDeviceType | null;
	phone_number?: string;
	token_set?: unknown[];
};

const FEW = 3;

function facts(kind: Kind, device: Mine): string[] {
	const codes = device.token_set?.length ?? 0;
	return [
		kind === "webauthn" && device.device_type?.description,
		kind === "webauthn" && device.created_on && t("account.security.made", { time: ago(device.created_on) }),
		kind === "sms" && device.phone_number !== device.name && device.phone_number,
		kind === "static" && (codes > 0 ? t("account.security.codesLeft", { count: codes }) : t("account.security.codesNone")),
		kind === "static" && codes <= FEW && t("account.security.codesLow"),
	].filter((text): text is string => typeof text === "string" && text !== "");
}

type Props = { kind: Kind; device: Mine; last: boolean };

export function DeviceRow({ kind, device, last }: Props) {
	const [renaming, setRenaming] = useState(false);
	const path = `/authenticators/${kind}/${device.pk}/`;
	const opener = useRef<HTMLButtonElement>(null);
	const drop = useChange(
		() => remove(path),
		() => notify.good(t("account.security.removed", { name: device.name })),
	);
	const ask = () =>
		confirm({
			title: t("account.security.removeTitle", { name: device.name }),
			body: (
				<>
					<p>{t(kind === "static" ? "account.security.removeCodes" : "account.security.removeText")}</p>
					{last && <p>{t("account.security.removeLast")}</p>}
				</>
			),
			yes: t("account.security.remove"),
			danger: true,
			act: () => drop.mutateAsync(undefined),
		});
	const close = () => {
		setRenaming(false);
		requestAnimationFrame(() => opener.current?.focus());
	};
	return (
		<li className={own.device}>
			{renaming ? (
				<Rename path={path} name={device.name} onClose={close} />
			) : (
				<>
					<div className={classes.rowWords}>
						<div className={classes.rowName}>{device.name}</div>
						<div className={classes.rowText}>{facts(kind, device).join(" · ")}</div>
					</div>
					<div className={own.buttons}>
						<Button
							ref={opener}
							variant="default"
							onClick={() => setRenaming(true)}
							aria-label={t("account.security.renameOf", { name: device.name })}
						>
							{t("account.security.rename")}
						</Button>
						<Button variant="default" onClick={ask} aria-label={t("account.security.removeOf", { name: device.name })}>
							{t("account.security.remove")}
						</Button>
					</div>
				</>
			)}
		</li>
	);
}

function Rename({ path, name, onClose }: { path: string; name: string; onClose: () => void }) {
	const [text, setText] = useState(name);
	const input = useRef<HTMLInputElement>(null);
	useEffect(() => input.current?.select(), []);
	const save = useChange(
		() => send("PATCH", path, { name: text.trim() }),
		() => {
			notify.good(t("account.security.renamed", { name: text.trim() }));
			onClose();
		},
	);
	const wrong = save.error instanceof ApiError ? (save.error.fields.name?.join(" ") ?? problemText(save.error)) : undefined;
	function submit(event: FormEvent) {
		event.preventDefault();
		if (text.trim() === name) onClose();
		else if (text.trim()) save.mutate(undefined);
	}
	return (
		<form onSubmit={submit} className={own.rename} onKeyDown={(event) => event.key === "Escape" && onClose()}>
			<TextInput
				ref={input}
				label={t("account.security.newName")}
				value={text}
				maxLength={64}
				error={wrong}
				onChange={(event) => setText(event.currentTarget.value)}
			/>
			<Button type="submit" loading={save.isPending} disabled={!text.trim()}>
				{t("account.security.save")}
			</Button>
			<Button variant="default" onClick={onClose}>
				{t("common.no")}
			</Button>
		</form>
	);
}
