// An actor's own SQLite database, in commits small and large.
import { asleep, assert, client, key, run } from "./client.mjs";

await run(async () => {
	const notes = client.notes.getOrCreate(key());
	assert.equal(await notes.add("one"), 1);
	assert.equal(await notes.add("two"), 2);
	assert.equal(await notes.fill(100, 10_000), 1_000_000);
	// More pages than one commit message may hold.
	assert.equal(await notes.fill(500, 10_000), 6_000_000);
	const id = await notes.resolve();
	await notes.nap();
	await asleep(id);
	assert.deepEqual((await notes.list()).filter(Boolean), ["one", "two"]);
	assert.equal(await notes.total(), 6_000_000);
});
