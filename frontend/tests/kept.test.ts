import { expect, test } from "vitest";
import { afterKeeping, isKept } from "~/lib/kept";

test("only what follows a kept change counts as kept, also when it fails", () => {
	expect(isKept()).toBe(false);
	afterKeeping(() => expect(isKept()).toBe(true));
	expect(isKept()).toBe(false);
	expect(() =>
		afterKeeping(() => {
			throw new Error("no");
		}),
	).toThrow("no");
	expect(isKept()).toBe(false);
});
