// Creating, finding and destroying.
import { assert, client, eventually, key, run } from "./client.mjs";

// Upstream's engine loses a race against itself now and then (`get-or-create-race`).
const taken = ["duplicate_key"];
if (process.env.FLAVOR === "upstream") taken.push("destroyed_during_creation");

await run(async () => {
	const name = key();
	await assert.rejects(client.counter.get(name).getCount(), (error) => error.code === "not_found");
	const created = await client.counter.create(name, { input: { start: 40 } });
	assert.equal(await created.increment(2), 42);
	await assert.rejects(client.counter.create(name), (error) => taken.includes(error.code));
	assert.equal(await client.counter.get(name).getCount(), 42);
	const id = await created.resolve();
	await created.goodbye().catch(() => {});
	await eventually("the actor is gone", async () => {
		try {
			await client.counter.get(name).getCount();
			return false;
		} catch (error) {
			return error.code === "not_found";
		}
	});
	const next = client.counter.getOrCreate(name);
	assert.equal(await next.getCount(), 0, "a destroyed actor's state is gone");
	assert.notEqual(await next.resolve(), id);
});
