// The flows that an invitation can lead to: those with a stage that asks for one.
import { type Page, useGet } from "~/api/query";
import type { FlowSet, Invitation, InvitationStage } from "~/api/schema.gen";

/** Read anew with every change, so a flow that was just set up shows at once. */
export function useInvitationFlows() {
	const { data, error, refetch } = useGet<Page<InvitationStage>>("/stages/invitation/stages/", {
		query: { no_flows: false, page_size: 100 },
	});
	return { flows: data && flowsOf(data.results), error, refetch };
}

/** Flows that create accounts come first. */
export function flowsOf(stages: readonly Pick<InvitationStage, "flow_set">[]): FlowSet[] {
	const all = new Map(stages.flatMap(({ flow_set }) => flow_set ?? []).map((flow) => [flow.pk, flow]));
	const creates = (flow: FlowSet) => (flow.designation === "enrollment" ? 0 : 1);
	return [...all.values()].sort((a, b) => creates(a) - creates(b) || a.name.localeCompare(b.name));
}

/** Where somebody goes who has this invitation; one that names no flow counts in the first there is. */
export function linkOf(base: string, invitation: Pick<Invitation, "pk" | "flow_obj">, flows: readonly FlowSet[] | undefined) {
	const slug = invitation.flow_obj?.slug ?? flows?.[0]?.slug;
	return slug && `${base}/if/flow/${encodeURIComponent(slug)}/?itoken=${encodeURIComponent(invitation.pk)}`;
}

const MOST = 50;

/** The name of an invitation as the server takes it: a slug of what was written. */
export function slugOf(text: string): string {
	return text
		.normalize("NFD")
		.replace(/\p{M}/gu, "")
		.toLowerCase()
		.replace(/[^a-z0-9]+/g, "-")
		.slice(0, MOST)
		.replace(/^-+|-+$/g, "");
}
