import { beforeAll, describe, expect, test } from "vitest";
import { type Description, idOf, kindsOf, modelOf, type Property } from "~/schema/description";
import { fieldsOf } from "~/schema/fields";
import { setEnglish } from "~/text/text";

const json = (schema: Property) => ({ content: { "application/json": { schema } } });
const ref = (name: string): Property => ({ $ref: `#/components/schemas/${name}` });

const description: Description = {
	paths: {
		"/flows/instances/": { get: {}, post: { requestBody: json(ref("FlowRequest")), responses: { "201": json(ref("Flow")) } } },
		"/flows/instances/{slug}/": { get: { responses: { "200": json(ref("Flow")) } }, patch: {}, delete: {} },
		"/policies/all/": { get: {} },
		"/policies/all/{policy_uuid}/": { get: { responses: { "200": json(ref("Policy")) } }, delete: {} },
		"/core/users/me/": { get: {} },
	},
	components: {
		schemas: {
			Flow: { type: "object" },
			Policy: { type: "object" },
			Designation: { type: "string", enum: ["authentication", "recovery"] },
			BlankEnum: { type: "string", enum: [""] },
			FlowRequest: {
				type: "object",
				required: ["name", "full", "slug", "designation", "enabled"],
				properties: {
					name: { type: "string", minLength: 1, description: "Server's help." },
					full: { type: "string" },
					slug: { type: "string", "x-format": "slug" },
					designation: { allOf: [ref("Designation")], description: "What for." },
					layout: { oneOf: [ref("Designation"), ref("BlankEnum")] },
					enabled: { type: "boolean", default: true },
					valid: { type: "string", "x-format": "duration" },
					stage: { type: "string", format: "uuid", nullable: true, "x-ref": "stages", "x-ref-path": "/stages/all/", "x-ref-key": "pk" },
					stages: { type: "array", items: { type: "string", "x-ref-path": "/api/v3/stages/all/" } },
					key: { type: "string", "x-secret": true, "x-group": "advanced" },
					attributes: { type: "object" },
					hosts: { type: "array", items: { type: "string" } },
					many: { type: "array", items: ref("Designation") },
					expires: { type: "string", format: "date-time" },
					flow_set: { type: "array", items: ref("Flow") },
					pk: { type: "string", readOnly: true },
				},
			},
		},
	},
};

describe("the server's description of itself", () => {
	const kinds = kindsOf(description);
	beforeAll(() => setEnglish({ fields: { name: "Name" }, options: { designation: { recovery: "Getting back in" } } }));

	test("kinds are the collections with objects, and know what can be done", () => {
		expect([...kinds.keys()]).toEqual(["flow", "policy"]);
		expect(kinds.get("flow")).toMatchObject({
			path: "/flows/instances/",
			param: "slug",
			canCreate: true,
			canChange: true,
			canDelete: true,
		});
		expect(kinds.get("policy")).toMatchObject({ canCreate: false, canChange: false, canDelete: true });
	});

	test("objects are addressed by what the address says, else by their key", () => {
		expect(idOf({ param: "slug" }, { pk: 1, slug: "a" })).toBe("a");
		expect(idOf({ param: "policy_uuid" }, { pk: "u" })).toBe("u");
		expect(modelOf({ meta_model_name: "authentik_policies_dummy.dummypolicy" })).toBe("dummypolicy");
	});

	test("every property gets the input that fits", () => {
		const kind = kinds.get("flow");
		if (!kind) throw new Error("no flow");
		const fields = Object.fromEntries(fieldsOf(description, kind).map((field) => [field.name, field]));
		const widgets = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.widget]));
		expect(widgets).toEqual({
			name: "text",
			full: "text",
			slug: "slug",
			designation: "choice",
			layout: "choice",
			enabled: "switch",
			valid: "duration",
			stage: "reference",
			stages: "references",
			key: "secret",
			attributes: "json",
			hosts: "texts",
			many: "choices",
			expires: "time",
		});
		expect(fields.name).toMatchObject({ label: "Name", help: "Server's help.", required: true });
		expect(fields.full).toMatchObject({ required: false, always: true });
		expect(fields.valid).toMatchObject({ label: "Valid", help: "", required: false });
		expect(fields.enabled).toMatchObject({ required: false, default: true });
		expect(fields.designation?.options).toEqual([
			{ value: "authentication", label: "authentication" },
			{ value: "recovery", label: "Getting back in" },
		]);
		expect(fields.layout?.options.map((option) => option.value)).toEqual(["authentication", "recovery"]);
		expect(fields.stage).toMatchObject({ nullable: true, reference: { path: "/stages/all/", key: "pk" } });
		expect(fields.stages?.reference).toEqual({ path: "/stages/all/", key: "pk" });
		expect(fields.key?.advanced).toBe(true);
	});
});
