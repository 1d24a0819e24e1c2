// An entry of the audit log in words, and whether it fits a filter. Pure.
import type { AuditEntry } from "../../engine/audit.ts";

const KINDS: Record<string, string> = {
	admin: "admin token",
	secret: "secret token",
	public: "public token",
	scoped: "scoped token",
	anybody: "anybody, no token is asked for",
	nobody: "nobody, no valid token",
};

/** Who it was, without ids. */
export function whoOf({ actor }: AuditEntry): string {
	const kind = KINDS[actor.kind] ?? actor.kind;
	return actor.subject === undefined ? kind : `${kind} of ${actor.subject}`;
}

/** Whether every word of `text` is in the entry, whatever its case. */
export function fits(entry: AuditEntry, text: string): boolean {
	const { actor, address, method, path, namespace, created, status, error, ray_id } = entry;
	const all = [whoOf(entry), actor.token_id, address, method, path, namespace, created, String(status), error, ray_id].join("\n").toLowerCase();
	return text.toLowerCase().split(/\s+/).every((word) => all.includes(word));
}
