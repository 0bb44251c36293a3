// People, groups and where they are signed in.
import { after, before, DAY, pick, random, uuid } from "./base.mjs";

const first = [
	"Ada",
	"Bela",
	"Chidi",
	"Dunya",
	"Emre",
	"Fatima",
	"Goran",
	"Hana",
	"Ines",
	"Jonas",
	"Katarzyna",
	"Liam",
	"Maja",
	"Nils",
	"Olga",
	"Piotr",
	"Quentin",
	"Rosa",
	"Sven",
	"Tove",
];

const last = [
	"Lovelace",
	"Bartók",
	"Okafor",
	"Şahin",
	"Nowak",
	"Øst",
	"Petrović",
	"Novák",
	"Ferreira",
	"Lindqvist",
	"Wiśniewska",
	"O’Brien",
	"Horvat",
	"Berg",
	"Ivanova",
];

const avatar = (name, hue) =>
	`data:image/svg+xml;utf8,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="hsl(${hue} 40% 32%)"/><text x="32" y="41" font-size="26" font-family="sans-serif" fill="#fff" text-anchor="middle">${name[0]}</text></svg>`)}`;

function user(pk, name, username, more = {}) {
	return {
		pk,
		username,
		name,
		is_active: true,
		last_login: before(Math.floor(random() * 9000) + 2),
		is_superuser: false,
		groups: [],
		groups_obj: [],
		email: `${username}@office.example`,
		avatar: avatar(name || username, (pk * 47) % 360),
		attributes: {},
		uid: `${pk}f3a9c1e7b5d2`.padEnd(64, "4c8e"),
		path: "users",
		type: "internal",
		uuid: uuid(1, pk),
		...more,
	};
}

export function makeUsers(count) {
	const users = [user(1, "Ada Lovelace", "ada", { is_superuser: true, last_login: before(3) })];
	if (count > 1) {
		users.push(
			user(2, "", "akadmin", { is_superuser: true, email: "", last_login: null }),
			user(
				3,
				"Wolfeschlegelsteinhausenbergerdorff-Montgomery von und zu Hohenlohe-Langenburg der Ältere",
				"wolfeschlegelsteinhausenbergerdorff.montgomery",
				{ is_active: false },
			),
			user(4, "Backup robot", "backup-robot", { type: "service_account", email: "", path: "users/services", last_login: null }),
			user(5, "LDAP outpost", "ak-outpost-ldap", {
				type: "internal_service_account",
				email: "",
				path: "goauthentik.io/outposts",
				last_login: null,
			}),
		);
	}
	for (let pk = users.length + 1; pk <= count; pk++) {
		const name = `${pick(first)} ${pick(last)}`;
		users.push(
			user(
				pk,
				name,
				`${name
					.toLowerCase()
					.normalize("NFD")
					.replace(/[^a-z]+/g, ".")}${pk}`,
				{ is_active: random() > 0.06, type: random() > 0.95 ? "external" : "internal" },
			),
		);
	}
	return users.slice(0, Math.max(1, count));
}

export function makeGroups(count, users) {
	const named = [
		["authentik Admins", null, true],
		["Everyone in the office", null, false],
		["Accounting", 1, false],
		["Workshop", 1, false],
		["Apprentices", 3, false],
		["Management", 1, false],
		["A group with a very long name that somebody typed because the old directory had it like that", null, false],
	];
	const groups = [];
	for (let index = 0; index < count; index++) {
		const [name, parent, admin] = named[index] ?? [`Project ${index}`, index % 3 ? 1 : null, false];
		const members = index === 0 ? users.slice(0, 2) : users.filter((one) => (one.pk + index) % (index + 2) === 0).slice(0, 300);
		groups.push({
			pk: uuid(2, index),
			num_pk: index + 100,
			name,
			is_superuser: admin,
			parent: parent === null || !groups[parent] ? null : groups[parent].pk,
			parent_name: parent === null || !groups[parent] ? null : groups[parent].name,
			users: members.map((one) => one.pk),
			users_obj: members.map(({ pk, username, name: full, is_active, last_login, email, attributes, uid }) => ({
				pk,
				username,
				name: full,
				is_active,
				last_login,
				email,
				attributes,
				uid,
			})),
			attributes: {},
			roles: [],
			roles_obj: [],
		});
		for (const member of members) {
			member.groups.push(groups[index].pk);
			member.groups_obj.push({
				pk: groups[index].pk,
				num_pk: index + 100,
				name,
				is_superuser: admin,
				parent: null,
				parent_name: null,
				attributes: {},
			});
		}
	}
	return groups;
}

const agent = (program, system) => ({
	device: { family: "Other", brand: null, model: null },
	os: { family: system, major: null },
	user_agent: { family: program, major: "131" },
	string: `${program} on ${system}`,
});

export const session = (index, who, program, system, minutes, current = false) => ({
	uuid: uuid(13, index),
	current,
	user_agent: agent(program, system),
	geo_ip: null,
	asn: null,
	user: who.pk,
	last_ip: `192.168.1.${20 + index}`,
	last_user_agent: `${program} on ${system}`,
	last_used: before(minutes),
	expires: after(DAY * 13),
	user__username: who.username,
});
