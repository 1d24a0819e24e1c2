// The inspector that rivetkit serves inside every actor. The engine only passes its requests on.
import type { Engine } from "./api.ts";
import { type Call, Refused } from "./http.ts";

/** Under this key rivetkit keeps the token that its inspector wants. */
const TOKEN_KEY = "Aw==";

export interface Connection {
	id: string | null;
	details: { params?: unknown; state?: unknown; isHibernatable?: boolean };
}

export interface Summary {
	state?: unknown;
	connections: Connection[];
	/** The names of the actions. */
	rpcs: string[];
	queueSize: number;
	isStateEnabled: boolean;
	isDatabaseEnabled: boolean;
	isWorkflowEnabled: boolean;
	workflowState: string | null;
}

export interface Table {
	table: { name: string; type: string };
	columns: { name: string; type: string; pk: number; notnull: number }[];
	records: number;
}

export type Row = Record<string, unknown>;

export interface Queue {
	size: number;
	maxSize: number;
	truncated: boolean;
	messages: { id: string; name: string; createdAtMs: number }[];
}

export interface WorkflowEntry {
	id: string;
	location: { tag: string; val: unknown }[];
	kind: { tag: string; val: Record<string, unknown> };
}

export interface WorkflowHistory {
	nameRegistry: string[];
	entries: WorkflowEntry[];
	entryMetadata: Record<string, { status: string; error: unknown; attempts: number; createdAt: number; completedAt: number | null }>;
}

export interface Workflow {
	history: WorkflowHistory | null;
	workflowState: string | null;
	isWorkflowEnabled: boolean;
}

/** The inspector of one actor. Every call wakes an actor that sleeps. */
export class Inspector {
	#engine: Engine;
	#namespace: string;
	#actorId: string;
	#token: string | undefined;

	constructor(engine: Engine, namespace: string, actorId: string) {
		this.#engine = engine;
		this.#namespace = namespace;
		this.#actorId = actorId;
	}

	summary = (signal?: AbortSignal) => this.#ask<Summary>("summary", { signal });
	replaceState = (state: unknown) => this.#ask<unknown>("state", { method: "PATCH", body: { state } });
	call = (action: string, args: unknown[]) =>
		this.#ask<{ output: unknown }>(`action/${encodeURIComponent(action)}`, { method: "POST", body: { args } });
	schema = (signal?: AbortSignal) => this.#ask<{ schema: { tables: Table[] } }>("database/schema", { signal });
	rows = (table: string, limit: number, offset: number, signal?: AbortSignal) =>
		this.#ask<{ rows: Row[] }>("database/rows", { query: { table, limit, offset }, signal });
	sql = (sql: string) => this.#ask<{ rows: Row[] }>("database/execute", { method: "POST", body: { sql } });
	queue = (signal?: AbortSignal) => this.#ask<Queue>("queue", { query: { limit: 200 }, signal });
	sendToQueue = (name: string, body: unknown) => this.#ask<unknown>("queue", { method: "POST", body: { name, body } });
	workflow = (signal?: AbortSignal) => this.#ask<Workflow>("workflow-history", { signal });

	async #ask<T>(path: string, call: Call): Promise<T> {
		this.#token ??= await this.#readToken();
		try {
			return await this.#send<T>(path, call);
		} catch (error) {
			// The actor may have made a new one since.
			if (!(error instanceof Refused && error.status === 401)) throw error;
			this.#token = await this.#readToken();
			return await this.#send<T>(path, call);
		}
	}

	#send<T>(path: string, call: Call): Promise<T> {
		return this.#engine.toActor<T>(this.#actorId, `inspector/${path}`, {
			...call,
			headers: { authorization: `Bearer ${this.#token}` },
		});
	}

	async #readToken(): Promise<string> {
		const { value } = await this.#engine.kvValue(this.#namespace, this.#actorId, TOKEN_KEY);
		return atob(value);
	}
}
