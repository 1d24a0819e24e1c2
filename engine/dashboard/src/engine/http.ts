// One request to the engine: how it is sent, and how it fails.

/** The reason of a refusal that is not about the token itself (docs/engine-api.md). */
const NOT_PERMITTED = "Not permitted with this token";

/** The engine, or an actor behind it, refused a request and said why. */
export class Refused extends Error {
	readonly status: number;
	/** `group.code`, by which errors are told apart. */
	readonly code: string;
	readonly metadata: unknown;
	/** The id under which the engine's log knows the request. */
	readonly rayId: string | undefined;

	constructor(status: number, code: string, message: string, metadata: unknown, rayId: string | undefined) {
		super(message);
		this.status = status;
		this.code = code;
		this.metadata = metadata;
		this.rayId = rayId;
	}

	/** The token opens nothing, or not any more. */
	get isTokenRefused(): boolean {
		return this.#isForbidden && !this.isNotPermitted;
	}

	/** The token is good, but not for this. */
	get isNotPermitted(): boolean {
		const { metadata } = this;
		const reason = typeof metadata === "object" && metadata !== null && "reason" in metadata ? metadata.reason : undefined;
		return this.#isForbidden && reason === NOT_PERMITTED;
	}

	get #isForbidden(): boolean {
		return this.status === 403 && (this.code === "api.forbidden" || this.code === "guard.forbidden");
	}
}

/** Nobody answered. */
export class Unreachable extends Error {
	constructor() {
		super("The engine does not answer.");
	}
}

export interface Call {
	method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
	/** Parameters; those without a value are left out, lists are repeated. */
	query?: Record<string, string | number | boolean | readonly string[] | undefined>;
	body?: unknown;
	headers?: Record<string, string>;
	signal?: AbortSignal | undefined;
}

/** Where the engine's API is: one level above the page, whatever prefix a proxy put before both. */
const base = () => new URL("../", document.baseURI);

/** The URL of `path` (without a leading slash) with its parameters. */
export function urlOf(root: URL, path: string, query: Call["query"] = {}): URL {
	const url = new URL(path, root);
	for (const [name, value] of Object.entries(query)) {
		if (value === undefined || value === "") continue;
		for (const one of Array.isArray(value) ? value : [value]) url.searchParams.append(name, String(one));
	}
	return url;
}

/** The whole address of a path (with a leading slash) that the engine has answered. */
export const addressOf = (path: string): string => urlOf(base(), path.slice(1)).href;

/** Sends a request and answers its JSON. Fails with `Refused` or `Unreachable`. */
export async function send<T>(path: string, call: Call = {}): Promise<T> {
	const headers: Record<string, string> = { ...call.headers };
	if (call.body !== undefined) headers["content-type"] = "application/json";
	let answer: Response;
	let text: string;
	try {
		answer = await fetch(urlOf(base(), path, call.query), {
			method: call.method ?? "GET",
			headers,
			body: call.body === undefined ? null : JSON.stringify(call.body),
			signal: call.signal ?? null,
			// The token is the only thing that says who asks.
			credentials: "omit",
			cache: "no-store",
			redirect: "error",
		});
		text = await answer.text();
	} catch (error) {
		if (call.signal?.aborted) throw error;
		throw new Unreachable();
	}
	if (answer.ok) return parsed(text) as T;
	throw refusal(answer.status, text, answer.headers.get("x-rivet-ray-id") ?? undefined);
}

/** What an answer with an error status says. */
export function refusal(status: number, text: string, rayId?: string): Refused {
	const said = parsed(text);
	if (typeof said === "object" && said !== null && "group" in said && "code" in said) {
		const { group, code, message, metadata } = said as Record<string, unknown>;
		return new Refused(status, `${group}.${code}`, String(message ?? ""), metadata, rayId);
	}
	const words = typeof said === "object" && said !== null && "error" in said ? String(said.error) : text.slice(0, 400);
	return new Refused(status, `http.${status}`, words || `Status ${status}`, undefined, rayId);
}

function parsed(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
