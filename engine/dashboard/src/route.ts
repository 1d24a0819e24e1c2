// Where in the dashboard one is: the part of the address after `#`, which no server and no log sees.

/** The pages of the whole engine, by their addresses; the first is where one is without an address. */
const ENGINE_PAGES = ["namespaces", "storage", "audit"] as const;
type EnginePage = (typeof ENGINE_PAGES)[number];

export type Route =
	| { page: EnginePage }
	| { page: string; namespace: string; actorId?: string; tab?: string; filter: Record<string, string> };

/** The place that an address names; what names none is the list of namespaces. */
export function parse(hash: string): Route {
	const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
	const [root, namespace, page, actorId, tab] = path.split("/").map(decoded);
	if (root !== "ns" || namespace === undefined || namespace === "") {
		return { page: ENGINE_PAGES.find((page) => page === root) ?? ENGINE_PAGES[0] };
	}
	return {
		page: page || "overview",
		namespace,
		...(actorId ? { actorId } : {}),
		...(tab ? { tab } : {}),
		filter: Object.fromEntries(new URLSearchParams(query)),
	};
}

/** The address of a place. */
export function href(namespace: string, page: string, ...rest: string[]): string {
	return `#/ns/${[namespace, page, ...rest].map(encodeURIComponent).join("/")}`;
}

/** The address of a list with a filter; empty values are left out. */
export function filtered(namespace: string, page: string, filter: Record<string, string>): string {
	const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== "")).toString();
	return query === "" ? href(namespace, page) : `${href(namespace, page)}?${query}`;
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
