import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { t } from "~/text/text";
import { Dialog } from "./Dialog";

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
	if (!question) return null;
	const close = () => setQuestion(undefined);

	async function act({ act: answer }: Question) {
		setBusy(true);
		try {
			await answer();
		} catch (problem) {
			onProblem(problem);
		} finally {
			setBusy(false);
			close();
		}
	}

	return (
		<Dialog
			title={question.title}
			onClose={() => !busy && close()}
			buttons={
				<>
					<Button variant="default" onClick={close} disabled={busy}>
						{t("common.no")}
					</Button>
					<Button onClick={() => act(question)} loading={busy} variant={question.danger ? "danger" : "filled"}>
						{question.yes}
					</Button>
				</>
			}
		>
			{question.body}
		</Dialog>
	);
}
