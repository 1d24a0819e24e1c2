// Sleeping on request and by itself, and waking with the state.
import { asleep, assert, client, key, run } from "./client.mjs";

await run(async () => {
	const handle = client.counter.getOrCreate(key());
	assert.equal(await handle.increment(7), 7);
	const id = await handle.resolve();
	await handle.nap();
	await asleep(id);
	assert.equal(await handle.increment(1), 8);
	assert.equal(await handle.wakes(), 2);
	const idle = client.dozing.getOrCreate(key());
	assert.equal(await idle.increment(), 1);
	await asleep(await idle.resolve());
	assert.equal(await idle.increment(), 2);
});
