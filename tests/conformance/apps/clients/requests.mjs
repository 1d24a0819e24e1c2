// onRequest: plain HTTP to an actor, streams in both directions: `requests.mjs [ATTEMPTS]`, how often a large answer
// may be asked for until it is whole.
import { assert, client, endpoint, key, run, token } from "./client.mjs";

const attempts = Number(process.argv[2] ?? 1);

/** The length of a large answer. */
async function large(url, init, attempt = 1) {
	try {
		const answer = await fetch(url, init);
		return (await answer.arrayBuffer()).byteLength;
	} catch (error) {
		if (attempt === attempts) throw error;
		return large(url, init, attempt + 1);
	}
}

await run(async () => {
	const handle = client.counter.getOrCreate(key());
	const answer = await handle.fetch("api/things?x=1", {
		method: "POST",
		body: "four",
		headers: { "x-own": "yes" },
	});
	const seen = await answer.json();
	assert.equal(seen.method, "POST");
	assert.ok(seen.path.endsWith("/api/things?x=1"), seen.path);
	assert.equal(seen.length, 4);
	assert.equal(seen.own, "yes");

	const base = `${endpoint}/gateway/${await handle.resolve()}/request`;
	const headers = { "x-rivet-token": token };
	const stream = await fetch(`${base}/stream`, { headers });
	assert.equal(stream.headers.get("content-type"), "text/event-stream");
	assert.equal(await stream.text(), "data: 2\n\ndata: 1\n\ndata: 0\n\n");
	assert.equal(await large(`${base}/big?size=3000000`, { headers }), 3_000_000);
	const posted = await fetch(`${base}/post`, { method: "POST", headers, body: new Uint8Array(3_000_000) });
	assert.equal((await posted.json()).length, 3_000_000);
	const pieces = new ReadableStream({
		async start(controller) {
			for (let piece = 0; piece < 4; piece += 1) controller.enqueue(new Uint8Array(1000));
			controller.close();
		},
	});
	const streamed = await fetch(`${base}/post`, { method: "POST", headers, body: pieces, duplex: "half" });
	assert.equal((await streamed.json()).length, 4000);
});
