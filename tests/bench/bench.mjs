// Two engines in turn under the same app and clients, section by section.
//   node bench.mjs --ours BINARY --upstream BINARY --work DIRECTORY [--sections a,b] [--quick] [--rounds N] [--out FILE] [--check]
import { writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { boot } from "./sections/boot.mjs";
import { cold, creation } from "./sections/creation.mjs";
import { crowd } from "./sections/crowd.mjs";
import { http } from "./sections/http.mjs";
import { idle } from "./sections/idle.mjs";
import { naps } from "./sections/naps.mjs";
import { recovery } from "./sections/recovery.mjs";
import { sockets } from "./sections/sockets.mjs";
import { throng } from "./sections/throng.mjs";
import { writes } from "./sections/writes.mjs";
import { withBacktraces } from "./processes.mjs";
import { print, summarize } from "./table.mjs";

const SECTIONS = { boot, idle, http, sockets, writes, creation, cold, naps, crowd, throng, recovery };
// These wait more than they work, and are done once unless told otherwise.
const ONCE = new Set(["idle", "crowd", "throng", "recovery"]);

const { values: options } = parseArgs({
	options: {
		ours: { type: "string" },
		upstream: { type: "string" },
		work: { type: "string" },
		sections: { type: "string", default: Object.keys(SECTIONS).join(",") },
		rounds: { type: "string" },
		quick: { type: "boolean", default: false },
		out: { type: "string" },
		check: { type: "boolean", default: false },
	},
});
const names = options.sections.split(",");
const unknown = names.filter((name) => !(name in SECTIONS));
if (unknown.length > 0) {
	console.error(`no such section: ${unknown.join(", ")}; there are ${Object.keys(SECTIONS).join(", ")}`);
	process.exit(2);
}
const rounds = options.rounds === undefined ? undefined : Number(options.rounds);
if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
	console.error("--rounds takes a number from 1");
	process.exit(2);
}
const roundsOf = (name) => rounds ?? (options.quick || ONCE.has(name) ? 1 : 3);

const start = performance.now();
const clock = () => `${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s`;
const taken = {};
let failures = 0;

for (const name of names) {
	taken[name] = [];
	for (let round = 0; round < roundsOf(name); round += 1) {
		// Each is the first in every other round.
		const turn = round % 2 === 0 ? ["upstream", "ours"] : ["ours", "upstream"];
		const told = {};
		for (const engine of turn) {
			console.error(`${clock()}  ${name}, round ${round + 1}: ${engine}`);
			const bench = { binary: options[engine], work: options.work, quick: options.quick };
			try {
				told[engine] = await SECTIONS[name](bench);
			} catch (error) {
				failures += 1;
				console.error(error);
			}
		}
		taken[name].push(told);
	}
}

const rows = summarize(taken);
console.log(print(rows));
const environment = withBacktraces ? "RUST_BACKTRACE=1" : "no RUST_BACKTRACE";
console.log(`${clock().trim()}; ${cpus().length} cores, load ${loadavg()[0].toFixed(1)} at the end; both engines with ${environment}.`);
if (options.out !== undefined) {
	const host = { cores: cpus().length, model: cpus()[0].model, environment };
	writeFileSync(options.out, `${JSON.stringify({ at: new Date().toISOString(), host, rows, sections: taken }, null, 1)}\n`);
}
const missed = rows.some((row) => row.verdict === "missed" || row.verdict === "no figure");
process.exit(options.check && (missed || failures > 0) ? 1 : 0);
