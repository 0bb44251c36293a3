import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconCheck, IconX } from "@tabler/icons-react";
import { t } from "~/text/text";
import { problemText } from "./problem";

/** Says that something went well. */
export function told(message: string): void {
	notifications.show({
		message,
		color: "teal",
		icon: <IconCheck size={16} />,
		autoClose: 4_000,
		closeButtonProps: { "aria-label": t("common.close") },
	});
}

/** Says that something went well, and offers one thing more; it stays long enough to reach for it. */
export function toldWith(message: string, label: string, act: () => void): void {
	const id = notifications.show({
		message: (
			<>
				{message}{" "}
				<Button
					variant="subtle"
					size="compact-sm"
					onClick={() => {
						notifications.hide(id);
						act();
					}}
				>
					{label}
				</Button>
			</>
		),
		color: "teal",
		icon: <IconCheck size={16} />,
		autoClose: 12_000,
		closeButtonProps: { "aria-label": t("common.close") },
	});
}

/** Says what went wrong; stays until it is closed. */
export function complain(problem: unknown): void {
	notifications.show({
		title: t("common.problem.title"),
		message: problemText(problem),
		color: "red",
		icon: <IconX size={16} />,
		autoClose: 12_000,
		closeButtonProps: { "aria-label": t("common.close") },
	});
}
