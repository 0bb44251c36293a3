import { Button, Group, Modal } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { t } from "~/text/text";

type Question = { title: string; body: ReactNode; yes: string; danger?: boolean; act: () => Promise<unknown> };

let ask: (question: Question) => void = () => {};

/** Asks before something that cannot be undone; does it and closes when it is done. */
export function confirm(question: Question): void {
	ask(question);
}

/** Where the questions appear; stands once in the page. */
export function Confirm({ onProblem }: { onProblem: (problem: unknown) => void }) {
	const [question, setQuestion] = useState<Question>();
	const [busy, setBusy] = useState(false);
	useEffect(() => {
		ask = setQuestion;
	}, []);
	const close = () => setQuestion(undefined);

	async function act() {
		if (!question) return;
		setBusy(true);
		try {
			await question.act();
			close();
		} catch (problem) {
			close();
			onProblem(problem);
		} finally {
			setBusy(false);
		}
	}

	return (
		<Modal
			opened={!!question}
			onClose={close}
			title={question?.title}
			centered
			transitionProps={{ duration: 100 }}
			closeButtonProps={{ "aria-label": t("common.close") }}
		>
			{question?.body}
			<Group justify="flex-end" gap="xs" mt="lg">
				<Button variant="default" onClick={close} disabled={busy} data-autofocus>
					{t("common.no")}
				</Button>
				<Button onClick={act} loading={busy} className={question?.danger ? "gh-danger-button" : undefined}>
					{question?.yes}
				</Button>
			</Group>
		</Modal>
	);
}
