// The audit log of the engine. The shapes are those of docs/authorization.md.
import type { Engine } from "./api.ts";

export interface AuditEntry {
	number: number;
	ts: number;
	actor: { kind: string; token_id?: string; subject?: string };
	address?: string;
	method: string;
	path: string;
	namespace?: string;
	/** The id or name of what was created. */
	created?: string;
	status: number;
	/** `group.code` of a refusal. */
	error?: string;
	ray_id: string;
}

export interface AuditPart {
	entries: AuditEntry[];
	/** `cursor` leads to older ones. */
	pagination: { cursor: string | null };
}

/** A part of the log, newest first: its beginning, or what comes after `cursor`. */
export const auditLog = (engine: Engine, limit: number, cursor?: string) =>
	engine.request<AuditPart>("audit", { query: { limit, cursor } });
