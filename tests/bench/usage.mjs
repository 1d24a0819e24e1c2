// What processes and directories use, as the kernel tells it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

// A tick of /proc's clocks: USER_HZ is 100 on every Linux of this architecture.
const TICK_MS = 10;

/** Milliseconds of a processor that a process has used, for itself and in the kernel. */
export function cpu(pid) {
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// The name before it may hold spaces.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process, in KiB. */
export const resident = (pid) =>
	Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/^VmRSS:\s+(\d+)/m)[1]);

/** What a directory takes on the disk, in KiB. */
export const disk = (path) => Number(execFileSync("du", ["-sk", path]).toString().split("\t")[0]);
