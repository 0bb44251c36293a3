import { cookie } from "~/lib/cookie";
import { ApiError, OFFLINE, toApiError } from "./errors";

export { ApiError } from "./errors";

export const API = "/api/v3";

export type Query = Record<string, string | number | boolean | readonly (string | number)[] | undefined>;
type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

let csrfCookies = ["authentik_csrf"];
let onSignedOut: () => void = () => {};

/** The desktop window has a cookie of its own, so that it does not clash with a browser's on the same address. */
export function preferDesktopCookie(): void {
	csrfCookies = ["gh_desktop_csrf", "authentik_csrf"];
}

/** What to do when the server does not know who is asking. */
export function whenSignedOut(act: () => void): void {
	onSignedOut = act;
}

export function withQuery(path: string, query?: Query): string {
	const params = new URLSearchParams();
	for (const [name, value] of Object.entries(query ?? {})) {
		if (value === undefined || value === "") continue;
		for (const item of Array.isArray(value) ? value : [value]) params.append(name, String(item));
	}
	const text = params.toString();
	return text ? `${path}?${text}` : path;
}

const csrfToken = () => csrfCookies.map(cookie).find((value) => value) ?? "";

function encode(body: unknown): { body?: BodyInit; type?: string } {
	if (body === undefined) return {};
	if (body instanceof FormData) return { body };
	if (body instanceof ArrayBuffer) return { body, type: "application/octet-stream" };
	return { body: JSON.stringify(body), type: "application/json" };
}

async function call(method: Method, url: string, content?: unknown, signal?: AbortSignal): Promise<Response> {
	const { body, type } = encode(content);
	const headers: Record<string, string> = { Accept: "application/json" };
	if (type) headers["Content-Type"] = type;
	if (method !== "GET") headers["X-authentik-CSRF"] = csrfToken();
	let answer: Response;
	try {
		answer = await fetch(url, { method, headers, body, signal, credentials: "same-origin" });
	} catch (problem) {
		if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
		throw new ApiError(OFFLINE, {}, []);
	}
	if (answer.ok) return answer;
	const error = toApiError(answer.status, await readBody(answer));
	if (error.status === 403 && error.general[0] === "Authentication credentials were not provided.") onSignedOut();
	throw error;
}

async function readBody(answer: Response): Promise<unknown> {
	const text = await answer.text();
	if (!text) return undefined;
	if (!answer.headers.get("content-type")?.includes("json")) return text;
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

export async function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
	return (await readBody(await call("GET", withQuery(API + path, query), undefined, signal))) as T;
}

/** Sends a change; a path that starts with /-/ is outside the REST interface. */
export async function send<T = void>(method: Exclude<Method, "GET">, path: string, body?: unknown): Promise<T> {
	return (await readBody(await call(method, path.startsWith("/-/") ? path : API + path, body))) as T;
}

/** Like send, for an answer that is a file. */
export async function fetchFile(method: Method, path: string, body?: unknown): Promise<{ name: string; content: Blob }> {
	const answer = await call(method, API + path, body);
	const name = /filename="?([^";]+)"?/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
	return { name: name ?? "gatehouse", content: await answer.blob() };
}
