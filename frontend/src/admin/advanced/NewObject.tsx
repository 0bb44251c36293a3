import { useParams } from "@tanstack/react-router";
import { useMemo } from "react";
import { ResourceForm } from "~/forms/ResourceForm";
import { useAddress } from "~/list/useList";
import { idOf } from "~/schema/description";
import { useKinds } from "~/schema/use";
import { t, tOr } from "~/text/text";
import { at } from "../frame/addresses";
import { Missing } from "../frame/Missing";
import { Page, Section } from "../frame/Page";
import { go } from "../frame/To";
import { familyOf } from "./families";
import { lists, starts } from "./order";

/** What may stand in the address to start a form with. */
const presets = ["target", "user", "stage", "order"] as const;
const numbers = new Set(["user", "order"]);

export function NewObject() {
	const { family: id } = useParams({ strict: false }) as { family: string };
	const [search] = useAddress();
	const { kinds } = useKinds();
	const family = familyOf(id);
	const kind = family?.kind ?? String(search.model ?? "");
	const preset = useMemo(() => {
		const given = presets.filter((name) => search[name] !== undefined);
		return { ...starts[kind], ...Object.fromEntries(given.map((name) => [name, numbers.has(name) ? Number(search[name]) : search[name]])) };
	}, [search, kind]);
	if (!family) return <Missing />;
	const back = () => go(at.family(id));
	return (
		<Page
			title={t("advanced.new", { kind: tOr(t("advanced.object"), `kinds.${kind}.title`) })}
			crumbs={[
				{ label: t("nav.advanced"), to: at.advanced },
				{ label: t(`families.${id}.title`), to: at.family(id) },
			]}
		>
			<Section title={t("advanced.settings")} text={tOr("", `kinds.${kind}.text`)}>
				<ResourceForm
					kind={kind}
					preset={preset}
					first={lists[kind]}
					onSaved={(saved) => go(at.object(id, idOf({ param: kinds?.get(kind)?.param ?? "pk" }, saved)))}
					onCancel={back}
				/>
			</Section>
		</Page>
	);
}
