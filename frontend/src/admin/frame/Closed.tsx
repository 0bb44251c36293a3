import { Button } from "@mantine/core";
import { t } from "~/text/text";
import { Empty } from "~/ui/Empty";
import { Mark } from "~/ui/Mark";
import { Impersonating } from "./Impersonating";

type Props = { reason: "window" | "rights" | "unreachable" };

/** Why nothing else is shown, and what to do. */
export function Closed({ reason }: Props) {
	return (
		<main className="gh-start">
			<div>
				{reason === "rights" && <Impersonating />}
				<h1 className="gh-visually-hidden">Gatehouse</h1>
				<Empty icon={<Mark size={56} />} title={t(`common.closed.${reason}.title`)} text={t(`common.closed.${reason}.text`)}>
					{reason === "rights" && (
						<Button component="a" href="/if/user/">
							{t("frame.portal")}
						</Button>
					)}
					{reason === "unreachable" && <Button onClick={() => location.reload()}>{t("common.problem.again")}</Button>}
				</Empty>
			</div>
		</main>
	);
}
