// Emptying the engine before it is stopped. The shapes are those of docs/engine-api.md.
import type { Engine } from "./api.ts";

export interface Progress {
	state: "serving" | "draining" | "drained";
	since_ts: number | null;
	actors_running: number;
	requests_in_flight: number;
	sockets_open: number;
	envoys: number;
}

export const drainProgress = (engine: Engine, signal?: AbortSignal) => engine.request<Progress>("admin/drain", { signal });

export const drain = (engine: Engine) => engine.request<Progress>("admin/drain", { method: "POST", body: {} });

export const serveAgain = (engine: Engine) => engine.request<Progress>("admin/drain", { method: "DELETE" });
