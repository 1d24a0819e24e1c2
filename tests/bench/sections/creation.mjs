// Actors that come into being.
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";

export async function creation({ binary, work, quick }) {
	const bed = await new Bed(binary, work).start();
	const count = quick ? 10 : 25;
	const told = { create1: await bed.load("creation", { count, seconds: 10 }) };
	// An actor starts after the answer, and is in the way of the next measurement.
	await pause(1000);
	told.create16 = await bed.load("creation", { count: 500, width: 16, seconds: quick ? 5 : 8, grace: 5 });
	await bed.end();
	return told;
}

export async function cold({ binary, work, quick }) {
	const bed = await new Bed(binary, work).start();
	const told = { cold1: await bed.load("coldStart", { count: quick ? 10 : 25, seconds: 12 }) };
	told.cold16 = await bed.load("coldStart", { count: 400, width: 16, seconds: quick ? 5 : 8, grace: 5 });
	await bed.end();
	// An engine that cannot keep up is not done with the load before.
	const other = await new Bed(binary, work).start();
	told.cold64 = await other.load("coldStart", { count: 400, width: 64, seconds: quick ? 6 : 12, grace: 6 });
	await other.end();
	return told;
}
