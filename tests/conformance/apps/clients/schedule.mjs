// A scheduled action, which wakes a sleeping actor.
import { asleep, assert, client, eventually, key, run } from "./client.mjs";

await run(async () => {
	const handle = client.counter.getOrCreate(key());
	await handle.later(300);
	await eventually("the awake actor acts", async () => (await handle.getCount()) === 100);
	await handle.later(3000);
	const id = await handle.resolve();
	await handle.nap();
	await asleep(id);
	await eventually("the alarm has woken it", async () => {
		const { describe } = await import("./client.mjs");
		return (await describe(id)).connectable_ts !== null;
	});
	await eventually("the woken actor acts", async () => (await handle.getCount()) === 200);
	assert.equal(await handle.wakes(), 2);
});
