// Queues, and a workflow that goes on where it was when its actor sleeps.
import { asleep, assert, client, eventually, key, run } from "./client.mjs";

await run(async () => {
	const worker = client.worker.getOrCreate(key());
	for (const number of [1, 2, 3]) await worker.send("numbers", number);
	await eventually("the numbers are summed", async () => (await worker.sum()) === 6);

	const stepper = client.stepper.getOrCreate(key());
	await stepper.send("work", "first");
	await eventually("the first step is done", async () => (await stepper.done()).length === 1);
	const id = await stepper.resolve();
	await stepper.nap();
	await asleep(id);
	await stepper.send("work", "last");
	await eventually("the last step is done", async () => (await stepper.done()).length === 2);
	assert.deepEqual(await stepper.done(), ["first", "last"]);
});
