// onWebSocket: plain sockets to an actor, and one that outlives its sleep.
import { asleep, assert, client, endpoint, key, run, token, WebSocket } from "./client.mjs";

const target = (id) => `${endpoint.replace("http", "ws")}/gateway/${id}/websocket/x?q=1`;

function open(id) {
	const socket = new WebSocket(target(id), ["rivet", `rivet_token.${token}`]);
	const heard = [];
	const waiting = [];
	socket.on("message", (data) => {
		const next = waiting.shift();
		if (next) next(data.toString());
		else heard.push(data.toString());
	});
	return new Promise((done, failed) => {
		socket.on("error", failed);
		socket.on("open", () =>
			done({
				socket,
				hear: () => (heard.length ? Promise.resolve(heard.shift()) : new Promise((next) => waiting.push(next))),
				closed: new Promise((end) => socket.on("close", (code, why) => end(`${code} ${why}`))),
			}),
		);
	});
}

await run(async () => {
	const plain = client.counter.getOrCreate(key());
	const one = await open(await plain.resolve());
	one.socket.send("hello");
	assert.equal(await one.hear(), "echo:hello");
	await plain.nap();
	assert.match(await one.closed, /^1000 actor.stopped/);

	const sleepy = client.sleepy.getOrCreate(key());
	const id = await sleepy.resolve();
	const two = await open(id);
	two.socket.send("a");
	assert.equal(await two.hear(), "1:a");
	await sleepy.nap();
	await asleep(id);
	two.socket.send("b");
	assert.equal(await two.hear(), "2:b");
	two.socket.close(1000, "bye");
	assert.equal(await two.closed, "1000 bye");
	assert.equal(await sleepy.messages(), 2);

	const held = await sleepy.webSocket("/x");
	await new Promise((done) => (held.readyState === 1 ? done() : held.addEventListener("open", done)));
	const answer = new Promise((done) => held.addEventListener("message", (said) => done(said.data)));
	held.send("c");
	assert.equal(await answer, "3:c");
	held.close();
});
