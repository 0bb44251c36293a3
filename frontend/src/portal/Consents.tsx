import { Button } from "@mantine/core";
import { IconChecklist } from "@tabler/icons-react";
import { remove, useChange } from "~/api/query";
import type { UserConsent } from "~/api/schema.gen";
import { ago } from "~/lib/format";
import { t } from "~/text/text";
import { confirm } from "~/ui/confirm";
import { Empty } from "~/ui/Empty";
import { Face } from "~/ui/Face";
import { notify } from "./notice";
import classes from "./Portal.module.css";
import { Rows } from "./Rows";

/** What I allowed applications to know of me. */
export function Consents({ user }: { user: number }) {
	const withdraw = useChange(
		(consent: UserConsent) => remove(`/core/user_consent/${consent.pk}/`),
		(_done, consent) => notify.good(t("portal.consents.withdrawn", { app: consent.application.name })),
	);
	const ask = (consent: UserConsent) =>
		confirm({
			title: t("portal.consents.title2", { app: consent.application.name }),
			body: <p>{t("portal.consents.withdrawText", { app: consent.application.name })}</p>,
			yes: t("portal.consents.withdraw"),
			danger: true,
			act: () => withdraw.mutateAsync(consent),
		});
	return (
		<>
			<p className={classes.text}>{t("portal.consents.text")}</p>
			<Rows<UserConsent>
				path="/core/user_consent/"
				query={{ user }}
				keyOf={(consent) => String(consent.pk)}
				row={(consent) => ({
					icon: <Face name={consent.application.name} src={consent.application.meta_icon} size={40} square />,
					name: consent.application.name,
					text: [
						consent.permissions && t("portal.consents.permissions", { permissions: consent.permissions.split(/[ ,]+/).join(", ") }),
						consent.expiring && consent.expires ? t("portal.consents.until", { time: ago(consent.expires) }) : t("portal.consents.forever"),
					]
						.filter(Boolean)
						.join(" · "),
					action: (
						<Button
							variant="default"
							onClick={() => ask(consent)}
							aria-label={t("portal.consents.withdrawOf", { app: consent.application.name })}
						>
							{t("portal.consents.withdraw")}
						</Button>
					),
				})}
				empty={<Empty icon={<IconChecklist size={36} />} title={t("portal.consents.none")} text={t("portal.consents.noneText")} />}
			/>
		</>
	);
}
