// The families of objects under Advanced: where their lists are and what their rows show.

export type Family = {
	id: string;
	/** The collection of the list. */
	path: string;
	/** The kind of the rows; families of several kinds tell it by each row. */
	kind?: string;
	/** The collection of its kinds, for families of several. */
	types?: string;
	/** Properties shown in the list, beside the name. */
	columns: readonly string[];
	ordering: string;
	sortable: readonly string[];
	fixed?: Record<string, string | boolean>;
};

export const families: readonly Family[] = [
	{
		id: "flows",
		path: "/flows/instances/",
		kind: "flow",
		columns: ["slug", "designation", "stages"],
		ordering: "slug",
		sortable: ["name", "slug", "designation"],
	},
	{
		id: "stages",
		path: "/stages/all/",
		types: "/stages/all/types/",
		columns: ["verbose_name", "flow_set"],
		ordering: "name",
		sortable: ["name"],
	},
	{
		id: "steps",
		path: "/flows/bindings/",
		kind: "flowstagebinding",
		columns: ["target", "order", "evaluate_on_plan", "re_evaluate_policies"],
		ordering: "target",
		sortable: ["order"],
	},
	{
		id: "policies",
		path: "/policies/all/",
		types: "/policies/all/types/",
		columns: ["verbose_name", "bound_to", "execution_logging"],
		ordering: "name",
		sortable: ["name"],
	},
	{
		id: "bindings",
		path: "/policies/bindings/",
		kind: "policybinding",
		columns: ["order", "enabled", "negate"],
		ordering: "order",
		sortable: ["order", "enabled"],
	},
	{
		id: "providers",
		path: "/providers/all/",
		types: "/providers/all/types/",
		columns: ["verbose_name", "assigned_application_name"],
		ordering: "name",
		sortable: ["name"],
	},
	{
		id: "mappings",
		path: "/propertymappings/all/",
		types: "/propertymappings/all/types/",
		columns: ["verbose_name", "managed"],
		ordering: "name",
		sortable: ["name"],
	},
	{
		id: "prompts",
		path: "/stages/prompt/prompts/",
		kind: "prompt",
		columns: ["field_key", "label", "type", "order"],
		ordering: "field_key",
		sortable: ["name", "field_key", "label", "type", "order"],
	},
	{
		id: "sources",
		path: "/sources/all/",
		types: "/sources/all/types/",
		columns: ["verbose_name", "slug", "enabled"],
		ordering: "name",
		sortable: ["name", "slug"],
	},
	{
		id: "tokens",
		path: "/core/tokens/",
		kind: "token",
		columns: ["user_obj", "intent", "expires"],
		ordering: "identifier",
		sortable: ["identifier", "intent", "expires"],
	},
	{ id: "roles", path: "/rbac/roles/", kind: "role", columns: [], ordering: "name", sortable: ["name"] },
];

export const familyOf = (id: string): Family | undefined => families.find((family) => family.id === id);

/** The family in which an object of a kind is shown, from the start of its address. */
export function familyAt(path: string): Family | undefined {
	return (
		families.find((family) => family.path === path) ??
		families.find((family) => family.types && path.startsWith(family.path.replace("all/", "")))
	);
}
