import { beforeAll, describe, expect, test } from "vitest";
import { ApiError, toApiError } from "~/api/errors";
import { setEnglish } from "~/text/text";
import { problemText } from "~/ui/problem";

describe("answers that are no success", () => {
	test("messages of fields, nested and in lists", () => {
		const error = toApiError(400, { name: ["Taken."], app: { slug: ["Bad."] }, links: [{ href: ["No address."] }], code: "invalid" });
		expect(error.fields).toEqual({ name: ["Taken."], "app.slug": ["Bad."], "links.0.href": ["No address."] });
		expect(error.general).toEqual([]);
	});

	test("messages that belong to no field", () => {
		expect(toApiError(400, { non_field_errors: ["One of them."] }).general).toEqual(["One of them."]);
		expect(toApiError(403, { detail: "Not allowed." }).general).toEqual(["Not allowed."]);
	});

	test("texts are taken, pages of a proxy are not", () => {
		expect(toApiError(502, "upstream gone").general).toEqual(["upstream gone"]);
		expect(toApiError(502, "<html>Bad gateway</html>").general).toEqual([]);
		expect(toApiError(502, undefined).general).toEqual([]);
	});
});

describe("what a person reads", () => {
	beforeAll(() => setEnglish({ common: { problem: { page: "Page.", other: "Other.", "0": "Offline.", "500": "Server." } } }));

	test("the server's sentence, unless the server itself failed", () => {
		expect(problemText(toApiError(400, { detail: "The last administrator stays." }))).toBe("The last administrator stays.");
		expect(problemText(toApiError(500, { detail: "nil pointer" }))).toBe("Server.");
		expect(problemText(toApiError(503, { detail: "No mail server is set up." }))).toBe("No mail server is set up.");
	});

	test("our own where there is none", () => {
		expect(problemText(new ApiError(0, {}, []))).toBe("Offline.");
		expect(problemText(new ApiError(418, {}, []))).toBe("Other.");
		expect(problemText(new TypeError("x is undefined"))).toBe("Page.");
	});
});
