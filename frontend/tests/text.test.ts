import { beforeEach, describe, expect, test } from "vitest";
import { setEnglish, setLanguage, t, tOr } from "~/text/text";

const english = {
	greeting: "Hello {name}",
	people: { one: "One person", other: "{count} people" },
	nested: { deep: { text: "Down here" } },
	problem: { other: "Something", "404": "Not there" },
};

describe("messages", () => {
	beforeEach(() => {
		setLanguage("en", {});
		setEnglish(english);
	});

	test("names are filled in, and what is not given stays visible", () => {
		expect(t("greeting", { name: "Ada" })).toBe("Hello Ada");
		expect(t("greeting", { other: "x" })).toBe("Hello {name}");
	});

	test("plurals follow the number", () => {
		expect(t("people", { count: 1 })).toBe("One person");
		expect(t("people", { count: 1234 })).toBe("1,234 people");
	});

	test("a name called other beside others is no plural", () => {
		expect(t("problem.404")).toBe("Not there");
		expect(t("problem.other")).toBe("Something");
	});

	test("an unknown key shows itself; a message that may be missing has a fallback", () => {
		expect(t("nested.deep.nothing")).toBe("nested.deep.nothing");
		expect(tOr("usual", "nested.deep.nothing", "nested.deep.text")).toBe("Down here");
		expect(tOr("usual", "nested.deep.nothing")).toBe("usual");
	});

	test("another language is used where it has words, else English", () => {
		setLanguage("pl", {
			greeting: "Cześć {name}",
			people: { one: "{count} osoba", few: "{count} osoby", many: "{count} osób", other: "{count} osoby" },
		});
		expect(t("greeting", { name: "Ada" })).toBe("Cześć Ada");
		expect(t("people", { count: 3 })).toBe("3 osoby");
		expect(t("people", { count: 5 })).toBe("5 osób");
		expect(t("nested.deep.text")).toBe("Down here");
	});

	test("English plurals are chosen by English rules when the language lacks the message", () => {
		setLanguage("pl", {});
		expect(t("people", { count: 1 })).toBe("One person");
		expect(t("people", { count: 3 })).toBe("3 people");
	});
});
