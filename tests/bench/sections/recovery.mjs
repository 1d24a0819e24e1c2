// The engine is killed and started at once, under an app that stays: how long until an action answers?
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { end } from "../processes.mjs";
import { median } from "../statistics.mjs";

// Seconds until an action answers again, after each of `kills` under the same app.
async function series({ binary, work }, kills, boots) {
	const bed = await new Bed(binary, work).start();
	const seconds = [];
	let lost = 0;
	for (let kill = 0; kill < kills; kill += 1) {
		const { output: saved } = await bed.call("once", { id: bed.actor, action: "save" });
		await pause(300);
		const start = performance.now();
		await end(bed.engine.child);
		boots.push((await bed.startEngine()).bootMs);
		const found = await bed.call("persist", { id: bed.actor, action: "get", seconds: 90 });
		seconds.push((performance.now() - start) / 1000);
		if (found !== saved) lost += 1;
		await pause(2000);
	}
	await bed.end();
	return { seconds, lost };
}

export async function recovery({ binary, work, quick }) {
	const boots = [];
	const fresh = [];
	for (let app = 0; app < (quick ? 1 : 2); app += 1) {
		fresh.push(await series({ binary, work }, 1, boots));
	}
	const same = await series({ binary, work }, quick ? 3 : 5, boots);
	const lost = [...fresh, same].reduce((sum, one) => sum + one.lost, 0);
	return {
		killed: {
			fresh: median(fresh.map((one) => one.seconds[0])),
			same: same.seconds.reduce((sum, one) => sum + one, 0),
			each: same.seconds,
			boot: median(boots),
			lost,
		},
	};
}
