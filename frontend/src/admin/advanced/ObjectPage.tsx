import { Button, Skeleton } from "@mantine/core";
import { IconExternalLink } from "@tabler/icons-react";
import { useParams } from "@tanstack/react-router";
import { useGet } from "~/api/query";
import type { Token } from "~/api/schema.gen";
import { ResourceForm } from "~/forms/ResourceForm";
import { useAddress } from "~/list/useList";
import { idOf, type Kind, modelOf, type Row } from "~/schema/description";
import { useKinds } from "~/schema/use";
import { t, tOr } from "~/text/text";
import { Chip } from "~/ui/Chip";
import { Empty, Problem } from "~/ui/Empty";
import { EventList } from "../activity/EventList";
import { Beyond } from "../apps/Beyond";
import { SignIns } from "../apps/SignIns";
import { at } from "../frame/addresses";
import { Missing } from "../frame/Missing";
import { fullModel } from "../frame/models";
import { Page, Section, TabLinks } from "../frame/Page";
import { go } from "../frame/To";
import { Danger } from "../frame/UsedBy";
import { Bindings } from "./Bindings";
import { type Family, familyOf } from "./families";
import { Diagram } from "./flow/Diagram";
import { Outline } from "./flow/Outline";
import type { FlowRow } from "./flow/parts";
import { ExportButton } from "./flow/Transfer";
import { Try } from "./flow/Try";
import { nameOfRow } from "./names";
import { lists } from "./order";
import { Scim } from "./scim/Scim";
import { ScimOut } from "./scim/ScimOut";
import { OAuth, Saml } from "./source/Source";
import { TokenKey } from "./TokenKey";
import { useTest } from "./useTest";

export function ObjectPage() {
	const { family: familyId, id } = useParams({ strict: false }) as { family: string; id: string };
	const family = familyOf(familyId);
	return family ? <Found key={`${familyId}/${id}`} family={family} id={id} /> : <Missing />;
}

/** Families of several kinds know only the common part; the whole object is read from its own collection. */
function useObject(family: Family, id: string) {
	const { kinds } = useKinds();
	const common = useGet<Row>(`${family.path}${encodeURIComponent(id)}/`);
	const kind = kinds?.get(family.kind ?? (common.data ? modelOf(common.data) : ""));
	const own = kind ? `${kind.path}${encodeURIComponent(id)}/` : "";
	const whole = useGet<Row>(own, { enabled: !family.kind && !!kind });
	const object = family.kind || (kinds && common.data && !kind) ? common.data : whole.data;
	return {
		object,
		kind,
		error: common.error ?? whole.error,
		again: common.refetch,
		path: kind ? own : `${family.path}${encodeURIComponent(id)}/`,
	};
}

function Found({ family, id }: { family: Family; id: string }) {
	const { object, kind, error, again, path } = useObject(family, id);
	const crumbs = [
		{ label: t("nav.advanced"), to: at.advanced },
		{ label: t(`families.${family.id}.title`), to: at.family(family.id) },
	];
	if (!object) {
		return (
			<Page title={error ? t(`families.${family.id}.title`) : "…"} crumbs={crumbs}>
				{error ? <Problem error={error} again={again} /> : <Skeleton height={280} />}
			</Page>
		);
	}
	return <Loaded family={family} object={object} kind={kind} path={path} crumbs={crumbs} />;
}

type LoadedProps = { family: Family; object: Row; kind: Kind | undefined; path: string; crumbs: { label: string; to: string }[] };

function Loaded({ family, object, kind, path, crumbs }: LoadedProps) {
	const [search] = useAddress();
	const name = nameOfRow(object);
	const id = idOf({ param: kind?.param ?? "pk" }, object);
	const isFlow = family.id === "flows";
	const connects = ["scimsource", "samlsource", "oauthsource"].includes(kind?.name ?? "");
	const isScimOut = kind?.name === "scimprovider";
	const tabs = [
		...(connects ? ["connect"] : []),
		...(isScimOut ? ["sync"] : []),
		...(isFlow ? ["steps", "diagram", "try"] : []),
		"settings",
		...(object.policybindingmodel_ptr_id ? ["bindings"] : []),
		"activity",
	];
	const tab = tabs.find((one) => one === search.tab) ?? tabs[0] ?? "settings";
	const model = kind?.name ?? "";
	const test = useTest(family.id);
	return (
		<Page
			title={name}
			crumbs={crumbs}
			chips={
				<>
					<Chip>{tOr(String(object.verbose_name ?? t("advanced.object")), `kinds.${model}.title`)}</Chip>
					{Boolean(object.managed) && <Chip tone="notice">{t("advanced.managed")}</Chip>}
				</>
			}
			actions={
				<>
					{isFlow && <ExportButton slug={String(object.slug)} />}
					{isFlow && (
						<Button
							component="a"
							href={`/if/flow/${String(object.slug)}/`}
							target="_blank"
							rel="noopener noreferrer"
							variant="default"
							rightSection={<IconExternalLink size={16} />}
						>
							{t("flows.open")}
						</Button>
					)}
					{test.open && (
						<Button variant="default" aria-haspopup="dialog" onClick={() => test.open?.(object)}>
							{t("expression.test")}
						</Button>
					)}
				</>
			}
			tabs={
				<TabLinks
					label={name}
					current={tab}
					tabs={tabs.map((one) => ({
						id: one,
						label: tOr(one, `advanced.tab.${one}`, `flowPage.tab.${one}`),
						to: at.object(family.id, id, one === tabs[0] ? undefined : one),
					}))}
				/>
			}
		>
			{tab === "connect" && model === "samlsource" && <Saml slug={String(object.slug)} canChange={!!kind?.canChange} />}
			{tab === "connect" && model === "oauthsource" && <OAuth slug={String(object.slug)} />}
			{tab === "connect" && model === "scimsource" && (
				<Scim
					slug={String(object.slug)}
					address={String(object.root_url)}
					identifier={(object.token_obj as Token | null)?.identifier}
					canChange={!!kind?.canChange}
				/>
			)}
			{tab === "sync" && <ScimOut pk={Number(object.pk)} canChange={!!kind?.canChange} />}
			{tab === "steps" && <Outline flow={object as unknown as FlowRow} />}
			{tab === "diagram" && <Diagram slug={String(object.slug)} />}
			{tab === "try" && <Try key={id} slug={String(object.slug)} />}
			{tab === "bindings" && <Bindings target={String(object.policybindingmodel_ptr_id)} />}
			{tab === "activity" && <EventList fixed={{ context_model_name: model, context_model_pk: String(object.pk).replaceAll("-", "") }} />}
			{tab === "settings" && (
				<>
					{model === "token" && <TokenKey identifier={String(object.identifier)} />}
					<Section title={t("advanced.settings")} text={tOr("", `kinds.${model}.text`)}>
						{kind?.canChange ? (
							<ResourceForm
								key={path}
								kind={kind.name}
								object={object}
								first={lists[model]}
								onSaved={(saved) => idOf(kind, saved) !== id && go(at.object(family.id, idOf(kind, saved), "settings"))}
							/>
						) : (
							<Empty title={t("advanced.notServed")} text={t("advanced.notServedText")} />
						)}
					</Section>
					{model === "oauth2provider" && kind?.canChange && (
						<>
							<Beyond provider={Number(object.pk)} />
							<SignIns provider={Number(object.pk)} />
						</>
					)}
					<Danger
						path={path}
						name={name}
						text={t("advanced.deleteText")}
						after={() => go(at.family(family.id))}
						undo={{ model: fullModel(family.kind, object), pk: object.pk }}
					/>
				</>
			)}
			{test.dialog}
		</Page>
	);
}
