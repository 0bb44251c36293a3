// The server's OpenAPI description of itself, and the kinds of objects found in it.

export type Property = {
	type?: string;
	format?: string;
	enum?: (string | number)[];
	$ref?: string;
	allOf?: Property[];
	oneOf?: Property[];
	items?: Property;
	properties?: Record<string, Property>;
	required?: string[];
	nullable?: boolean;
	readOnly?: boolean;
	writeOnly?: boolean;
	default?: unknown;
	description?: string;
	minimum?: number;
	maximum?: number;
	maxLength?: number;
	minLength?: number;
	"x-group"?: string;
	"x-ref"?: string;
	"x-ref-path"?: string;
	"x-ref-key"?: string;
	"x-secret"?: boolean;
	"x-format"?: string;
};

type Content = { content?: Record<string, { schema?: Property }> };
type Operation = { requestBody?: Content; responses?: Record<string, Content> };
export type PathItem = { get?: Operation; post?: Operation; put?: Operation; patch?: Operation; delete?: Operation };
export type Description = { paths: Record<string, PathItem>; components: { schemas: Record<string, Property> } };

export type Kind = {
	/** The name of the model in lower case, as the server writes it in meta_model_name and in events. */
	name: string;
	/** The address of the collection, as /flows/instances/. */
	path: string;
	/** The name of the parameter in the address of one object, as slug. */
	param: string;
	canCreate: boolean;
	canChange: boolean;
	canDelete: boolean;
	/** What may be sent. */
	request: Property;
	/** What comes back. */
	response: Property;
};

const refName = (ref: string) => ref.slice(ref.lastIndexOf("/") + 1);

export function resolve(description: Description, property: Property): Property {
	if (property.$ref) {
		const { $ref, ...own } = property;
		return { ...resolve(description, description.components.schemas[refName($ref)] ?? {}), ...own };
	}
	if (property.allOf) {
		const { allOf, ...own } = property;
		return { ...Object.assign({}, ...allOf.map((part) => resolve(description, part))), ...own };
	}
	if (property.oneOf) {
		const { oneOf, ...own } = property;
		const parts = oneOf.map((part) => resolve(description, part));
		const values = parts.flatMap((part) => part.enum ?? []).filter((value) => value !== "");
		return { ...parts[0], ...(values.length > 0 ? { enum: values } : {}), ...own };
	}
	return property;
}

const jsonSchema = (content?: Content) => content?.content?.["application/json"]?.schema;
const answer = (operation?: Operation) => jsonSchema(operation?.responses?.["200"]) ?? jsonSchema(operation?.responses?.["201"]);

function kindAt(description: Description, collection: string, detail: string, param: string): Kind | undefined {
	const list = description.paths[collection];
	const one = description.paths[detail];
	const response = answer(one?.get);
	if (!list?.get || !response?.$ref) return undefined;
	const sent = jsonSchema(list.post?.requestBody) ?? jsonSchema(one?.put?.requestBody) ?? jsonSchema(one?.patch?.requestBody) ?? {};
	return {
		name: refName(response.$ref).toLowerCase(),
		path: collection.replace(/^\/api\/v3/, ""),
		param,
		canCreate: !!jsonSchema(list.post?.requestBody),
		canChange: !!one?.patch,
		canDelete: !!one?.delete,
		request: resolve(description, sent),
		response: resolve(description, response),
	};
}

/** Every kind of object that the server has a collection of, by name. */
export function kindsOf(description: Description): Map<string, Kind> {
	const kinds = new Map<string, Kind>();
	for (const path of Object.keys(description.paths)) {
		const found = /^(.*\/)\{(\w+)\}\/$/.exec(path);
		if (!found?.[1] || !found[2]) continue;
		const kind = kindAt(description, found[1], path, found[2]);
		if (kind) kinds.set(kind.name, kind);
	}
	return kinds;
}

export type Row = Record<string, unknown>;

/** What stands for an object in its address. */
export function idOf(kind: Pick<Kind, "param">, row: Row): string {
	return String(row[kind.param] ?? row.pk);
}

/** The kind of a row in a list of several kinds, from its meta_model_name ("app.model"). */
export function modelOf(row: Row): string {
	const model = String(row.meta_model_name ?? "");
	return model.slice(model.lastIndexOf(".") + 1);
}
