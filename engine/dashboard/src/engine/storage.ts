// The engine's data and its checkpoints. The shapes are those of docs/engine-api.md.
import type { Engine } from "./api.ts";
import { addressOf } from "./http.ts";

export interface Storage {
	ts: number;
	durability: "strict" | "relaxed";
	sequence: number;
	keys_estimate: number;
	data_bytes: number;
	log_bytes: number;
	memory_bytes: number;
	data_files: number;
	pending_compaction_bytes: number;
	running_compactions: number;
	writes_are_stopped: boolean;
	tables: { table: string; bytes: number }[];
	format: { data: number; written_by: string; current: number; oldest_readable: number };
	disk: { free_bytes: number; total_bytes: number };
	checkpoints: { count: number; bytes: number };
}

export interface Checkpoint {
	id: string;
	create_ts: number;
	engine_version: string;
	data_format: number;
	bytes: number;
	archive_bytes: number;
	/** Stands for the whole archive. */
	manifest_sha256: string;
}

const segment = encodeURIComponent;

export const storage = (engine: Engine, signal?: AbortSignal) => engine.request<Storage>("admin/storage", { signal });

export const compact = (engine: Engine) =>
	engine.request<{ bytes_before: number; bytes_after: number }>("admin/compact", { method: "POST", body: {} });

export const checkpoints = (engine: Engine, signal?: AbortSignal) =>
	engine.request<{ checkpoints: Checkpoint[] }>("admin/checkpoints", { signal });

export const makeCheckpoint = (engine: Engine) => engine.request<Checkpoint>("admin/checkpoint", { method: "POST", body: {} });

export const deleteCheckpoint = (engine: Engine, id: string) =>
	engine.request<unknown>(`admin/checkpoints/${segment(id)}`, { method: "DELETE" });

/** An address from which the browser itself loads the archive, once: no token is in it. */
export async function downloadAddress(engine: Engine, id: string): Promise<string> {
	const { path } = await engine.request<{ path: string }>(`admin/checkpoints/${segment(id)}/ticket`, { method: "POST", body: {} });
	return addressOf(path);
}
