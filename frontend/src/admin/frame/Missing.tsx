import { Button } from "@mantine/core";
import { t } from "~/text/text";
import { Empty } from "~/ui/Empty";
import { at } from "./addresses";
import { Page } from "./Page";
import { go } from "./To";

export function Missing() {
	return (
		<Page title={t("missing.title")}>
			<Empty title={t("missing.title")} text={t("missing.text")}>
				<Button onClick={() => go(at.home)}>{t("missing.home")}</Button>
			</Empty>
		</Page>
	);
}
