// What happened between two readings of the engine's counters. Pure.
import type { Figures, Times } from "../engine/api.ts";

/** The figures of a stretch of time. `undefined`: nothing was measured in it. */
export interface Sample {
	/** When it ended. */
	ts: number;
	/** Requests to actors, a second. */
	actorRate: number;
	/** Requests to the API, a second. */
	apiRate: number;
	/** Answers of actors with a status from 500, a second. */
	failureRate: number;
	commitRate: number;
	/** Milliseconds within which half, and 99 of 100, requests to actors were answered. */
	actorHalf: number | undefined;
	actorMost: number | undefined;
	/** The same of requests to the API, for half of them. */
	apiHalf: number | undefined;
	/** The same of writes to the store, for half of them. */
	writeHalf: number | undefined;
}

/** What happened from `before` to `after`; `undefined` when the engine started anew in between. */
export function sampleOf(before: Figures, after: Figures): Sample | undefined {
	const seconds = (after.ts - before.ts) / 1000;
	if (seconds <= 0 || after.uptime_ms < before.uptime_ms) return undefined;
	const rate = (of: (figures: Figures) => number) => Math.max(0, of(after) - of(before)) / seconds;
	return {
		ts: after.ts,
		actorRate: rate(({ actor_requests }) => total(actor_requests)),
		apiRate: rate(({ api_requests }) => total(api_requests)),
		failureRate: rate(({ actor_requests }) => actor_requests["5xx"] ?? 0),
		commitRate: rate(({ commits }) => commits["committed"] ?? 0),
		actorHalf: quantile(before.actor_seconds, after.actor_seconds, 0.5),
		actorMost: quantile(before.actor_seconds, after.actor_seconds, 0.99),
		apiHalf: quantile(before.api_seconds, after.api_seconds, 0.5),
		writeHalf: quantile(before.write_seconds, after.write_seconds, 0.5),
	};
}

const total = (counts: Record<string, number>) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** The milliseconds within which the share `q` of what was measured in between was done, between two bounds by proportion. */
export function quantile(before: Times, after: Times, q: number): number | undefined {
	const count = after.count - before.count;
	if (count <= 0) return undefined;
	const wanted = q * count;
	let [low, below] = [0, 0];
	for (const [index, [bound, until]] of after.at_most.entries()) {
		const within = until - (before.at_most[index]?.[1] ?? 0);
		if (within >= wanted && Number.isFinite(bound)) {
			const share = within > below ? (wanted - below) / (within - below) : 1;
			return (low + (bound - low) * share) * 1000;
		}
		if (Number.isFinite(bound)) [low, below] = [bound, within];
	}
	// Beyond the last bound, of which nothing is known but that it was passed.
	return low * 1000;
}
