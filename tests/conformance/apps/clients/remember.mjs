// Adds to a counter under a fixed key and expects what is given: `remember.mjs KEY BY EXPECTED`.
import { assert, client, eventually, run } from "./client.mjs";

await run(async () => {
	const [key, by, expected] = process.argv.slice(2);
	const counter = client.counter.getOrCreate([key]);
	// Upstream's engine answers 500 for as long as it takes the actor's last app for alive.
	await eventually("the actor answers", () => counter.getCount().then(() => true, () => false));
	assert.equal(await counter.increment(Number(by)), Number(expected));
});
