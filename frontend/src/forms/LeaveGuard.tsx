import { Button } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { t } from "~/text/text";
import { Dialog } from "~/ui/Dialog";

type Place = { pathname: string; search: unknown };

/** What of the address says which form is open; the rest only sorts and narrows lists. */
const parts = ["tab", "step", "part"] as const;
const formOf = (place: Place) => parts.map((part) => (place.search as Record<string, unknown>)[part]).join("\n");
const isElsewhere = (a: Place, b: Place) => a.pathname !== b.pathname || formOf(a) !== formOf(b);

/** Asks before a page with unsaved changes is left. */
export function LeaveGuard({ when }: { when: boolean }) {
	const blocker = useBlocker({
		shouldBlockFn: ({ current, next }) => when && isElsewhere(current, next),
		enableBeforeUnload: () => when,
		withResolver: true,
	});
	if (blocker.status !== "blocked") return null;
	return (
		<Dialog
			title={t("forms.leaveTitle")}
			onClose={blocker.reset}
			buttons={
				<>
					<Button variant="default" onClick={blocker.proceed}>
						{t("forms.leave")}
					</Button>
					<Button onClick={blocker.reset}>{t("forms.stay")}</Button>
				</>
			}
		>
			<p>{t("forms.leaveText")}</p>
		</Dialog>
	);
}
