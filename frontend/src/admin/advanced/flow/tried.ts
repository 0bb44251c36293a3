// What a flow that is tried out would do, in words.
import type { FlowTried, FlowTriedPolicy, FlowTriedStep } from "~/api/gatehouse";
import { t, tOr } from "~/text/text";
import type { Tone } from "~/ui/Chip";

const tones: Record<FlowTriedStep["outcome"], Tone> = {
	asks: "good",
	runs: "good",
	skipped: "plain",
	denies: "danger",
	leaves: "notice",
	fails: "danger",
	open: "plain",
};
export const toneOfStep = ({ outcome }: Pick<FlowTriedStep, "outcome">): Tone => tones[outcome];

/** What somebody is called who decides: "the policy only-inside", "the group Staff". */
export function nameOfVoice({ via, name }: Pick<FlowTriedPolicy, "via" | "name">): string {
	return name ? t(`flowPage.try.voice.${via}`, { name }) : t("flowPage.try.voice.hidden");
}

/** What one of them said: yes, no, nothing at all. */
export function answerOf({ enabled, passing, error }: Pick<FlowTriedPolicy, "enabled" | "passing" | "error">): {
	tone: Tone;
	text: string;
} {
	if (!enabled || passing === null) return { tone: "plain", text: t("flowPage.try.answer.off") };
	if (error) return { tone: "danger", text: t(passing ? "flowPage.try.answer.failedYes" : "flowPage.try.answer.failed") };
	return passing ? { tone: "good", text: t("flowPage.try.answer.yes") } : { tone: "warning", text: t("flowPage.try.answer.no") };
}

const named = (voices: FlowTriedPolicy[]) => voices.map(nameOfVoice).join(", ");

/** Who let it happen, or prevented it. */
function voices(policies: readonly FlowTriedPolicy[], passing: boolean): FlowTriedPolicy[] {
	return policies.filter((one) => one.passing === passing);
}

/** Why a step is what it is, in one sentence. */
export function sentenceOf({ outcome, policies, message, to }: Pick<FlowTriedStep, "outcome" | "policies" | "message" | "to">): string {
	switch (outcome) {
		case "skipped":
			return t("flowPage.try.said.skipped", { who: named(voices(policies, false)) });
		case "fails": {
			const failed = policies.filter(({ error }) => error);
			return failed.length > 0 ? t("flowPage.try.said.fails", { who: named(failed) }) : message;
		}
		case "denies":
			return t("flowPage.try.said.denies", { message });
		case "leaves":
			return t("flowPage.try.said.leaves", { to: to ?? "" });
		case "open":
			return t("flowPage.try.said.open");
	}
	const yes = voices(policies, true);
	if (yes.length > 0) return t(`flowPage.try.said.${outcome}By`, { who: named(yes) });
	return t(`flowPage.try.said.${outcome}`);
}

/** About whom the policies of a step were asked, and when. */
export function askedOf({ evaluated, user }: Pick<FlowTriedStep, "evaluated" | "user">): string {
	return t(user ? `flowPage.try.asked.${evaluated}` : `flowPage.try.asked.${evaluated}Nobody`, { user: user ?? "" });
}

/** What it all comes to. */
export function endOf({ passing, requirement, steps, flow_policies }: FlowTried): { tone: Tone; text: string; more: string[] } {
	if (!requirement.met) {
		return { tone: "danger", text: t("flowPage.try.end.unmet"), more: [tOr("", `flowPage.try.requirement.${requirement.authentication}`)] };
	}
	if (!passing) {
		const before = steps.every(({ outcome }) => outcome === "open") && flow_policies.length > 0;
		return { tone: "danger", text: t(before ? "flowPage.try.end.before" : "flowPage.try.end.denied"), more: [] };
	}
	const away = steps.find(({ outcome }) => outcome === "leaves");
	if (away) return { tone: "notice", text: t("flowPage.try.end.away", { to: away.to ?? "" }), more: [] };
	const shown = steps.filter(({ outcome }) => outcome === "asks" || outcome === "runs").length;
	if (shown === 0) return { tone: "warning", text: t("flowPage.try.end.empty"), more: [] };
	return { tone: "good", text: t("flowPage.try.end.through", { count: shown }), more: [] };
}
