// Load by the client library: actions over HTTP as it sends them, and its connections.
import { randomUUID } from "node:crypto";
import { createClient } from "rivetkit/client";
import { pace } from "./pace.mjs";

const client = createClient(process.env.BENCH_ENDPOINT);
let actor;
let connections = [];

/** Connections to one actor, all open. */
export async function connect({ count }) {
	actor = client.counter.getOrCreate([randomUUID()]);
	await actor.noop();
	connections = await Promise.all(
		Array.from({ length: count }, async () => {
			const connection = actor.connect();
			await connection.noop();
			return connection;
		}),
	);
}

/** Actions over HTTP, one after another. */
export async function clientActions(options) {
	const called = client.counter.getOrCreate([randomUUID()]);
	await called.noop();
	return pace(options, () => called.noop());
}

/** Actions on one connection, `width` in flight. */
export const onOne = (options) => pace(options, () => connections[0].noop());

/** Actions on all connections, one in flight on each. */
export async function onAll(options) {
	const free = [...connections];
	return pace({ ...options, width: connections.length }, async () => {
		const connection = free.pop();
		try {
			await connection.noop();
		} finally {
			free.push(connection);
		}
	});
}

/** Events to all connections, each caused by an action; tells how many arrived in a second as `messages`. */
export async function events({ seconds }) {
	let heard = 0;
	const deaf = connections.map((connection) => connection.on("newCount", () => (heard += 1)));
	// The first answer on a connection comes after its subscriptions.
	await Promise.all(connections.map((connection) => connection.noop()));
	const start = performance.now();
	const told = await pace({ seconds }, () => connections[0].increment());
	const wanted = (told.samples.length + told.errors) * connections.length;
	const end = performance.now() + 10_000;
	while (heard < wanted && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 1));
	const messages = (heard / (performance.now() - start)) * 1000;
	for (const stop of deaf) stop();
	return { ...told, messages };
}
