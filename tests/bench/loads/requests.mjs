// Load over HTTP that wrk cannot make: requests that each need a body or a key of their own.
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { NAMESPACE, TOKEN } from "../processes.mjs";
import { pace } from "./pace.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

function send(method, path, body, timeout = 60_000) {
	return new Promise((resolve, reject) => {
		const headers = {
			authorization: `Bearer ${TOKEN}`,
			"x-rivet-token": TOKEN,
			"x-rivet-encoding": "json",
			"content-type": "application/json",
			"content-length": Buffer.byteLength(body),
		};
		const sent = request({ agent, port: process.env.BENCH_PORT, host: "127.0.0.1", method, path, headers, timeout });
		sent.setNoDelay(true);
		sent.on("error", reject).on("timeout", () => sent.destroy(new Error("timeout")));
		sent.on("response", (answer) => {
			let text = "";
			answer.on("data", (part) => (text += part)).on("error", reject);
			answer.on("end", () => {
				if (answer.statusCode === 200) resolve(JSON.parse(text));
				else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
			});
		});
		sent.end(body);
	});
}

const byId = async (id, action) => (await send("POST", `/gateway/${id}/action/${action}`, '{"args":[]}')).output;

/** The path of an action of the actor with a key, which is created where there is none. */
export const byKey = ({ key, action = "noop" }) =>
	`/gateway/counter/action/${action}?rvt-namespace=${NAMESPACE}&rvt-method=getOrCreate&rvt-runner=default` +
	`&rvt-key=${key}&rvt-crash-policy=sleep&rvt-token=${TOKEN}`;

async function create() {
	const actor = { name: "counter", key: randomUUID(), runner_name_selector: "default", crash_policy: "sleep" };
	const made = await send("POST", `/actors?namespace=${NAMESPACE}`, JSON.stringify({ ...actor, datacenter: "default" }));
	return made.actor.actor_id;
}

/** Makes actors that have answered, and tells their ids. */
export async function actors({ count }) {
	const ids = [];
	for (let made = 0; made < count; made += 1) {
		const id = await create();
		await byId(id, "noop");
		ids.push(id);
	}
	return ids;
}

/** Creates actors by the API. */
export const creation = (options) => pace(options, create);

/** Calls an action of actors that are not there yet. */
export const coldStart = (options) =>
	pace(options, () => send("POST", byKey({ key: randomUUID() }), '{"args":[]}', 120_000));

/** Brings up actors with keys of their own, however often each has to be asked for; tells how many answered. */
export async function crowd({ count, width, seconds }) {
	const mark = randomUUID();
	const end = Date.now() + seconds * 1000;
	const { samples } = await pace({ count, width, seconds }, async (number) => {
		while (Date.now() < end) {
			const there = send("POST", byKey({ key: `${mark}-${number}` }), '{"args":[]}', 15_000);
			if (await there.then(() => true, () => false)) return;
		}
		throw new Error("an actor did not come up");
	});
	return samples.length;
}

/** Calls an action of each of the actors. */
export async function each({ ids, action, width }) {
	await pace({ count: ids.length, width, seconds: 300 }, (number) => byId(ids[number], action));
}

/** Calls an action once, and tells its output and the milliseconds that it took. */
export async function once({ id, action }) {
	const start = performance.now();
	const output = await byId(id, action);
	return { output, ms: performance.now() - start };
}

/** Calls an action until it answers. */
export async function persist({ id, action, seconds }) {
	const end = Date.now() + seconds * 1000;
	for (;;) {
		try {
			return (await send("POST", `/gateway/${id}/action/${action}`, '{"args":[]}', 10_000)).output;
		} catch (error) {
			if (Date.now() > end) throw error;
			await new Promise((resolve) => setTimeout(resolve, 10));
		}
	}
}
