// Hundreds of actors: awake, asleep, and over a restart of the engine.
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { end } from "../processes.mjs";
import { median } from "../statistics.mjs";
import { disk, resident } from "../usage.mjs";
import { rest } from "./idle.mjs";

// The milliseconds in which all actors are listed.
async function listing(bed, limit) {
	const times = [];
	for (let run = 0; run < 5; run += 1) {
		const start = performance.now();
		await bed.list(limit);
		times.push(performance.now() - start);
	}
	return median(times);
}

async function asleep(bed) {
	const limit = performance.now() + 90_000;
	for (;;) {
		const all = await bed.list();
		const sleeping = all.filter((actor) => actor.sleep_ts).length;
		if (sleeping === all.length || performance.now() > limit) return sleeping;
		await pause(1000);
	}
}

export async function crowd({ binary, work, quick }) {
	const settle = quick ? 3000 : 8000;
	const seconds = 15;
	const bed = await new Bed(binary, work).start();
	const { pid } = bed.engine;
	await pause(settle);
	const before = { memory: resident(pid), disk: disk(bed.directory) };
	const growth = (count) => ({
		actors: count,
		each: Math.max(0, resident(pid) - before.memory) / count,
		total: Math.max(0, resident(pid) - before.memory) / 1024,
	});

	const start = performance.now();
	const load = { count: 300, width: 16, seconds: quick ? 90 : 180 };
	const up = await bed.measure(async () => ({ done: await bed.call("crowd", load) }));
	const rate = up.done / ((performance.now() - start) / 1000);
	await pause(settle);
	const told = { awake: { ...growth(up.done), rate, cpu: up.cpu, cores: up.cores } };
	told.awake.percent = (await rest(pid, seconds)).percent;
	told.list = { by100: await listing(bed, 100), by1000: await listing(bed, 1000) };

	const ids = (await bed.list()).map((actor) => actor.actor_id);
	await bed.call("each", { ids, action: "nap", width: 8 });
	const sleeping = await asleep(bed);
	await pause(settle);
	told.asleep = { ...growth(sleeping), disk: (disk(bed.directory) - before.disk) / 1024 };
	told.asleep.percent = (await rest(pid, seconds)).percent;

	await end(bed.app);
	await end(bed.engine.child, "SIGTERM");
	const again = await bed.startEngine();
	await pause(settle);
	told.restart = { boot: again.bootMs, resident: resident(again.pid) / 1024 };
	await bed.end();
	return told;
}
