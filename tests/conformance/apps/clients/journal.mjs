// Writes to several actors without pause, and remembers what was acknowledged: `journal.mjs ACTORS STOP`.
// When the file STOP appears it reads everything back; what was acknowledged has to be there.
import { existsSync } from "node:fs";
import { assert, client, eventually, key, pause, run } from "./client.mjs";

await run(async () => {
	const [actors, stop] = [Number(process.argv[2]), process.argv[3]];
	const acknowledged = Array.from({ length: actors }, () => []);
	const handles = acknowledged.map(() => client.notes.getOrCreate(key()));
	const stopped = () => existsSync(stop);

	async function write(actor) {
		for (let number = 0; !stopped(); number += 1) {
			const text = `${actor}:${number}`;
			try {
				await handles[actor].add(text);
				acknowledged[actor].push(text);
				console.log(`acknowledged ${actor}`);
			} catch {
				await pause(100);
			}
			await pause(10);
		}
	}
	await Promise.all(handles.map((_, actor) => write(actor)));

	for (const [actor, handle] of handles.entries()) {
		const kept = await eventually(`actor ${actor} answers`, () => handle.list().catch(() => undefined));
		const found = new Set(kept);
		const lost = acknowledged[actor].filter((text) => !found.has(text));
		assert.deepEqual(lost, [], `lost of ${acknowledged[actor].length}`);
	}
	console.log(`kept ${acknowledged.flat().length}`);
});
