// Actions over a WebSocket, and events to all who are connected.
import { assert, client, eventually, key, run } from "./client.mjs";

await run(async () => {
	const name = key();
	const [one, two] = [1, 2].map(() => client.counter.getOrCreate(name).connect());
	const heard = { one: [], two: [] };
	one.on("newCount", (count) => heard.one.push(count));
	two.on("newCount", (count) => heard.two.push(count));
	await one.getCount();
	await two.getCount();
	assert.equal(await one.increment(1), 1);
	assert.equal(await two.increment(1), 2);
	await eventually("both hear of both", () => heard.one.length === 2 && heard.two.length === 2);
	assert.deepEqual(heard, { one: [1, 2], two: [1, 2] });
	await one.dispose();
	await two.dispose();
});
