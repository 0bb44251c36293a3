import admin from "@text/admin.json";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { families } from "~/admin/advanced/families";
import { changeMany, reasonOf, withReason } from "~/admin/frame/bulk";
import { byModel, fullModel } from "~/admin/frame/models";
import { changeOf, forMany } from "~/admin/frame/useBulkEdit";
import { entryOf } from "~/admin/frame/useFound";
import { detailOf, inOrder } from "~/admin/people/csvLines";
import { ApiError } from "~/api/client";
import type { SheetLine, Undone } from "~/api/gatehouse";
import { effectOf } from "~/api/undo";
import type { Field } from "~/schema/fields";
import { setEnglish } from "~/text/text";

const field = (name: string, widget: Field["widget"]): Field => ({
	name,
	label: name,
	help: "",
	widget,
	required: false,
	nullable: false,
	advanced: false,
	options: [],
});

describe("many at once", () => {
	beforeEach(() => setEnglish(admin));
	afterEach(() => vi.unstubAllGlobals());

	test("the model is the object's own word, else that of its kind", () => {
		expect(fullModel(undefined, { meta_model_name: "authentik_stages_deny.denystage" })).toBe("authentik_stages_deny.denystage");
		expect(fullModel("user", {})).toBe("authentik_core.user");
		expect(fullModel("nonsense", {})).toBeUndefined();
		for (const { kind, types } of families) expect(types || fullModel(kind, {})).toBeTruthy();
	});

	test("rows come together by model", () => {
		const rows = [{ m: "a" }, { m: "b" }, { m: "a", n: 1 }, { m: "" }];
		expect([...byModel(rows, (row) => row.m || undefined)]).toEqual([
			["a", [{ m: "a" }, { m: "a", n: 1 }]],
			["b", [{ m: "b" }]],
		]);
	});

	test("what differs from object to object is not offered", () => {
		expect(forMany([field("name", "text"), field("path", "text"), field("key", "secret")]).map(({ name }) => name)).toEqual(["path"]);
	});

	test("one field becomes the body of a change, lists in three ways", () => {
		expect(changeOf(field("path", "text"), "set", "sales")).toEqual({ fields: { path: "sales" } });
		expect(changeOf(field("path", "text"), "set", "")).toEqual({ fields: { path: "" } });
		expect(changeOf(field("is_active", "switch"), "set", false)).toEqual({ fields: { is_active: false } });
		expect(changeOf(field("groups", "references"), "add", ["x"])).toEqual({ add: { groups: ["x"] } });
		expect(changeOf(field("groups", "references"), "remove", ["x"])).toEqual({ remove: { groups: ["x"] } });
		expect(changeOf(field("groups", "references"), "set", [])).toEqual({ fields: { groups: [] } });
	});

	test("a refusal says the whole and the first reason", async () => {
		const body = { non_field_errors: ["Nothing was changed: 1 of 2 is refused."], 7: ["path: No leading or trailing slashes allowed."] };
		vi.stubGlobal("document", { cookie: "" });
		const fetched = vi.fn(async () => new Response(JSON.stringify(body), { status: 400, headers: { "Content-Type": "application/json" } }));
		vi.stubGlobal("fetch", fetched);
		await expect(changeMany({ model: "m", pks: ["7", "8"] }, { fields: { path: "/" } })).rejects.toMatchObject({
			general: ["Nothing was changed: 1 of 2 is refused. path: No leading or trailing slashes allowed."],
		});
		const [url, sent] = fetched.mock.calls[0] as unknown as [string, RequestInit];
		expect([url, JSON.parse(String(sent.body))]).toEqual([
			"/api/v3/gatehouse/bulk/update/",
			{ model: "m", pks: ["7", "8"], fields: { path: "/" } },
		]);
		const other = new ApiError(403, {}, ["no"]);
		expect(withReason(other)).toBe(other);
	});

	test("the reason of one object", () => {
		expect(reasonOf({ pk: "1", name: "a", ok: true, errors: {}, used_by: 0 })).toBeUndefined();
		expect(reasonOf({ pk: "1", name: "a", ok: false, errors: { x: ["One."], y: ["Two."] }, used_by: 0 })).toBe("One. Two.");
	});
});

describe("what the palette finds", () => {
	const hit = { model: "authentik_core.user", kind: "User", pk: "5", title: "Ada", subtitle: "ada", url: "/if/admin/#/people/users/5" };

	test("leads to the admin page and says what it is", () => {
		setEnglish(admin);
		expect(entryOf(hit)).toEqual({ to: "/people/users/5", label: "Ada", note: `${admin.kinds.user.one} · ada` });
		expect(entryOf({ ...hit, model: "x.unheard", subtitle: "" })).toEqual({ to: "/people/users/5", label: "Ada", note: "User" });
	});

	test("what has no page is left out", () => expect(entryOf({ ...hit, url: "" })).toBeUndefined());
});

describe("undo", () => {
	const undone = (action: string): Undone => ({
		event: "",
		action,
		model: "",
		pk: "",
		name: "",
		fields: ["path", "groups"],
		notes: [],
		possible: true,
		reason: "",
	});

	test("says what it does", () => {
		setEnglish(admin);
		expect(effectOf(undone("model_updated"), (name) => name.toUpperCase())).toBe("Sets these back to what they were: PATH, GROUPS.");
		expect(effectOf(undone("model_created"), String)).toBe("Deletes what was created.");
		expect(effectOf(undone("model_deleted"), String)).toBe("Brings back what was deleted.");
	});
});

describe("preview of a file", () => {
	const line = (number: number, action: SheetLine["action"], more: Partial<SheetLine> = {}): SheetLine => ({
		line: number,
		action,
		name: "",
		changes: [],
		errors: {},
		...more,
	});

	test("refused lines come first, unchanged ones last", () => {
		const lines = [line(2, "unchanged"), line(3, "create"), line(5, "error"), line(4, "error"), line(6, "update")];
		expect(inOrder(lines).map((one) => one.line)).toEqual([4, 5, 6, 3, 2]);
	});

	test("each line says what happens", () => {
		setEnglish(admin);
		expect(detailOf(line(2, "error", { errors: { email: ["No."], non_field_errors: ["Twice."] } }))).toEqual(["email: No.", "Twice."]);
		expect(detailOf(line(2, "create", { changes: [{ column: "name", was: "", now: "Ada" }] }))).toEqual(["name: Ada"]);
		expect(detailOf(line(2, "update", { changes: [{ column: "name", was: "", now: "Ada" }] }))).toEqual(["name: (empty) → Ada"]);
	});
});
