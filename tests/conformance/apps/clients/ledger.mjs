// Writes to several actors without pause, until the file STOP appears: `ledger.mjs write ACTORS STOP`. Or reads what
// they have, and expects between LEAST and MOST entries of each: `ledger.mjs check LEAST,… MOST,…`.
import { existsSync } from "node:fs";
import { assert, client, eventually, pause, run } from "./client.mjs";

const ledger = (actor) => client.ledger.getOrCreate(["ledger", String(actor)]);

async function write(actor, stop) {
	while (!existsSync(stop)) {
		// A refused entry may have been made all the same, and only its answer lost.
		const number = await ledger(actor).enter().catch(() => undefined);
		if (number !== undefined) console.log(`entered ${actor} ${number}`);
		await pause(10);
	}
}

async function check(actor, least, most) {
	const found = await eventually(`actor ${actor} answers`, () => ledger(actor).read().catch(() => undefined));
	const count = found.rows.length;
	const described = `actor ${actor}: ${count} rows, state ${found.state}, expected ${least} to ${most}`;
	console.log(described);
	assert.ok(count >= least && count <= most, described);
	assert.deepEqual(found.rows, Array.from({ length: count }, (_, index) => index + 1), described);
	// Of an entry that was under way, the row may be there and the state not yet.
	assert.ok(found.state === count || found.state === count - 1, described);
	assert.equal(await ledger(actor).enter(), found.state + 1);
}

await run(async () => {
	const [what, first, second] = process.argv.slice(2);
	if (what === "write") {
		const actors = Array.from({ length: Number(first) }, (_, actor) => actor);
		await Promise.all(actors.map((actor) => write(actor, second)));
		return;
	}
	const [least, most] = [first, second].map((list) => list.split(",").map(Number));
	await Promise.all(least.map((count, actor) => check(actor, count, most[actor])));
});
