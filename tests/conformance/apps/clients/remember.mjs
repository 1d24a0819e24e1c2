// Adds one note under a fixed key and expects so many: `remember.mjs note KEY EXPECTED`; or adds to a
// counter: `remember.mjs count KEY BY EXPECTED`. A note is on disk when it is acknowledged; a count is only
// when its actor saves its state, which a crash of the app may precede.
import { assert, client, eventually, run } from "./client.mjs";

await run(async () => {
	const [kind, key, ...numbers] = process.argv.slice(2);
	const actor = (kind === "note" ? client.notes : client.counter).getOrCreate([key]);
	const ask = () => (kind === "note" ? actor.list() : actor.getCount());
	// Upstream's engine answers 500 for as long as it takes the actor's last app for alive.
	await eventually("the actor answers", () => ask().then(() => true, () => false));
	if (kind === "note") assert.equal(await actor.add("a note"), Number(numbers[0]));
	else assert.equal(await actor.increment(Number(numbers[0])), Number(numbers[1]));
});
