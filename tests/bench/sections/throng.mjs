// Ten thousand open WebSockets on a thousand running actors: what each costs the engine in memory.
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { resident } from "../usage.mjs";
import { rest } from "./idle.mjs";

export async function throng({ binary, work, quick }) {
	const [actors, sockets] = quick ? [200, 2000] : [1000, 10_000];
	const settle = quick ? 3000 : 8000;
	const bed = await new Bed(binary, work).start();
	const { pid } = bed.engine;
	await pause(settle);
	const alone = resident(pid);
	const came = await bed.call("crowd", { count: actors, width: 16, seconds: quick ? 120 : 300 });
	await pause(settle);
	const crowded = resident(pid);
	const ids = (await bed.list()).map((actor) => actor.actor_id);
	const opened = await bed.measure(() => bed.call("throng", { ids, count: sockets, width: 32, seconds: quick ? 120 : 300 }));
	await pause(settle);
	const thronged = resident(pid);
	const told = {
		actors: { actors: came, each: Math.max(0, crowded - alone) / came },
		sockets: { ...opened, sockets: opened.done, each: Math.max(0, thronged - crowded) / opened.done },
		all: { resident: thronged / 1024, percent: (await rest(pid, quick ? 8 : 20)).percent },
	};
	// They are all still there, and answer.
	told.sockets.answered = await bed.call("echoes", { count: 1000 });
	await bed.end();
	return told;
}
