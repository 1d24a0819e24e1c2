// A bed: one engine, the app on it, and a generator of load, each in a process of its own.
import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { NAMESPACE, TOKEN, end, freePorts, startEngine, startNode } from "./processes.mjs";
import { latency } from "./statistics.mjs";
import * as usage from "./usage.mjs";

let beds = 0;

const MILLISECONDS = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

// A duration as wrk writes it.
function milliseconds(text) {
	const [, number, unit] = /([\d.]+)(us|ms|s|m)/.exec(text ?? "") ?? [];
	return number === undefined ? undefined : Number(number) * MILLISECONDS[unit];
}

export class Bed {
	constructor(binary, work) {
		this.binary = binary;
		this.directory = `${work}/bed${beds++}/data`;
		mkdirSync(this.directory, { recursive: true });
	}

	/** Starts the engine, again after it was ended. */
	async startEngine() {
		this.port ??= await freePorts();
		this.engine = await startEngine(this.binary, this.directory, this.port);
		return this.engine;
	}

	async startApp() {
		this.app = await startNode("./app.mjs", { RIVET_ENDPOINT: this.endpoint(), ...APP }, `${this.directory}.app.log`);
	}

	/** All three, and an actor that has answered. */
	async start() {
		await this.startEngine();
		await this.startApp();
		this.generator = await startNode(
			"./generator.mjs",
			{ BENCH_PORT: String(this.port), BENCH_ENDPOINT: this.endpoint() },
			`${this.directory}.generator.log`,
		);
		await pause(500);
		[this.actor] = await this.call("actors", { count: 1 });
		return this;
	}

	async end() {
		await end(this.generator);
		await end(this.app);
		await end(this.engine?.child);
	}

	endpoint() {
		return `http://${NAMESPACE}:${TOKEN}@127.0.0.1:${this.port}`;
	}

	/** Has the generator do something, and answers what it tells of it. */
	call(load, options = {}) {
		return new Promise((resolve, reject) => {
			const gone = () => reject(new Error(`the generator ended in ${load}; its log is ${this.directory}.generator.log`));
			this.generator.once("exit", gone);
			this.generator.once("message", ({ told, error }) => {
				this.generator.off("exit", gone);
				if (error === undefined) resolve(told);
				else reject(new Error(`${load}: ${error}`));
			});
			this.generator.send({ load, options });
		});
	}

	/**
	 * What the processors of engine and app did while something ran that tells how many requests were
	 * `done`: `cpu` is the engine's milliseconds for each of them, `cores` what both used on average.
	 */
	async measure(run) {
		const before = this.#clocks();
		const told = await run();
		const after = this.#clocks();
		const elapsed = after.at - before.at;
		const engine = after.engine - before.engine;
		return {
			...told,
			cpu: told.done > 0 ? engine / told.done : undefined,
			cores: { engine: engine / elapsed, app: (after.app - before.app) / elapsed },
		};
	}

	#clocks() {
		return { engine: usage.cpu(this.engine.pid), app: usage.cpu(this.app.pid), at: performance.now() };
	}

	/** The same of a load that the generator makes; `samples` are milliseconds of what was done. */
	load(name, options) {
		return this.measure(async () => {
			const { samples, errors, seconds, messages } = await this.call(name, options);
			return { done: samples.length, errors, rate: samples.length / seconds, ...latency(samples), messages };
		});
	}

	/** The same of a load that wrk makes. */
	wrk(path, connections, seconds, { script, headers = [], paths = [] } = {}) {
		const options = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "--latency", "--timeout", "10s"];
		if (script !== undefined) options.push("-s", new URL(`wrk/${script}.lua`, import.meta.url).pathname);
		for (const header of headers) options.push("-H", header);
		const environment = { PATH: process.env.PATH, BENCH_TOKEN: TOKEN, BENCH_PATHS: paths.join(",") };
		return this.measure(async () => {
			const output = await new Promise((resolve, reject) => {
				execFile("wrk", [...options, `http://127.0.0.1:${this.port}${path}`], { env: environment }, (error, text) =>
					error ? reject(error) : resolve(text),
				);
			});
			const field = (pattern) => pattern.exec(output)?.[1];
			const failed = Number(field(/Non-2xx or 3xx responses: (\d+)/) ?? 0);
			const sockets = [...(field(/Socket errors: (.*)/) ?? "").matchAll(/\d+/g)].map(Number);
			const done = Number(field(/(\d+) requests in/) ?? 0) - failed;
			return {
				done,
				errors: failed + sockets.reduce((sum, one) => sum + one, 0),
				rate: done / seconds,
				p50: milliseconds(field(/\s50%\s+(\S+)/)),
				p99: milliseconds(field(/\s99%\s+(\S+)/)),
			};
		});
	}

	/** Asks the API. */
	api(method, target, body) {
		return new Promise((resolve, reject) => {
			const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
			const sent = request({ port: this.port, host: "127.0.0.1", method, path: target, headers });
			sent.on("error", reject).on("response", (answer) => {
				let text = "";
				answer.on("data", (part) => (text += part)).on("error", reject);
				answer.on("end", () => {
					if (answer.statusCode === 200) resolve(JSON.parse(text));
					else reject(new Error(`${method} ${target}: ${answer.statusCode} ${text}`));
				});
			});
			sent.end(body === undefined ? undefined : JSON.stringify(body));
		});
	}

	/** Every actor, read in pages of `limit`. */
	async list(limit = 1000) {
		const all = [];
		let cursor;
		do {
			const place = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`;
			const page = await this.api("GET", `/actors?namespace=${NAMESPACE}&name=counter&limit=${limit}${place}`);
			all.push(...page.actors);
			cursor = page.actors.length === 0 ? undefined : (page.pagination?.cursor ?? undefined);
		} while (cursor !== undefined);
		return all;
	}
}

// The engine is there already, and no services of the app's own are wanted.
const APP = { RIVET_RUN_SERVICES: "0", RIVETKIT_ENGINE_SPAWN: "never", RIVET_LOG_LEVEL: "error" };
