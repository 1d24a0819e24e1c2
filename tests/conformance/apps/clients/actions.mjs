// Actions over HTTP.
import { assert, client, key, run } from "./client.mjs";

await run(async () => {
	const handle = client.counter.getOrCreate(key());
	assert.equal(await handle.increment(2), 2);
	assert.equal(await handle.increment(3), 5);
	assert.equal(await handle.getCount(), 5);
	const same = client.counter.getForId(await handle.resolve());
	assert.equal(await same.getCount(), 5);
	await assert.rejects(handle.fail(), (error) => typeof error.code === "string");
	assert.equal(await handle.getCount(), 5, "a failed action harms nothing");
});
