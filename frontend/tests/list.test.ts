import { describe, expect, test } from "vitest";
import { withQuery } from "~/api/client";
import { changed, nextOrdering, readState, toQuery } from "~/list/state";

describe("the state of a list in the address", () => {
	test("what is missing or nonsense gets its usual value", () => {
		const usual = { page: 1, pageSize: 20, search: "", ordering: "name", filters: {} };
		expect(readState({}, ["is_active"], "name")).toEqual(usual);
		expect(readState({ page: "x", page_size: -3, is_active: "" }, ["is_active"], "name")).toEqual(usual);
	});

	test("only the filters of the list are read, and a page never grows over 100 rows", () => {
		const state = readState({ page: 3, page_size: 5000, search: "ada", is_active: true, tab: "groups" }, ["is_active"]);
		expect(state).toEqual({ page: 3, pageSize: 100, search: "ada", ordering: "", filters: { is_active: "true" } });
		expect(toQuery(state)).toEqual({ page: 3, page_size: 100, search: "ada", ordering: "", is_active: "true" });
	});

	test("a change goes back to the first page, turning the page does not", () => {
		expect(changed({ page: 4, search: "a", tab: "x" }, { search: "ab" })).toEqual({ search: "ab", tab: "x" });
		expect(changed({ page: 4, search: "a" }, { page: 5 })).toEqual({ page: 5, search: "a" });
		expect(changed({ page: 4 }, { page: 1 })).toEqual({});
		expect(changed({ is_active: "true" }, { is_active: undefined })).toEqual({});
	});

	test("a title turns the order: up, down, as usual", () => {
		expect(nextOrdering("", "name")).toBe("name");
		expect(nextOrdering("name", "name")).toBe("-name");
		expect(nextOrdering("-name", "name")).toBe("");
		expect(nextOrdering("email", "name")).toBe("name");
	});

	test("what is empty is not asked for", () => {
		expect(withQuery("/core/users/", { search: "", page: 2, path: undefined, groups: ["a", "b"] })).toBe(
			"/core/users/?page=2&groups=a&groups=b",
		);
		expect(withQuery("/core/users/")).toBe("/core/users/");
	});
});
