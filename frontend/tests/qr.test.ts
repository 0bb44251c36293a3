import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Code, qrCode, qrPath } from "~/lib/qr";

function drawn(code: Code): string {
	const rows = Array.from({ length: code.size }, (_, y) =>
		Array.from({ length: code.size }, (_, x) => (code.dark(x, y) ? "#" : ".")).join(""),
	);
	return rows.join("\n");
}

const hash = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const address = (length: number) => "https://login.office.test/if/flow/join/?itoken=".padEnd(length, "0123456789abcdef-").slice(0, length);
const make = (text: string): Code => {
	const code = qrCode(text);
	if (!code) throw new Error("no code");
	return code;
};

describe("QR codes", () => {
	// Read back by zbarimg, a reader of somebody else's, when they were written down; so were all lengths from 1 to 60, and every seventh above.
	test.each([
		[14, 21, "02b70aaecc354211"],
		[15, 25, "06de54a5bf8aab50"],
		[90, 41, "e5a658c3d437ddd5"],
		[110, 45, "5763866bd5997d35"],
		[200, 57, "bd9d2d8db69ba7af"],
		[420, 81, "ee66b7e985e5c24a"],
		[664, 97, "ffc12e25c8f32cca"],
	])("%i bytes", (length, size, golden) => {
		const code = make(address(length));
		expect(code.size).toBe(size);
		expect(hash(drawn(code))).toBe(golden);
	});

	test("the finders stand in three corners, whatever the text", () => {
		const finder = ["#######", "#.....#", "#.###.#", "#.###.#", "#.###.#", "#.....#", "#######"];
		for (const text of ["a", address(120)]) {
			const rows = drawn(make(text)).split("\n");
			const size = rows.length;
			expect(rows.slice(0, 7).map((row) => row.slice(0, 7))).toEqual(finder);
			expect(rows.slice(0, 7).map((row) => row.slice(size - 7))).toEqual(finder);
			expect(rows.slice(size - 7).map((row) => row.slice(0, 7))).toEqual(finder);
		}
	});

	test("bytes count, not letters, and what is too long has no code", () => {
		expect(make("é".repeat(7)).size).toBe(21);
		expect(make("é".repeat(8)).size).toBe(25);
		expect(qrCode(address(666))).toBeDefined();
		expect(qrCode(address(667))).toBeUndefined();
	});

	test("the path covers the dark modules, moved by the border", () => {
		const code: Code = { size: 3, dark: (x, y) => [[true, true, false], [false, true, false], []][y]?.[x] ?? false };
		expect(qrPath(code, 2)).toBe("M2 2h2v1h-2zM3 3h1v1h-1z");
	});
});
