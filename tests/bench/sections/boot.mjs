// The binary, and how long an engine takes until it is healthy.
import { statSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { end } from "../processes.mjs";
import { median } from "../statistics.mjs";
import { disk } from "../usage.mjs";

export async function boot({ binary, work, quick }) {
	const fresh = [];
	const existing = [];
	let fill;
	for (let run = 0; run < 3; run += 1) {
		const bed = new Bed(binary, work);
		fresh.push((await bed.startEngine()).bootMs);
		if (fill === undefined) {
			await pause(quick ? 1000 : 2000);
			fill = disk(bed.directory);
		}
		await end(bed.engine.child, "SIGTERM");
		existing.push((await bed.startEngine()).bootMs);
		await bed.end();
	}
	return {
		binary: { mb: statSync(binary).size / 1e6 },
		boot: { fresh: median(fresh), existing: median(existing), disk: fill },
	};
}
