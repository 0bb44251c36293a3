import { Button, Group, Modal } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { t } from "~/text/text";

type Place = { pathname: string; search: unknown };
const tabOf = (place: Place) => (place.search as { tab?: string }).tab;
const isElsewhere = (a: Place, b: Place) => a.pathname !== b.pathname || tabOf(a) !== tabOf(b);

/** Asks before a page with unsaved changes is left. */
export function LeaveGuard({ when }: { when: boolean }) {
	const blocker = useBlocker({
		shouldBlockFn: ({ current, next }) => when && isElsewhere(current, next),
		enableBeforeUnload: () => when,
		withResolver: true,
	});
	if (blocker.status !== "blocked") return null;
	return (
		<Modal opened onClose={blocker.reset} title={t("forms.leaveTitle")} centered closeButtonProps={{ "aria-label": t("common.close") }}>
			<p>{t("forms.leaveText")}</p>
			<Group justify="flex-end" gap="xs">
				<Button variant="default" onClick={blocker.proceed}>
					{t("forms.leave")}
				</Button>
				<Button onClick={blocker.reset} data-autofocus>
					{t("forms.stay")}
				</Button>
			</Group>
		</Modal>
	);
}
