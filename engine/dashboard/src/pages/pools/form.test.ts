import assert from "node:assert/strict";
import { test } from "node:test";
import { BadForm, configOf, formOf, headersOf } from "./form.ts";

const serverless = {
	serverless: {
		url: "http://127.0.0.1:9000/api/rivet", headers: { "x-a": "1" }, request_lifespan: 30, max_runners: 5,
		actor_eviction_rate: 0.5, drain_on_version_upgrade: true,
	},
	metadata: { made: "by hand" },
	protocol_version: 8,
};

test("a pool that is saved unchanged stays as it is", () => {
	const { protocol_version: _, ...written } = serverless;
	assert.deepEqual(configOf(formOf("p", serverless), serverless), written);
	const normal = { normal: { actor_eviction_delay: 3, drain_on_version_upgrade: false } };
	assert.deepEqual(configOf(formOf("p", normal), normal), normal);
});

test("a number that is taken out goes back to the engine's own", () => {
	const form = formOf("p", serverless);
	form.numbers.max_runners = "";
	assert.equal(configOf(form, serverless).serverless?.max_runners, undefined);
});

test("a pool can change its kind", () => {
	const form = { ...formOf("p", { normal: {} }), kind: "serverless" as const, url: " http://x " };
	assert.deepEqual(configOf(form, { normal: {} }), {
		serverless: { url: "http://x", headers: {}, request_lifespan: 900, drain_grace_period: 300, drain_on_version_upgrade: true },
	});
});

test("what is no number and what is no header is refused by name", () => {
	const form = formOf("p", serverless);
	assert.throws(() => configOf({ ...form, numbers: { ...form.numbers, max_runners: "-1" } }, serverless), /Runners, most/);
	assert.throws(() => configOf({ ...form, numbers: { ...form.numbers, request_lifespan: "" } }, serverless), BadForm);
	assert.throws(() => headersOf("x-a 1"), /x-a 1/);
	assert.deepEqual(headersOf(" x-a : b: c \n\nX-B:"), { "x-a": "b: c", "X-B": "" });
});
