/** An answer of the server that is not a success, in the shape the REST interface has for it. */
export class ApiError extends Error {
	readonly status: number;
	/** Messages by field; nested fields are joined by dots. */
	readonly fields: Record<string, string[]>;
	/** Messages that belong to no field. */
	readonly general: string[];

	constructor(status: number, fields: Record<string, string[]>, general: string[]) {
		super(general[0] ?? Object.values(fields)[0]?.[0] ?? `${status}`);
		this.name = "ApiError";
		this.status = status;
		this.fields = fields;
		this.general = general;
	}
}

/** No answer came at all. */
export const OFFLINE = 0;

const isText = (value: unknown): value is string => typeof value === "string";

function collect(value: unknown, path: string, into: Record<string, string[]>): void {
	if (isText(value)) {
		into[path] = [...(into[path] ?? []), value];
	} else if (Array.isArray(value)) {
		value.forEach((item, index) => {
			collect(item, isText(item) ? path : `${path}.${index}`, into);
		});
	} else if (value && typeof value === "object") {
		for (const [name, item] of Object.entries(value)) collect(item, path ? `${path}.${name}` : name, into);
	}
}

export function toApiError(status: number, body: unknown): ApiError {
	if (isText(body)) return new ApiError(status, {}, body.trim() && !body.trimStart().startsWith("<") ? [body.trim()] : []);
	if (!body || typeof body !== "object") return new ApiError(status, {}, []);
	const { detail, non_field_errors: whole, code: _code, ...rest } = body as Record<string, unknown>;
	const fields: Record<string, string[]> = {};
	collect(rest, "", fields);
	const general = [...(isText(detail) ? [detail] : []), ...(Array.isArray(whole) ? whole.filter(isText) : [])];
	return new ApiError(status, fields, general);
}
