import { Button } from "@mantine/core";
import { IconMail, IconPrinter } from "@tabler/icons-react";
import type { Invitation } from "~/api/schema.gen";
import { inDesktop } from "~/lib/desktop";
import { dateTime } from "~/lib/format";
import { t } from "~/text/text";
import { CopyList, CopyRow } from "~/ui/Copy";
import { Qr } from "~/ui/Qr";
import { useBrand } from "../../frame/session";
import { mailTo } from "./mail";
import classes from "./Share.module.css";
import { knownOf, whoOf } from "./who";

/** An invitation as a link, as a code to scan, as a mail and on paper. */
export function Share({ invitation, link }: { invitation: Invitation; link: string }) {
	const office = useBrand()?.branding_title || "Gatehouse";
	const name = whoOf(invitation);
	const time = invitation.expires ? dateTime(invitation.expires) : "–";
	const mail = mailTo(
		knownOf(invitation, "email"),
		t("invitations.share.subject", { office }),
		t("invitations.share.body", { name, office, link, time }),
	);
	return (
		<>
			<CopyList>
				<CopyRow label={t("invitations.share.link")} value={link} />
			</CopyList>
			<div className={classes.ways}>
				<div className={classes.sheet}>
					<h2 className={classes.onPaper}>{t("invitations.share.sheetTitle", { name })}</h2>
					<p className={classes.onPaper}>{t("invitations.share.sheetText")}</p>
					<Qr text={link} label={t("invitations.share.link")} />
					<p className={`${classes.onPaper} gh-mono`}>{link}</p>
					<p className={classes.onPaper}>{t("invitations.share.sheetUntil", { time })}</p>
				</div>
				<div className={classes.buttons}>
					{!inDesktop() && (
						<>
							<Button component="a" href={mail} variant="default" leftSection={<IconMail size={16} />}>
								{t("invitations.share.mail")}
							</Button>
							<span className="gh-soft">{t("invitations.share.mailText")}</span>
						</>
					)}
					<Button variant="default" leftSection={<IconPrinter size={16} />} onClick={() => window.print()}>
						{t("invitations.share.print")}
					</Button>
				</div>
			</div>
		</>
	);
}
