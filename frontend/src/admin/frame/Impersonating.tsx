import { Button } from "@mantine/core";
import { get } from "~/api/client";
import { t } from "~/text/text";
import { ToneIcon } from "~/ui/Chip";
import { personName } from "~/ui/names";
import { complain } from "~/ui/notices";
import classes from "./Impersonating.module.css";
import { useMe } from "./session";

/** Who someone works as, and the way back. */
export function Impersonating() {
	const { me, original } = useMe();
	if (!me || !original) return null;
	const end = () =>
		get("/core/users/impersonate_end/")
			.then(() => location.reload())
			.catch(complain);
	return (
		<div className={classes.bar} role="status">
			<ToneIcon tone="warning" size={18} />
			<span className={classes.text}>{t("frame.impersonating", { name: personName(me), original: personName(original) })}</span>
			<Button size="compact-sm" variant="default" onClick={end}>
				{t("frame.endImpersonation")}
			</Button>
		</div>
	);
}
