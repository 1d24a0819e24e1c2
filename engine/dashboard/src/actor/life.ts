// Where in its life an actor is, read off what the engine's list says of it. Pure.
import type { Actor, ActorError } from "../engine/api.ts";

export type LifeState = "running" | "starting" | "waiting" | "sleeping" | "crashed" | "destroyed";

export const LIFE_STATES: readonly LifeState[] = ["running", "starting", "waiting", "sleeping", "crashed", "destroyed"];

type Life = Pick<Actor, "destroy_ts" | "connectable_ts" | "sleep_ts" | "reschedule_ts" | "error">;

export function lifeOf(actor: Life): LifeState {
	if (actor.destroy_ts !== null) return "destroyed";
	if (actor.connectable_ts !== null) return "running";
	if (isCrash(actor.error)) return "crashed";
	if (actor.sleep_ts !== null) return "sleeping";
	// It was asked for, and no envoy takes it.
	if (actor.error !== undefined || actor.reschedule_ts !== null) return "waiting";
	return "starting";
}

const isCrash = (error: ActorError | undefined) => typeof error === "object" && "crashed" in error;

/** Why an actor does not run, in words. */
export function reasonOf(error: ActorError | undefined): string | undefined {
	if (error === undefined) return undefined;
	const { word, details } = told(error);
	if (word === "runner_pool_error") return `Its pool could not start it: ${reasonOf(details as ActorError | undefined) ?? "it does not say why"}`;
	const message = typeof details === "object" && details !== null && "message" in details ? details.message : undefined;
	const known = REASONS[word] ?? word.replaceAll("_", " ");
	return typeof message === "string" && message !== "" ? `${known}: ${message}` : known;
}

/** An error is a word, or an object with the word as its only field. */
function told(error: ActorError): { word: string; details: unknown } {
	if (typeof error === "string") return { word: error, details: undefined };
	const [word = "unknown", details] = Object.entries(error)[0] ?? [];
	return { word, details };
}

const REASONS: Record<string, string> = {
	no_envoys: "No envoy of its pool is connected",
	concurrent_actor_limit_reached: "Its pool runs as many actors as it may",
	crashed: "It crashed",
	envoy_no_response: "Its envoy did not answer",
	envoy_connection_lost: "Its envoy is gone",
};

/** The steps of a life that have a time, oldest first. */
export function milestones(actor: Actor): { label: string; ts: number }[] {
	const steps: [string, number | null][] = [
		["Created", actor.create_ts],
		["First started", actor.start_ts],
		["Reachable since", actor.connectable_ts],
		["Asleep since", actor.sleep_ts],
		["Tried again at", actor.reschedule_ts],
		["Destroyed", actor.destroy_ts],
	];
	return steps.flatMap(([label, ts]) => (ts === null ? [] : [{ label, ts }])).sort((a, b) => a.ts - b.ts);
}
