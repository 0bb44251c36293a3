import type { Device } from "~/api/schema.gen";

/** The class of an authenticator, from its model "authentik_stages_authenticator_totp.totpdevice". */
export const kindOf = ({ meta_model_name }: Pick<Device, "meta_model_name">): string =>
	/^authentik_stages_authenticator_(\w+)\./.exec(meta_model_name)?.[1] ?? "";

/** Where an authenticator of anybody is removed; nothing for what is no authenticator of a stage. */
export function addressOf(device: Pick<Device, "meta_model_name" | "pk">): string | undefined {
	const kind = kindOf(device);
	return kind ? `/authenticators/admin/${kind}/${device.pk}/` : undefined;
}
