// The tokens of a namespace, and the keys that sign scoped ones. The shapes are those of docs/authorization.md.
import type { Engine } from "./api.ts";

/** The kinds of token that last until they are revoked. */
export type Kind = "public" | "secret";

export interface NamespaceToken {
	token_id: string;
	name: string | null;
	create_ts: number;
}

/** A token, as its issuer is told it: once. */
export interface NewToken {
	token: string;
	token_id: string;
}

export interface NewScopedToken extends NewToken {
	issued_ts: number;
	expires_ts: number;
}

export type Resource = "actor_gateway" | "actor" | "actor_kv" | "envoy" | "runner_config" | "datacenter";
export type Operation = "create" | "read" | "update" | "delete" | "list";
export type Target = "any" | { id: string } | { name: string; key?: string };

export interface Grant {
	resource: Resource;
	target: Target;
	operations: Operation[];
}

export interface Wish {
	/** For whom it is; the audit log tells it. */
	subject?: string;
	/** In seconds. */
	duration: number;
	grants: Grant[];
}

export interface SigningKey {
	kid: string;
	alg: string;
	create_ts: number;
	/** When another took its place; `null`: it signs. */
	retire_ts: number | null;
	/** No token that it has signed lasts longer. */
	used_until: number;
}

export class Tokens {
	readonly #engine: Engine;
	readonly #namespace: string;

	constructor(engine: Engine, namespace: string) {
		this.#engine = engine;
		this.#namespace = namespace;
	}

	list = (kind: Kind, signal?: AbortSignal) =>
		this.#engine.request<{ tokens: NamespaceToken[] }>(`auth/${kind}-tokens`, { query: this.#query, signal });
	/** Makes one; an empty name is none. */
	create = (kind: Kind, name: string) =>
		this.#engine.request<NewToken & NamespaceToken>(`auth/${kind}-tokens`, {
			method: "POST",
			query: this.#query,
			body: name === "" ? {} : { name },
		});
	revoke = (kind: Kind, id: string) =>
		this.#engine.request<unknown>(`auth/${kind}-tokens/${encodeURIComponent(id)}`, { method: "DELETE", query: this.#query });

	issue = (wish: Wish) =>
		this.#engine.request<NewScopedToken>("auth/tokens", { method: "POST", body: { namespace: this.#namespace, ...wish } });
	revokeScoped = (id: string) =>
		this.#engine.request<unknown>(`auth/tokens/${encodeURIComponent(id)}`, { method: "DELETE", query: this.#query });

	/** The keys of the whole engine, whatever the namespace. */
	keys = (signal?: AbortSignal) => this.#engine.request<{ keys: SigningKey[] }>("auth/signing-keys", { signal });
	/** Makes a new key. `revokePrevious`: what the others have signed ends now. */
	rotate = (revokePrevious: boolean) =>
		this.#engine.request<unknown>("auth/signing-keys", { method: "POST", body: { revoke_previous: revokePrevious } });

	get #query() {
		return { namespace: this.#namespace };
	}
}
