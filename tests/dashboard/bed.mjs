// What the browser looks at: a real engine, and a real app made with rivetkit. Both end with the tests.
import { spawn } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** Of the engine, as long as it runs. */
export const TOKEN = "dashboard-admin-token-0123456789abcdef";

/** In the token file, from which it can be taken away. */
export const SECOND_TOKEN = "dashboard-second-token-0123456789abcdef";

const APPS = new URL("../conformance/apps/", import.meta.url);
const { createClient } = await import(pathToFileURL(createRequire(new URL("package.json", APPS)).resolve("rivetkit/client")));
const running = new Set();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

function start(program, args, cwd, environment, log) {
	const output = openSync(log, "a");
	const child = spawn(program, args, { cwd, env: { PATH: process.env.PATH, ...environment }, stdio: ["ignore", output, output] });
	running.add(child);
	child.once("exit", () => running.delete(child));
	return child;
}

async function end(child) {
	if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
	const gone = new Promise((resolve) => child.once("exit", resolve));
	child.kill("SIGKILL");
	await gone;
}

const freePort = () =>
	new Promise((resolve, reject) => {
		const server = createServer().once("error", reject);
		server.listen(0, "127.0.0.1", () => {
			const { port } = server.address();
			server.close(() => resolve(port));
		});
	});

/** Waits until `probe` answers something; fails with what it waited for. */
export async function until(what, probe, patience = 30_000) {
	const end = Date.now() + patience;
	for (;;) {
		const found = await probe().catch(() => undefined);
		if (found) return found;
		if (Date.now() > end) throw new Error(`never happened: ${what}`);
		await pause(50);
	}
}

export class Bed {
	/** `engine`: the program. `work`: an empty directory. */
	constructor(engine, work) {
		this.program = engine;
		this.work = work;
	}

	async start() {
		[this.port, this.peer, this.metrics] = [await freePort(), await freePort(), await freePort()];
		this.origin = `http://127.0.0.1:${this.port}`;
		this.tokens([SECOND_TOKEN]);
		await this.startEngine();
		await this.startApp();
		return this;
	}

	async startEngine() {
		const environment = {
			HOME: this.work,
			RIVET__AUTH__ADMIN_TOKEN: TOKEN,
			RIVET__AUTH__ADMIN_TOKEN_FILE: `${this.work}/tokens`,
			RIVET__FILE_SYSTEM__PATH: `${this.work}/data`,
			RIVET__GUARD__PORT: String(this.port),
			RIVET__API_PEER__PORT: String(this.peer),
			RIVET__METRICS__PORT: String(this.metrics),
		};
		for (const listener of ["GUARD", "API_PEER", "METRICS"]) environment[`RIVET__${listener}__HOST`] = "127.0.0.1";
		this.engine = start(this.program, ["start"], this.work, environment, `${this.work}/engine.log`);
		await until("the engine is healthy", async () => (await fetch(`${this.origin}/health`)).ok);
	}

	/** An app in a namespace: the one of the conformance suite. */
	async startApp(namespace = "default") {
		const environment = {
			HOME: process.env.HOME,
			RIVET_ENDPOINT: `http://${namespace}:${TOKEN}@127.0.0.1:${this.port}`,
			RIVET_RUN_SERVICES: "0",
			RIVETKIT_ENGINE_SPAWN: "never",
			RIVET_LOG_LEVEL: "error",
		};
		start(process.execPath, ["app.mjs"], APPS, environment, `${this.work}/app.log`);
		await until("an envoy is connected", async () => (await this.api("GET", `envoys?namespace=${namespace}`)).envoys.length > 0);
	}

	/** The tokens of the token file, of which there has to be one at least. */
	tokens(list) {
		mkdirSync(this.work, { recursive: true });
		writeFileSync(`${this.work}/tokens`, `${list.join("\n")}\n`, { mode: 0o600 });
	}

	stopEngine = () => end(this.engine);

	async end() {
		for (const child of [...running]) await end(child);
	}

	async api(method, path, body) {
		const answer = await fetch(`${this.origin}/${path}`, {
			method,
			headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
			body: body === undefined ? undefined : JSON.stringify(body),
		});
		const text = await answer.text();
		if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
		return JSON.parse(text);
	}

	/** The real client of rivetkit. Not for `await`, which it takes for the name of an actor. */
	client(namespace = "default", token = TOKEN) {
		return createClient({ endpoint: this.origin, namespace, token });
	}
}
