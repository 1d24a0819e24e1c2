import assert from "node:assert/strict";
import { test } from "node:test";
import type { Figures, Times } from "../engine/api.ts";
import { quantile, sampleOf } from "./rates.ts";

const none: Times = { count: 0, at_most: [[0.001, 0], [0.01, 0], [0.1, 0]] };

function figures(ts: number, rest: Partial<Figures> = {}): Figures {
	return {
		ts, uptime_ms: ts, connections: 0, envoys: 0, sockets: 0, hibernating_sockets: 0, api_requests: {},
		actor_requests: {}, refusals: 0, commits: {}, api_seconds: none, actor_seconds: none, write_seconds: none,
		storage_bytes: 0, actors: { by_state: {}, more: false }, ...rest,
	};
}

test("a rate is what was added, by the second", () => {
	const before = figures(1000, { actor_requests: { "2xx": 10, "5xx": 1 } });
	const after = figures(3000, { actor_requests: { "2xx": 14, "5xx": 3 } });

	const sample = sampleOf(before, after);

	assert.equal(sample?.actorRate, 3);
	assert.equal(sample?.failureRate, 1);
	assert.equal(sample?.actorHalf, undefined);
});

test("an engine that started anew begins anew", () => {
	assert.equal(sampleOf(figures(5000), { ...figures(7000), uptime_ms: 100 }), undefined);
});

test("a quantile looks only at what was measured in between", () => {
	const before: Times = { count: 100, at_most: [[0.001, 100], [0.01, 100], [0.1, 100]] };
	const after: Times = { count: 110, at_most: [[0.001, 100], [0.01, 110], [0.1, 110]] };

	assert.equal(quantile(before, after, 0.5)?.toFixed(3), "5.500");
	assert.equal(quantile(none, { count: 2, at_most: [[0.001, 2], [0.01, 2], [0.1, 2]] }, 1), 1);
});

test("what took longer than every bound is told as the last bound", () => {
	assert.equal(quantile(none, { count: 1, at_most: [[0.001, 0], [0.01, 0], [0.1, 0]] }, 0.5), 100);
});
