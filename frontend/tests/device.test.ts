import { describe, expect, it } from "vitest";
import { whereOf } from "~/lib/device";

describe("where a session was used", () => {
	const at = (city: string, country: string) => ({ last_ip: "192.0.2.7", geo_ip: { city, country, continent: "EU", lat: 0, long: 0 } });
	it("is the address and what is known of the place", () => {
		expect(whereOf(at("Bonn", "DE"))).toBe("192.0.2.7 (Bonn, Germany)");
		expect(whereOf(at("", "DE"))).toBe("192.0.2.7 (Germany)");
		expect(whereOf(at("Bonn", ""))).toBe("192.0.2.7 (Bonn)");
		expect(whereOf(at("", "no code"))).toBe("192.0.2.7 (no code)");
		expect(whereOf({ last_ip: "192.0.2.7", geo_ip: null })).toBe("192.0.2.7");
	});
});
