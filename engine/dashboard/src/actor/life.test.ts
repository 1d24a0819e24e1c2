import assert from "node:assert/strict";
import { test } from "node:test";
import { lifeOf, milestones, reasonOf } from "./life.ts";

const nowhere = { destroy_ts: null, connectable_ts: null, sleep_ts: null, reschedule_ts: null };

test("a new actor starts", () => assert.equal(lifeOf(nowhere), "starting"));

test("an actor that no envoy takes waits", () => {
	assert.equal(lifeOf({ ...nowhere, error: "no_envoys" }), "waiting");
	assert.equal(lifeOf({ ...nowhere, reschedule_ts: 5 }), "waiting");
});

test("an actor that can be reached runs, whatever happened before", () => {
	assert.equal(lifeOf({ ...nowhere, connectable_ts: 5, sleep_ts: 4 }), "running");
});

test("one that sleeps after a crash is told apart from one that only sleeps", () => {
	assert.equal(lifeOf({ ...nowhere, sleep_ts: 5 }), "sleeping");
	assert.equal(lifeOf({ ...nowhere, sleep_ts: 5, error: { crashed: { message: "no" } } }), "crashed");
});

test("nothing comes after its end", () => {
	assert.equal(lifeOf({ ...nowhere, connectable_ts: 5, destroy_ts: 6 }), "destroyed");
});

test("a reason is a sentence, with the message of the app where there is one", () => {
	assert.equal(reasonOf(undefined), undefined);
	assert.equal(reasonOf("no_envoys"), "No envoy of its pool is connected");
	assert.equal(reasonOf({ crashed: { message: "on purpose" } }), "It crashed: on purpose");
	assert.equal(reasonOf({ crashed: { message: null } }), "It crashed");
	assert.equal(
		reasonOf({ runner_pool_error: { serverless_connection_error: { message: "refused" } } }),
		"Its pool could not start it: serverless connection error: refused",
	);
	assert.equal(reasonOf({ something_new: {} }), "something new");
});

test("milestones are in the order in which they happened", () => {
	const actor = {
		actor_id: "a", name: "n", key: null, datacenter: "d", runner_name_selector: "p",
		...nowhere, create_ts: 1, start_ts: 2, connectable_ts: 9, sleep_ts: 7,
	};
	assert.deepEqual(milestones(actor).map(({ ts }) => ts), [1, 2, 7, 9]);
});
