// My authenticators, and what is still missing to be safe and not locked out.
import { useGet } from "~/api/query";
import type { Device } from "~/api/schema.gen";

/** Safest and quickest first. */
export const kinds = ["webauthn", "totp", "static", "duo", "sms"] as const;
export type Kind = (typeof kinds)[number];

export const useDevices = () => useGet<Device[]>("/authenticators/all/");

/** The class of an authenticator, from its model "authentik_stages_authenticator_totp.totpdevice". */
export function kindOf(device: Pick<Device, "meta_model_name">): Kind | undefined {
	const name = /authenticator_(\w+)\./.exec(device.meta_model_name)?.[1];
	return kinds.find((kind) => kind === name);
}

export type Advice = { id: "passkey" | "second" | "factor" | "static"; kind: Kind; done: boolean };

/** What to do next, passkey first; only what can be set up here, or is done already. */
export function adviceFor(devices: readonly Pick<Device, "meta_model_name" | "confirmed">[], canAdd: (kind: Kind) => boolean): Advice[] {
	const count = (kind: Kind) => devices.filter((device) => device.confirmed && kindOf(device) === kind).length;
	const keys = count("webauthn");
	const others = count("totp") + count("duo") + count("sms");
	const paper: Advice = { id: "static", kind: "static", done: count("static") > 0 };
	const steps: Advice[] =
		keys > 0 || canAdd("webauthn")
			? [{ id: "passkey", kind: "webauthn", done: keys > 0 }, { id: "second", kind: "webauthn", done: keys > 1 || others > 0 }, paper]
			: [{ id: "factor", kind: "totp", done: others > 0 }, paper];
	return steps.filter(({ kind, done }) => done || canAdd(kind));
}
