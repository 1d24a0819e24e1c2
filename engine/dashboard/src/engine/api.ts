// The engine's API, as far as the dashboard uses it. The shapes are those of docs/engine-api.md.
import { type Call, send } from "./http.ts";

export interface Namespace {
	namespace_id: string;
	name: string;
	display_name: string;
	create_ts: number;
}

/** Why an actor does not run: a word, or a word with details. */
export type ActorError = string | Record<string, unknown>;

export interface Actor {
	actor_id: string;
	name: string;
	key: string | null;
	datacenter: string;
	runner_name_selector: string;
	create_ts: number;
	start_ts: number | null;
	connectable_ts: number | null;
	sleep_ts: number | null;
	reschedule_ts: number | null;
	destroy_ts: number | null;
	error?: ActorError;
}

export interface Placement {
	state: string;
	generation: number;
	envoy_key: string | null;
	alarm_ts: number | null;
	failed_attempts: number;
}

export interface KvEntry {
	/** In base64. */
	key: string;
	/** Of the value, in bytes. */
	size: number;
	update_ts: number;
}

export interface Envoy {
	envoy_key: string;
	datacenter: string;
	pool_name: string;
	version: number;
	slots: number;
	create_ts: number;
	last_ping_ts: number;
	last_rtt: number;
	metadata: { rivetkit?: { version?: string } } | null;
}

export interface ServerlessConfig {
	url: string;
	headers?: Record<string, string>;
	request_lifespan: number;
	max_concurrent_actors?: number;
	drain_grace_period?: number;
	slots_per_runner?: number;
	min_runners?: number;
	max_runners?: number;
	runners_margin?: number;
	metadata_poll_interval?: number;
}

/** How a pool runs in one datacenter: by itself, or started by the engine. */
export interface PoolConfig {
	normal?: Record<string, unknown>;
	serverless?: ServerlessConfig & Record<string, unknown>;
	metadata?: unknown;
	drain_on_version_upgrade?: boolean;
	protocol_version?: number | null;
	runner_pool_error?: unknown;
}

export type Pools = Record<string, { datacenters: Record<string, PoolConfig> }>;

/** How often something took at most so many seconds. */
export interface Times {
	count: number;
	at_most: [number, number][];
}

export interface Figures {
	ts: number;
	uptime_ms: number;
	connections: number;
	envoys: number;
	sockets: number;
	hibernating_sockets: number;
	api_requests: Record<string, number>;
	actor_requests: Record<string, number>;
	refusals: number;
	commits: Record<string, number>;
	api_seconds: Times;
	actor_seconds: Times;
	write_seconds: Times;
	storage_bytes: number;
	actors: { by_state: Record<string, number>; more: boolean };
}

export type HealthChecked = { success: { version: string } } | { failure: { error: { message: string; details?: string } } };

interface Page {
	pagination: { cursor: string | null };
}

export interface ActorQuery {
	name?: string;
	key?: string;
	actor_id?: string;
	include_destroyed?: boolean;
	limit?: number;
	cursor?: string | undefined;
}

const segment = encodeURIComponent;

/** The engine as whoever has `token` sees it. */
export class Engine {
	/** Called when the token stops to be valid. */
	onTokenRefused: () => void = () => {};
	readonly token: string;

	constructor(token: string) {
		this.token = token;
	}

	async request<T>(path: string, call: Call = {}): Promise<T> {
		const headers = this.token === "" ? {} : { authorization: `Bearer ${this.token}` };
		return this.#watched(send<T>(path, { ...call, headers: { ...headers, ...call.headers } }));
	}

	/** A request to an actor: it wakes one that sleeps. `Authorization` is the actor's own. */
	async toActor<T>(actorId: string, path: string, call: Call = {}): Promise<T> {
		const headers = this.token === "" ? {} : { "x-rivet-token": this.token };
		const to = `gateway/${segment(actorId)}/${path}`;
		return this.#watched(send<T>(to, { ...call, headers: { ...headers, ...call.headers } }));
	}

	async #watched<T>(answer: Promise<T>): Promise<T> {
		try {
			return await answer;
		} catch (error) {
			if (error instanceof Error && "isTokenRefused" in error && error.isTokenRefused) this.onTokenRefused();
			throw error;
		}
	}

	metadata = () => this.request<{ version: string; git_sha: string }>("metadata");
	figures = (namespace: string, signal?: AbortSignal) =>
		this.request<Figures>("figures", { query: { namespace }, signal });
	datacenters = () => this.request<{ datacenters: { name: string }[] }>("datacenters");

	namespaces = (signal?: AbortSignal) =>
		this.request<{ namespaces: Namespace[] } & Page>("namespaces", { query: { limit: 1000 }, signal });
	createNamespace = (name: string, display_name: string) =>
		this.request<{ namespace: Namespace }>("namespaces", { method: "POST", body: { name, display_name } });

	actorNames = (namespace: string, signal?: AbortSignal) =>
		this.request<{ names: Record<string, unknown> } & Page>("actors/names", {
			query: { namespace, limit: 200 },
			signal,
		});
	actors = (namespace: string, query: ActorQuery, signal?: AbortSignal) =>
		this.request<{ actors: Actor[] } & Page>("actors", { query: { namespace, ...query }, signal });
	placement = (namespace: string, actorId: string, signal?: AbortSignal) =>
		this.request<Placement>(`actors/${segment(actorId)}/placement`, { query: { namespace }, signal });
	destroyActor = (namespace: string, actorId: string) =>
		this.request<unknown>(`actors/${segment(actorId)}`, { method: "DELETE", query: { namespace } });
	sleepActor = (namespace: string, actorId: string) =>
		this.request<unknown>(`actors/${segment(actorId)}/sleep`, { method: "POST", query: { namespace }, body: {} });
	moveActor = (namespace: string, actorId: string) =>
		this.request<unknown>(`actors/${segment(actorId)}/reschedule`, { method: "POST", query: { namespace }, body: {} });
	/** Any request to an actor wakes it; this one asks for nothing else. */
	wakeActor = (actorId: string) => this.toActor<unknown>(actorId, "health");
	kvEntries = (namespace: string, actorId: string, cursor?: string) =>
		this.request<{ entries: KvEntry[] } & Page>(`actors/${segment(actorId)}/kv/keys`, { query: { namespace, cursor } });
	kvValue = (namespace: string, actorId: string, key: string) =>
		this.request<{ value: string; update_ts: number }>(`actors/${segment(actorId)}/kv/keys/${segment(key)}`, {
			query: { namespace },
		});

	envoys = (namespace: string, signal?: AbortSignal) =>
		this.request<{ envoys: Envoy[] } & Page>("envoys", { query: { namespace, limit: 1000 }, signal });

	pools = (namespace: string, signal?: AbortSignal) =>
		this.request<{ runner_configs: Pools } & Page>("runner-configs", { query: { namespace }, signal });
	putPool = (namespace: string, pool: string, datacenters: Record<string, PoolConfig>) =>
		this.request<unknown>(`runner-configs/${segment(pool)}`, {
			method: "PUT",
			query: { namespace },
			body: { datacenters },
		});
	deletePool = (namespace: string, pool: string) =>
		this.request<unknown>(`runner-configs/${segment(pool)}`, { method: "DELETE", query: { namespace } });
	refreshPool = (namespace: string, pool: string) =>
		this.request<unknown>(`runner-configs/${segment(pool)}/refresh-metadata`, {
			method: "POST",
			query: { namespace },
			body: {},
		});
	healthCheck = (namespace: string, url: string, headers: Record<string, string>) =>
		this.request<HealthChecked>("runner-configs/serverless-health-check", {
			method: "POST",
			query: { namespace },
			body: { url, headers },
		});
}
