import { Button } from "@mantine/core";
import { get } from "~/api/client";
import { useChange } from "~/api/query";
import type { TokenView } from "~/api/schema.gen";
import { t } from "~/text/text";
import { CopyList, CopyRow } from "~/ui/Copy";
import { complain } from "~/ui/notices";
import { Section } from "../frame/Page";

/** The key of a token: read only when asked for, since that is written down. */
export function TokenKey({ identifier }: { identifier: string }) {
	const show = useChange(() => get<TokenView>(`/core/tokens/${encodeURIComponent(identifier)}/view_key/`));
	return (
		<Section title={t("tokens.key")} text={t("tokens.keyText")}>
			{show.data ? (
				<CopyList>
					<CopyRow label={t("tokens.key")} value={show.data.key} secret />
				</CopyList>
			) : (
				<Button variant="default" loading={show.isPending} onClick={() => show.mutate(undefined, { onError: complain })}>
					{t("tokens.show")}
				</Button>
			)}
		</Section>
	);
}
