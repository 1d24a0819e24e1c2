// Several clients at once, on one actor and on many.
import { assert, client, key, run } from "./client.mjs";

await run(async () => {
	const shared = client.counter.getOrCreate(key());
	await shared.getCount();
	const counts = await Promise.all(Array.from({ length: 30 }, () => shared.increment(1)));
	assert.deepEqual(counts.sort((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n + 1));
	const own = await Promise.all(
		Array.from({ length: 10 }, () => client.counter.getOrCreate(key()).increment(1)),
	);
	assert.deepEqual(own, Array(10).fill(1));
	const name = key();
	const raced = await Promise.all(
		Array.from({ length: 4 }, () => client.counter.getOrCreate(name).connect().increment(1)),
	);
	assert.deepEqual(raced.sort(), [1, 2, 3, 4]);
});
