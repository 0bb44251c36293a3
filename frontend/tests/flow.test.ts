import admin from "@text/admin.json";
import flows from "@text/flows.json";
import { beforeAll, describe, expect, test } from "vitest";
import { HIGH, inLines, layOut, ranks, WIDE } from "~/admin/advanced/flow/layout";
import { readMermaid } from "~/admin/advanced/flow/mermaid";
import { byTarget, orderAfter, whenShown } from "~/admin/advanced/flow/parts";
import { saidIn, saidOf } from "~/admin/advanced/flow/said";
import { ApiError, toApiError } from "~/api/errors";
import type { FlowImportResult, PolicyBinding } from "~/api/schema.gen";
import { setEnglish } from "~/text/text";

/** What the server answers for a flow with a requirement, a policy of its own and one before a stage. */
const answer = [
	"graph TD",
	'flow_start[["Flow\nSay #quot;hello#quot;"]]',
	'flow_auth_requirement["Flow authentication requirement\nrequire_authenticated"]',
	'flow_pre[["Pre-flow policies"]]',
	'flow_policy_0{{"Policy (Expression Policy)\nonly-inside"}}',
	'stage_0(["Stage (Prompt Stage)\nask"])',
	'stage_1(["Stage (Password Stage)\npassword"])',
	'stage_1_policy_0{{"Policy (Expression Policy)\nhas-none"}}',
	'done[["End of the flow"]]',
	"flow_auth_requirement --Requirement fulfilled--> flow_start",
	"flow_auth_requirement --Requirement not fulfilled--> done",
	"flow_pre --Binding 0--> flow_policy_0",
	"flow_policy_0 --Policy passed--> flow_start",
	"flow_policy_0 --Policy denied--> done",
	"flow_start --> stage_0",
	"stage_0 --Binding 10--> stage_1_policy_0",
	"stage_1_policy_0 --Policy passed--> stage_1",
	"stage_1_policy_0 --Policy denied--> done",
	"stage_1 --End of the flow--> done",
].join("\n");

beforeAll(() => setEnglish(admin, flows));

describe("diagram", () => {
	const graph = readMermaid(answer);

	test("nodes and ways are read, with names over two lines and quotes inside", () => {
		expect(graph.nodes).toHaveLength(8);
		expect(graph.nodes[0]).toEqual({ id: "flow_start", shape: "end", kind: "Flow", text: 'Say "hello"' });
		expect(graph.nodes.find(({ id }) => id === "stage_1_policy_0")?.shape).toBe("policy");
		expect(graph.nodes.find(({ id }) => id === "done")).toEqual({ id: "done", shape: "end", kind: "", text: "End of the flow" });
		expect(graph.edges).toHaveLength(10);
		expect(graph.edges).toContainEqual({ from: "flow_start", label: "", to: "stage_0" });
		expect(graph.edges).toContainEqual({ from: "stage_1", label: "End of the flow", to: "done" });
	});

	test("a way to nowhere is left out, and an empty text has nothing", () => {
		expect(readMermaid('a["A"]\na --> b').edges).toEqual([]);
		expect(layOut(readMermaid("graph TD"))).toMatchObject({ nodes: [], ways: [] });
	});

	test("every way leads down, and what starts one stands right above", () => {
		const rank = ranks(graph);
		for (const { from, to } of graph.edges) expect(rank.get(from)).toBeLessThan(rank.get(to) ?? 0);
		expect(rank.get("flow_auth_requirement")).toBe((rank.get("flow_start") ?? 0) - 1);
	});

	test("a loop ends", () => expect(ranks(readMermaid('a["A"]\nb["B"]\na --> b\nb --> a')).size).toBe(2));

	test("no two nodes cover each other, and ways that pass others by have lanes of their own", () => {
		const { nodes, ways, width } = layOut(graph);
		for (const a of nodes)
			for (const b of nodes) {
				if (a !== b) expect(Math.abs(a.x - b.x) >= WIDE || Math.abs(a.y - b.y) >= HIGH).toBe(true);
			}
		const lanes = ways.flatMap(({ path }) => /H(\d+)q/.exec(path)?.[1] ?? []).map(Number);
		expect(lanes).toHaveLength(3);
		expect(new Set(lanes).size).toBe(3);
		for (const lane of lanes) expect(lane).toBeGreaterThan(Math.max(...nodes.map(({ x }) => x)) + WIDE);
		expect(Math.max(...lanes)).toBeLessThan(width);
	});

	test("long names break at the end of a word, and are cut after two lines", () => {
		expect(inLines("default-authentication-login")).toEqual(["default-authentication-login"]);
		expect(inLines("default-authentication-mfa-validation")).toEqual(["default-authentication-mfa-", "validation"]);
		expect(inLines("x".repeat(80))).toEqual(["x".repeat(32), `${"x".repeat(31)}…`]);
	});
});

const guard = (name: string, more: Partial<PolicyBinding> = {}) =>
	({
		pk: name,
		target: "t",
		policy: "p",
		policy_obj: { name },
		enabled: true,
		negate: false,
		order: 0,
		...more,
	}) as unknown as PolicyBinding;

describe("when a step is shown", () => {
	test.each([
		["nothing is bound", "any", [], ["Always shown"]],
		["one decides", "any", [guard("a")], ["Shown when a lets it"]],
		["the opposite of one", "any", [guard("a", { negate: true })], ["Shown when not a lets it"]],
		["one of two", "any", [guard("a"), guard("b")], ["Shown when one of these lets it: a, b"]],
		["both of two", "all", [guard("a"), guard("b")], ["Shown when all of these let it: a, b"]],
		["what is off asks nobody", "any", [guard("a", { enabled: false })], ["Always shown", "switched off: a"]],
	])("%s", (_case, mode, guards, said) => {
		expect(whenShown({ policy_engine_mode: mode as "any" | "all" }, guards)).toEqual(said);
	});

	test("what is bound is found by what it is bound to", () => {
		const found = byTarget([guard("a"), guard("b", { target: "u" }), guard("c")]);
		expect(found.get("t")?.map(({ pk }) => pk)).toEqual(["a", "c"]);
		expect(found.get("u")).toHaveLength(1);
	});

	test("the next order leaves room", () => {
		expect(orderAfter([])).toBe(0);
		expect(orderAfter([{ order: 30 }, { order: 5 }])).toBe(40);
	});
});

describe("what the server says of a file", () => {
	const logs = [{ timestamp: "", log_level: "warning", logger: "", event: "line 3: name: This field is required.", attributes: {} }];

	test("an answer and a refusal say the same", () => {
		expect(saidOf({ logs } as Pick<FlowImportResult, "logs">)).toEqual([{ tone: "warning", text: logs[0]?.event }]);
		expect(saidIn(toApiError(400, { logs, success: false })).map(({ text }) => text)).toEqual([logs[0]?.event]);
	});

	test("a refusal without words says that there are none; others keep theirs", () => {
		expect(saidIn(new ApiError(400, {}, []))[0]?.text).toBe("The server refused the file and gave no reason.");
		expect(saidIn(new ApiError(413, {}, ["The file is too large."]))[0]?.text).toBe("The file is too large.");
	});
});
