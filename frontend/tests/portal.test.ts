import { describe, expect, test } from "vitest";
import type { UserSetting, UserSourceConnection } from "~/api/schema.gen";
import { placeOf } from "~/portal/address";
import { matched } from "~/portal/connected";
import { endOf, endsIn, latestIn, toMinute } from "~/portal/lifetime";
import { adviceFor, kindOf } from "~/portal/security/devices";
import { passwordSetup, setupsOf, thereAndBack } from "~/portal/setup";

const device = (kind: string, confirmed = true) => ({
	meta_model_name: `authentik_stages_authenticator_${kind}.${kind}device`,
	confirmed,
});
const all = () => true;
const open = (devices: ReturnType<typeof device>[], canAdd: (kind: string) => boolean = all) =>
	adviceFor(devices, canAdd).map(({ id, done }) => `${id}${done ? "!" : ""}`);

describe("authenticators", () => {
	test("the class is read from the model, and unknown ones have none", () => {
		expect(kindOf(device("webauthn"))).toBe("webauthn");
		expect(kindOf(device("carrier_pigeon"))).toBeUndefined();
	});

	test.each([
		["nothing yet: the passkey first", [], ["passkey", "second", "static"]],
		["one passkey: something for the day it is lost", [device("webauthn")], ["passkey!", "second", "static"]],
		["two passkeys", [device("webauthn"), device("webauthn")], ["passkey!", "second!", "static"]],
		["a passkey and an app", [device("webauthn"), device("totp")], ["passkey!", "second!", "static"]],
		["an app alone: the passkey still comes first", [device("totp")], ["passkey", "second!", "static"]],
		["codes", [device("static")], ["passkey", "second", "static!"]],
		["what was not finished does not count", [device("webauthn", false)], ["passkey", "second", "static"]],
	])("%s", (_case, devices, said) => expect(open(devices)).toEqual(said));

	test("only what can be set up here is advised", () => {
		expect(open([], (kind) => kind !== "webauthn")).toEqual(["factor", "static"]);
		expect(open([device("sms")], (kind) => kind === "static")).toEqual(["factor!", "static"]);
		expect(open([], () => false)).toEqual([]);
	});

	test("the pages to set things up come from the server, and lead back", () => {
		const settings: UserSetting[] = [
			{ object_uid: "1", component: "ak-user-settings-password", title: "Password", configure_url: "/flows/-/configure/1/" },
			{ object_uid: "2", component: "ak-user-settings-authenticator-totp", title: "App", configure_url: "/flows/-/configure/2/" },
			{ object_uid: "3", component: "ak-user-settings-authenticator-sms", title: "Phone" },
		];
		expect(passwordSetup(settings)).toBe("/flows/-/configure/1/");
		expect(passwordSetup([])).toBeUndefined();
		expect(setupsOf(settings, "totp").map(({ object_uid }) => object_uid)).toEqual(["2"]);
		expect(setupsOf(settings, "sms")).toEqual([]);
		expect(setupsOf(undefined, "totp")).toEqual([]);
		expect(thereAndBack("/flows/-/configure/2/", "security")).toBe("/flows/-/configure/2/?next=%2Fif%2Fuser%2F%23%2Fsecurity");
	});

	test("every place has an address", () => {
		expect(placeOf("#/security")).toBe("security");
		expect(placeOf("#/connections")).toBe("connections");
		expect(placeOf("#/settings;x")).toBe("profile");
	});
});

describe("connected accounts", () => {
	const offer = (slug: string): UserSetting => ({
		object_uid: slug,
		component: "ak-user-settings-source-oauth",
		title: slug,
		configure_url: "/x/",
	});
	const connection = (slug: string) =>
		({ pk: 1, user: 1, created: "2026-01-01T00:00:00Z", source: { slug, name: slug, icon: null } }) as unknown as UserSourceConnection;

	test("each source stands once; one that is no longer offered stays while it is connected", () => {
		const pairs = matched([offer("github"), offer("google")], [connection("google"), connection("old")]);
		expect(pairs.map(({ slug, offer: o, connection: c }) => [slug, !!o, !!c])).toEqual([
			["github", true, false],
			["google", true, true],
			["old", false, true],
		]);
	});
});

describe("how long an app password works", () => {
	const now = new Date("2026-11-29T12:00:00Z");

	test.each([
		["usual", "", undefined],
		["week", "", "2026-12-06T12:00:00.000Z"],
		["year", "", "2027-11-29T12:00:00.000Z"],
		["date", "", undefined],
		["date", "nonsense", undefined],
	] as const)("%s %s", (end, day, sent) => expect(endOf(end, day, now)).toBe(sent));

	const life = (days: number) => ({
		now: now.toISOString(),
		ends: true,
		usual: new Date(now.getTime() + 86_400_000).toISOString(),
		longest: new Date(now.getTime() + days * 86_400_000).toISOString(),
		problem: "",
	});

	test("only what the server allows is offered", () => {
		expect(endsIn(undefined)).toEqual(["usual", "week", "month", "quarter", "year", "date"]);
		expect(endsIn(life(1))).toEqual(["usual", "longest", "date"]);
		expect(endsIn(life(30))).toEqual(["usual", "week", "month", "longest", "date"]);
		expect(endOf("longest", "", now, life(45))).toBe("2027-01-13T12:00:00.000Z");
	});

	test("a computer whose clock is ahead asks for no more than the server allows", () => {
		const ahead = new Date(now.getTime() + 600_000);
		expect(endOf("month", "", ahead, life(30))).toBe("2026-12-29T12:00:00.000Z");
		expect(endOf("week", "", ahead, life(30))).toBe("2026-12-06T12:10:00.000Z");
		expect(endOf("date", "2027-06-01T00:00", ahead, life(30))).not.toBe(life(30).longest); // the server refuses it in words
	});

	test("a chosen day is that of this place", () => {
		const day = toMinute(new Date(now.getTime() + 59_999));
		expect(endOf("date", day, now)).toBe("2026-11-29T12:00:00.000Z");
	});

	test("the latest end is read from the refusal", () => {
		const said = "Token expires exceeds maximum lifetime (2026-11-30 09:15:20 UTC).";
		expect(latestIn(said)?.toISOString()).toBe("2026-11-30T09:15:20.000Z");
		expect(latestIn("Enter a valid date.")).toBeUndefined();
	});
});
