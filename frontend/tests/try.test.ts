import admin from "@text/admin.json";
import flows from "@text/flows.json";
import { beforeAll, describe, expect, test } from "vitest";
import { answerOf, askedOf, endOf, nameOfVoice, sentenceOf, toneOfStep } from "~/admin/advanced/flow/tried";
import type { FlowTried, FlowTriedPolicy, FlowTriedStep } from "~/api/gatehouse";
import { setEnglish } from "~/text/text";

beforeAll(() => setEnglish(admin, flows));

const voice = (more: Partial<FlowTriedPolicy> = {}): FlowTriedPolicy => ({
	pk: "1",
	via: "policy",
	target: "2",
	name: "only-inside",
	verbose_name: "Expression Policy",
	negate: false,
	order: 0,
	enabled: true,
	passing: true,
	messages: [],
	log_messages: [],
	error: null,
	took_ms: 0.1,
	...more,
});
const failure = { type: "KeyError", message: "'x'", line: 3, trace: "" };
const step = (more: Partial<FlowTriedStep> = {}): FlowTriedStep => ({
	order: 0,
	binding: "3",
	stage: null,
	evaluated: "run",
	re_evaluate: true,
	included: true,
	outcome: "asks",
	challenge: null,
	to: null,
	message: "",
	user: "ada",
	policies: [],
	...more,
});
const tried = (more: Partial<FlowTried> = {}): FlowTried => ({
	passing: true,
	messages: [],
	signed_in: false,
	requirement: { authentication: "none", met: true },
	flow_policies: [],
	flow_policies_user: null,
	steps: [],
	...more,
});

describe("a step in words", () => {
	const no = voice({ passing: false });
	const staff = voice({ via: "group", name: "Staff" });
	test.each<[Partial<FlowTriedStep>, string]>([
		[{}, "Always shown."],
		[{ policies: [no, staff] }, "Shown, since the group Staff said yes."],
		[{ policies: [voice({ enabled: false, passing: null })] }, "Always shown."],
		[{ outcome: "runs" }, "It asks nothing."],
		[{ outcome: "runs", policies: [staff] }, "It asks nothing, and runs since the group Staff said yes."],
		[{ outcome: "skipped", policies: [no, staff] }, "Skipped, since the policy only-inside said no."],
		[
			{ outcome: "fails", policies: [staff, voice({ passing: false, error: failure })] },
			"Access is denied here, since the policy only-inside could not answer.",
		],
		[{ outcome: "fails", message: "There is no such stage any more." }, "There is no such stage any more."],
		[{ outcome: "denies", message: "Closed." }, "They read: Closed."],
		[{ outcome: "leaves", to: "https://else.where/" }, "They are sent to https://else.where/"],
		[{ outcome: "open" }, "The flow does not come so far."],
	])("%o", (more, want) => expect(sentenceOf(step(more))).toBe(want));

	test("who was asked about, and when", () => {
		expect(askedOf(step())).toBe("Asked as the step is reached, about ada");
		expect(askedOf(step({ evaluated: "plan", user: null }))).toBe("Asked as the flow begins, when nobody is known yet");
	});
	test("a state is never told by colour alone", () => {
		expect([toneOfStep(step()), toneOfStep(step({ outcome: "skipped" })), toneOfStep(step({ outcome: "fails" }))]).toEqual([
			"good",
			"plain",
			"danger",
		]);
	});
});

test("what one of them said", () => {
	expect(answerOf(voice())).toEqual({ tone: "good", text: "said yes" });
	expect(answerOf(voice({ passing: false })).text).toBe("said no");
	expect(answerOf(voice({ enabled: false, passing: null })).text).toBe("is switched off and was not asked");
	expect(answerOf(voice({ passing: false, error: failure }))).toEqual({ tone: "danger", text: "could not answer" });
	expect(answerOf(voice({ error: failure })).text).toBe("could not answer, which counts as yes");
	expect(nameOfVoice(voice({ via: "user", name: "" }))).toBe("somebody you may not see");
});

describe("what it comes to", () => {
	test.each<[string, Partial<FlowTried>, string, string]>([
		["through", { steps: [step(), step({ outcome: "runs" }), step({ outcome: "skipped" })] }, "good", "They come through, in 2 steps."],
		["all left out", { steps: [step({ outcome: "skipped" })] }, "warning", "Every step is left out, so the flow ends at once."],
		["sent away", { steps: [step({ outcome: "leaves", to: "/x" })] }, "notice", "The flow leads them to /x."],
		[
			"kept out",
			{ passing: false, flow_policies: [voice({ passing: false })], steps: [step({ outcome: "open" })] },
			"danger",
			"They don’t get in.",
		],
		["denied later", { passing: false, steps: [step(), step({ outcome: "denies" })] }, "danger", "The flow ends before its last step."],
	])("%s", (_, more, tone, text) => expect(endOf(tried(more))).toEqual({ tone, text, more: [] }));

	test("a requirement that is not met says for whom the flow is", () => {
		const end = endOf(tried({ passing: false, requirement: { authentication: "require_unauthenticated", met: false } }));
		expect(end).toEqual({ tone: "danger", text: "The flow is not for them.", more: ["It is for people who are not signed in."] });
	});
});
