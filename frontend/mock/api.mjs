// The REST interface of the mock: collections out of data.mjs, and the few addresses that are more than a collection.
import { readFileSync } from "node:fs";
import { after, before } from "./base.mjs";
import { care } from "./care.mjs";
import { makeOffice } from "./data.mjs";
import { actions, own } from "./own.mjs";

const reserved = new Set([
	"page",
	"page_size",
	"search",
	"ordering",
	"superuser_full_list",
	"include_groups",
	"include_users",
	"application__isnull",
]);
const text = (row) =>
	Object.values(row)
		.filter((value) => typeof value === "string")
		.join(" ")
		.toLowerCase();

const special = {
	groups_by_pk: (row, value) => row.groups?.includes(value),
	path_startswith: (row, value) => row.path?.startsWith(value),
	username: (row, value) => (row.action ? row.user?.username === value : row.username === value),
	action: (row, value) => row.action.includes(value),
	user: (row, value) => String(row.user?.pk ?? row.user) === value,
	context_model_name: (row, value) => row.context?.model?.model_name === value,
	context_model_pk: () => true,
	context_model_app: () => true,
	context_authorized_app: (row, value) => row.context?.authorized_application?.pk === value,
	bindings__isnull: () => true,
	no_flows: () => true,
	target_in: (row, value) => value.split(",").includes(row.target),
};

export function list(rows, query) {
	let found = rows;
	for (const [name, value] of query) {
		if (reserved.has(name) || value === "") continue;
		found = found.filter(special[name] ? (row) => special[name](row, value) : (row) => String(row[name]) === value);
	}
	const search = (query.get("search") ?? "").toLowerCase();
	if (search) found = found.filter((row) => text(row).includes(search) || text(row.context?.model ?? {}).includes(search));
	const order = query.get("ordering") ?? "";
	const field = order.replace(/^-/, "");
	if (field && found.some((row) => row[field] !== undefined)) {
		const sign = order.startsWith("-") ? -1 : 1;
		found = [...found].sort((a, b) => sign * String(a[field] ?? "").localeCompare(String(b[field] ?? ""), "en", { numeric: true }));
	}
	const size = Number(query.get("page_size") ?? 20);
	const pages = Math.max(1, Math.ceil(found.length / size));
	const page = Number(query.get("page") ?? 1);
	const results = found.slice((page - 1) * size, page * size);
	const start = results.length ? (page - 1) * size + 1 : 0;
	return {
		pagination: {
			next: page < pages ? page + 1 : 0,
			previous: page > 1 ? page - 1 : 0,
			count: found.length,
			current: page,
			total_pages: pages,
			start_index: start,
			end_index: results.length ? start + results.length - 1 : 0,
		},
		results,
	};
}

const keys = ["slug", "identifier", "pk", "uuid", "brand_uuid"];
const find = (rows, id) => rows.find((row) => keys.some((key) => String(row[key]) === id));

/** Collections of one kind that the mock keeps in the collection of all kinds. */
const inside = [
	[/^\/stages\/(?!prompt\/prompts|invitation|email|all)[\w/]+?\/(?=[^/]*\/?$)/, "/stages/all/"],
	[/^\/policies\/(?!all|bindings|reputation\/scores)[\w]+\//, "/policies/all/"],
	[/^\/propertymappings\/(?!all)[\w]+\//, "/propertymappings/all/"],
];

export function makeApi({ size, schemaPath, impersonating }) {
	const office = makeOffice(size);
	const state = { office, size, impersonating, schema: JSON.parse(readFileSync(schemaPath, "utf8")), after, before, settings: undefined };
	const paths = Object.keys(office).sort((a, b) => b.length - a.length);

	return function answer(method, path, query, body) {
		const direct = care(state, method, path, body) ?? own(state, method, path, query, body);
		if (direct) return direct;
		let address = path;
		for (const [pattern, to] of inside) address = address.replace(pattern, to);
		const collection = paths.find((one) => address.startsWith(one));
		if (!collection) return [404, { detail: "Not found." }];
		const rows = office[collection];
		const [id, verb] = address.slice(collection.length).split("/").map(decodeURIComponent);
		if (!id) {
			if (method === "GET") return [200, list(rows, query)];
			if (!body.name && !body.identifier && !body.domain && !body.username && !body.target)
				return [400, { name: ["This field is required."] }];
			const made = { pk: rows.length + 1000, ...body };
			rows.unshift(made);
			return [201, made];
		}
		const row = find(rows, id);
		const acted = actions(state, method, collection, row, id, verb, query, body);
		if (acted) return acted;
		if (!row || verb) return [404, { detail: "Not found." }];
		if (method === "DELETE") {
			rows.splice(rows.indexOf(row), 1);
			return [204];
		}
		if (method !== "GET") Object.assign(row, body);
		return [200, row];
	};
}
