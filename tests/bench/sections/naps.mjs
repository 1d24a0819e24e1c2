// One actor that goes to sleep and is woken by a request, over and over.
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { NAMESPACE } from "../processes.mjs";
import { median } from "../statistics.mjs";

export async function naps({ binary, work, quick }) {
	const bed = await new Bed(binary, work).start();
	const toSleep = [];
	const wake = [];
	for (let nap = 0; nap < (quick ? 8 : 15); nap += 1) {
		const start = performance.now();
		await bed.call("once", { id: bed.actor, action: "nap" });
		for (;;) {
			const { actors } = await bed.api("GET", `/actors?namespace=${NAMESPACE}&actor_ids=${bed.actor}`);
			if (actors[0].sleep_ts) break;
			if (performance.now() - start > 20_000) throw new Error("the actor does not go to sleep");
			await pause(3);
		}
		toSleep.push(performance.now() - start);
		await pause(150);
		wake.push((await bed.call("once", { id: bed.actor, action: "get" })).ms);
		await pause(100);
	}
	await bed.end();
	return { naps: { toSleep: median(toSleep), wake: median(wake) } };
}
