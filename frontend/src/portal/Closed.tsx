import { Button } from "@mantine/core";
import { t } from "~/text/text";
import { Empty } from "~/ui/Empty";
import { Mark } from "~/ui/Mark";

export function Closed({ reason }: { reason: "window" | "unreachable" }) {
	return (
		<main className="gh-start">
			<div>
				<h1 className="gh-visually-hidden">Gatehouse</h1>
				<Empty icon={<Mark size={56} />} title={t(`common.closed.${reason}.title`)} text={t(`common.closed.${reason}.text`)}>
					{reason === "unreachable" && <Button onClick={() => location.reload()}>{t("common.problem.again")}</Button>}
				</Empty>
			</div>
		</main>
	);
}
