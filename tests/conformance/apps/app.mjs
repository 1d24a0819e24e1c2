// An app as its authors write them. Where it connects to comes from the environment, as rivetkit reads it.
import { actor, event, queue, setup } from "rivetkit";
import { db } from "rivetkit/db";
import { Loop, workflow } from "rivetkit/workflow";

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const counter = actor({
	createState: (_c, input) => ({ count: input?.start ?? 0, wakes: 0 }),
	events: { newCount: event() },
	onWake: (c) => {
		c.state.wakes += 1;
	},
	actions: {
		increment: (c, by = 1) => {
			c.state.count += by;
			c.broadcast("newCount", c.state.count);
			return c.state.count;
		},
		getCount: (c) => c.state.count,
		wakes: (c) => c.state.wakes,
		later: async (c, ms) => {
			await c.schedule.after(ms, "increment", 100);
		},
		nap: (c) => c.sleep(),
		goodbye: (c) => c.destroy(),
		fail: () => {
			throw new Error("on purpose");
		},
		slow: async (_c, ms) => {
			await pause(ms);
			return "done";
		},
		crash: () => process.kill(process.pid, "SIGKILL"),
	},
	onRequest: async (_c, request) => {
		const url = new URL(request.url);
		if (url.pathname.endsWith("/stream")) {
			let left = 3;
			return new Response(
				new ReadableStream({
					async pull(controller) {
						if (left-- === 0) return controller.close();
						await pause(20);
						controller.enqueue(new TextEncoder().encode(`data: ${left}\n\n`));
					},
				}),
				{ headers: { "content-type": "text/event-stream" } },
			);
		}
		if (url.pathname.endsWith("/big")) {
			return new Response(new Uint8Array(Number(url.searchParams.get("size"))).fill(65));
		}
		const body = await request.arrayBuffer();
		return Response.json({
			method: request.method,
			path: url.pathname + url.search,
			length: body.byteLength,
			own: request.headers.get("x-own"),
		});
	},
	onWebSocket: (_c, socket) => {
		socket.addEventListener("message", (said) => socket.send(`echo:${said.data}`));
	},
	options: { sleepTimeout: 60_000 },
});

const sleepy = actor({
	state: { messages: 0 },
	actions: { nap: (c) => c.sleep(), messages: (c) => c.state.messages },
	onWebSocket: (c, socket) => {
		socket.addEventListener("message", (said) => {
			c.state.messages += 1;
			socket.send(`${c.state.messages}:${said.data}`);
		});
	},
	options: { canHibernateWebSocket: true, sleepTimeout: 60_000 },
});

const dozing = actor({
	state: { count: 0 },
	actions: {
		increment: (c) => {
			c.state.count += 1;
			return c.state.count;
		},
	},
	options: { sleepTimeout: 500 },
});

const notes = actor({
	db: db({
		onMigrate: async (database) => {
			await database.execute(
				"create table if not exists notes (id integer primary key, body text, blob blob)",
			);
		},
	}),
	actions: {
		add: async (c, body) => {
			await c.db.execute("insert into notes (body) values (?)", body);
			return (await c.db.execute("select count(*) as n from notes"))[0].n;
		},
		list: async (c) => (await c.db.execute("select body from notes order by id")).map((row) => row.body),
		fill: async (c, rows, bytes) => {
			await c.db.execute("begin");
			for (let row = 0; row < rows; row += 1) {
				await c.db.execute("insert into notes (blob) values (randomblob(?))", bytes);
			}
			await c.db.execute("commit");
			return (await c.db.execute("select sum(length(blob)) as n from notes"))[0].n;
		},
		total: async (c) => (await c.db.execute("select sum(length(blob)) as n from notes"))[0].n,
		nap: (c) => c.sleep(),
	},
	options: { actionTimeout: 120_000, sleepTimeout: 60_000 },
});

// Keeps the same number in a row of its database and in its state: first the row, then the state.
const ledger = actor({
	state: { entries: 0 },
	db: db({
		onMigrate: async (database) => {
			await database.execute("create table if not exists entries (number integer primary key)");
		},
	}),
	actions: {
		enter: async (c) => {
			const number = c.state.entries + 1;
			await c.db.execute("insert or replace into entries values (?)", number);
			c.state.entries = number;
			await c.saveState({ immediate: true });
			return number;
		},
		read: async (c) => {
			const rows = await c.db.execute("select number from entries order by number");
			return { state: c.state.entries, rows: rows.map((row) => row.number) };
		},
	},
	options: { sleepTimeout: 60_000 },
});

const stepper = actor({
	state: { done: [] },
	queues: { work: queue() },
	run: workflow(async (ctx) => {
		await ctx.loop("loop", async (loop) => {
			const message = await loop.queue.next("wait");
			await loop.step("record", async (step) => {
				step.state.done.push(message.body);
			});
			if (message.body === "last") return Loop.break(undefined);
		});
	}),
	actions: { done: (c) => c.state.done, nap: (c) => c.sleep() },
	options: { sleepTimeout: 60_000 },
});

const worker = actor({
	state: { sum: 0 },
	queues: { numbers: queue() },
	run: async (c) => {
		for await (const message of c.queue.iter({ names: ["numbers"] })) {
			c.state.sum += message.body;
		}
	},
	actions: { sum: (c) => c.state.sum },
	options: { sleepTimeout: 60_000 },
});

export const registry = setup({ use: { counter, sleepy, dozing, notes, ledger, stepper, worker } });
registry.start();
