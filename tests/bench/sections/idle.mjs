// An engine that nobody asks for anything, without an app and with one.
import { setTimeout as pause } from "node:timers/promises";
import { Bed } from "../bed.mjs";
import { cpu, resident } from "../usage.mjs";

/** What a process uses while it is left alone. */
export async function rest(pid, seconds) {
	const start = performance.now();
	const before = cpu(pid);
	await pause(seconds * 1000);
	const used = cpu(pid) - before;
	return { percent: (used / (performance.now() - start)) * 100, resident: resident(pid) / 1024 };
}

export async function idle({ binary, work, quick }) {
	const [settle, seconds] = quick ? [2, 8] : [8, 40];
	const bed = new Bed(binary, work);
	const { pid } = await bed.startEngine();
	await pause(settle * 1000);
	const alone = await rest(pid, seconds);
	await bed.startApp();
	await pause(settle * 1000);
	const withApp = await rest(pid, seconds);
	await bed.end();
	return { alone, withApp };
}
