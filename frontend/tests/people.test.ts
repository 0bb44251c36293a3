import people from "@text/people.json";
import { beforeAll, describe, expect, test } from "vitest";
import { addressOf } from "~/admin/people/help/devices";
import { invitationFlow } from "~/admin/people/invitations/blueprint";
import { bodyOf, checkInvitation } from "~/admin/people/invitations/body";
import { flowsOf, linkOf, slugOf } from "~/admin/people/invitations/flows";
import { addressesIn, mailTo } from "~/admin/people/invitations/mail";
import { isOver, whoOf } from "~/admin/people/invitations/who";
import type { FlowSet, Invitation } from "~/api/schema.gen";
import { setEnglish } from "~/text/text";

beforeAll(() => setEnglish(people));

const flow = (slug: string, designation: string) => ({ pk: `pk-${slug}`, slug, name: slug, designation }) as unknown as FlowSet;
const join = flow("join", "enrollment");
const other = flow("again", "authentication");

describe("invitations", () => {
	test("the name is a slug of what was written", () => {
		expect(slugOf("Zoë O’Brien-Şahin")).toBe("zoe-o-brien-sahin");
		expect(slugOf("–")).toBe("");
		expect(slugOf(`${"a".repeat(49)} b`)).toBe("a".repeat(49));
	});

	test("flows that create accounts come first, each once", () => {
		const found = flowsOf([{ flow_set: [other, join] }, { flow_set: [join] }, { flow_set: [] }]);
		expect(found.map(({ slug }) => slug)).toEqual(["join", "again"]);
	});

	test("the link leads to its own flow, else to the first there is", () => {
		const one = { pk: "a-b", flow_obj: null } as unknown as Invitation;
		expect(linkOf("https://x", { ...one, flow_obj: other as unknown as Invitation["flow_obj"] }, [join])).toBe(
			"https://x/if/flow/again/?itoken=a-b",
		);
		expect(linkOf("https://x", one, [join])).toBe("https://x/if/flow/join/?itoken=a-b");
		expect(linkOf("https://x", one, [])).toBeUndefined();
	});

	const values = {
		who: " Grace Hopper ",
		email: "grace@office.test",
		username: "",
		lasts: "days=2",
		single_use: true,
		flow: "f",
		more: "",
	};

	test("what is known of one person is filled in, and the end is counted from now", () => {
		expect(bodyOf({ ...values, more: '{"phone": "1"}' }, Date.UTC(2026, 0, 1))).toEqual({
			name: "grace-hopper",
			flow: "f",
			single_use: true,
			expires: "2026-01-03T00:00:00.000Z",
			fixed_data: { name: "Grace Hopper", email: "grace@office.test", phone: "1" },
		});
	});

	test("a link for many fills in nothing of one", () => {
		expect(bodyOf({ ...values, single_use: false }, 0).fixed_data).toEqual({});
	});

	test.each([
		["", []],
		["{}", []],
		["[1]", ["more"]],
		["1", ["more"]],
		["{", ["more"]],
	])("more is an object: %s", (more, wrong) => expect(Object.keys(checkInvitation({ ...values, more }))).toEqual(wrong));

	test("a name without letters is refused before it is sent", () =>
		expect(Object.keys(checkInvitation({ ...values, who: "…" }))).toEqual(["who"]));

	test("a mail keeps lines, signs and the address", () => {
		expect(mailTo("grace+x@office.test", "A & B", "one\ntwo?")).toBe(
			"mailto:grace%2Bx@office.test?subject=A%20%26%20B&body=one%0D%0Atwo%3F",
		);
	});

	test("addresses stand on lines or between commas", () => {
		expect(addressesIn(" a@x.test,\nb@x.test; c@x.test\n")).toEqual(["a@x.test", "b@x.test", "c@x.test"]);
		expect(addressesIn(" \n,")).toEqual([]);
		expect(addressesIn("ada at office")).toEqual(["ada at office"]); // the server says what is wrong with it
	});

	test("it is over at its end; without one it never is", () => {
		const at = new Date(1000).toISOString();
		expect([isOver({ expires: at }, 999), isOver({ expires: at }, 1000), isOver({ expires: null }, 9)]).toEqual([false, true, false]);
	});

	test("it is called like the person where the name is known", () => {
		expect(whoOf({ name: "grace-hopper", fixed_data: { name: "Grace Hopper" } })).toBe("Grace Hopper");
		expect(whoOf({ name: "apprentices", fixed_data: {} })).toBe("apprentices");
	});

	test("the file of the flow names only what it has, and each order once", () => {
		const text = invitationFlow();
		const ids = new Set([...text.matchAll(/^ {4}id: (\S+)$/gm)].map((found) => found[1]));
		const used = [...text.matchAll(/!KeyOf (\S+)/g)].map((found) => found[1]);
		expect(used.filter((id) => !ids.has(id))).toEqual([]);
		expect(text.match(/flowstagebinding/g)).toHaveLength(4);
		expect(text.match(/ {8}- !KeyOf field-/g)).toHaveLength(5);
		expect(text).not.toContain("invitations.setup");
	});
});

describe("helping", () => {
	test("an authenticator is removed where its class is kept", () => {
		expect(addressOf({ meta_model_name: "authentik_stages_authenticator_webauthn.webauthndevice", pk: 7 })).toBe(
			"/authenticators/admin/webauthn/7/",
		);
		expect(addressOf({ meta_model_name: "authentik_core.user", pk: 7 })).toBeUndefined();
	});
});
