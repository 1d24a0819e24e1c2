// What every client here shares: a client of the engine under test, and a way to say that it is done.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import WebSocket from "ws";
import { createClient } from "rivetkit/client";

export { assert, WebSocket };
export const endpoint = process.env.ENGINE;
export const namespace = process.env.NAMESPACE;
export const token = process.env.TOKEN;
export const pool = process.env.POOL;
export const client = createClient({ endpoint, namespace, token, poolName: pool });
export const key = () => [randomUUID()];
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Waits for a condition. */
export async function eventually(what, probe) {
	const end = Date.now() + 60_000;
	for (;;) {
		const found = await probe();
		if (found !== undefined && found !== false) return found;
		if (Date.now() > end) throw new Error(`never happened: ${what}`);
		await pause(50);
	}
}

/** What the API says of an actor. */
export async function describe(id) {
	const answer = await fetch(`${endpoint}/actors?namespace=${namespace}&actor_id=${id}`, {
		headers: { authorization: `Bearer ${token}` },
	});
	return (await answer.json()).actors[0];
}

/** Waits until an actor sleeps. */
export const asleep = (id) =>
	eventually("the actor sleeps", async () => {
		const actor = await describe(id);
		return actor.sleep_ts !== null && actor.connectable_ts === null;
	});

/** Runs what a client does; the exit code tells how it went. */
export async function run(steps) {
	try {
		await steps();
		process.exit(0);
	} catch (error) {
		console.error(error);
		process.exit(1);
	}
}
