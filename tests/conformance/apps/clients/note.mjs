// Writes or reads one actor's notes: `note.mjs KEY write TEXT`, `note.mjs KEY read TEXT` (which has to be
// there), `note.mjs KEY refused TEXT` (which must not be taken).
import { assert, client, run } from "./client.mjs";

await run(async () => {
	const [key, what, text] = process.argv.slice(2);
	const notes = client.notes.getOrCreate([key]);
	if (what === "write") await notes.add(text);
	if (what === "refused") return await assert.rejects(notes.add(text));
	const found = await notes.list();
	assert.ok(found.includes(text), `${found}`);
});
