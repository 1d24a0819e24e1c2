// The processes of a measurement: engine, app, generator. None outlives the benchmark.
import { fork, spawn } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

export const TOKEN = "bench-admin-token-0";
export const NAMESPACE = "default";

/** Whether both engines run as where backtraces are wanted; upstream's makes some for every request then. */
export const withBacktraces = process.env.BENCH_BACKTRACES === "1";
const BACKTRACES = withBacktraces ? { RUST_BACKTRACE: "1" } : {};

const running = new Set();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

function supervise(child) {
	running.add(child);
	child.once("exit", () => running.delete(child));
	return child;
}

const ended = (child) => child.exitCode !== null || child.signalCode !== null;

/** Ends a process with a signal, and by force when it takes longer than that. */
export async function end(child, signal = "SIGKILL", patience = 10_000) {
	if (child === undefined || ended(child)) return;
	const gone = new Promise((resolve) => child.once("exit", resolve));
	child.kill(signal);
	const force = setTimeout(() => child.kill("SIGKILL"), patience);
	await gone;
	clearTimeout(force);
}

const isFree = (port) =>
	new Promise((resolve) => {
		const server = createServer().once("error", () => resolve(false));
		server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
	});

/** The first of three ports in a row that nobody uses, below those of outgoing connections. */
export async function freePorts() {
	for (;;) {
		const first = 20_000 + Math.floor(Math.random() * 12_000);
		const all = await Promise.all([first, first + 1, first + 2].map(isFree));
		if (all.every(Boolean)) return first;
	}
}

const isHealthy = (port) =>
	new Promise((resolve) => {
		const request = get({ port, host: "127.0.0.1", path: "/health", agent: false, timeout: 5000 });
		request.on("response", (answer) => {
			answer.resume();
			resolve(answer.statusCode === 200);
		});
		request.on("error", () => resolve(false));
		request.on("timeout", () => request.destroy());
	});

/** Starts an engine on a directory; answers when it is healthy, with the milliseconds that it took. */
export async function startEngine(binary, directory, port) {
	const config = `${directory}.json`;
	const datacenter = {
		datacenter_label: 1,
		is_leader: true,
		public_url: `http://127.0.0.1:${port}`,
		peer_url: `http://127.0.0.1:${port + 1}`,
	};
	writeFileSync(
		config,
		JSON.stringify({ topology: { datacenter_label: 1, datacenters: { default: datacenter } } }),
	);
	const environment = {
		PATH: process.env.PATH,
		HOME: `${directory}.home`,
		RIVET__AUTH__ADMIN_TOKEN: TOKEN,
		RIVET__FILE_SYSTEM__PATH: directory,
		RIVET__TELEMETRY__ENABLED: "false",
		// Upstream's engine refuses work on a busy machine otherwise.
		RIVET__RUNTIME__WORKER_CPU_MAX: "1000000",
		...BACKTRACES,
	};
	for (const [index, listener] of ["GUARD", "API_PEER", "METRICS"].entries()) {
		environment[`RIVET__${listener}__HOST`] = "127.0.0.1";
		environment[`RIVET__${listener}__PORT`] = String(port + index);
	}
	const log = openSync(`${directory}.log`, "a");
	const start = performance.now();
	const child = supervise(
		spawn(binary, ["start", "--config", config], { env: environment, stdio: ["ignore", log, log] }),
	);
	closeSync(log);
	while (!(await isHealthy(port))) {
		if (ended(child)) throw new Error(`the engine ended; its log is ${directory}.log`);
		if (performance.now() - start > 60_000) throw new Error("the engine does not get healthy");
		await pause(2);
	}
	return { child, pid: child.pid, bootMs: performance.now() - start };
}

/** Runs a module in a Node process of its own, and waits until it says that it is ready. */
export async function startNode(module, environment, log) {
	const output = openSync(log, "a");
	const child = supervise(
		fork(new URL(module, import.meta.url), {
			env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_NO_WARNINGS: "1", ...environment },
			stdio: ["ignore", output, output, "ipc"],
		}),
	);
	closeSync(output);
	await new Promise((resolve, reject) => {
		child.once("message", resolve);
		child.once("exit", () => reject(new Error(`${module} ended; its log is ${log}`)));
		setTimeout(reject, 60_000, new Error(`${module} does not get ready; its log is ${log}`)).unref();
	});
	return child;
}
