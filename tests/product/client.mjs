// A client of the sample product inside the perimeter, with nothing but the npm package rivetkit.
//   node client.mjs use KEY     calls actions, follows events, asks over plain HTTP; prints what it saw as JSON
//   node client.mjs read KEY    prints what is there, waiting for an engine that has just started
// RIVET_ENDPOINT names the engine, as for every client.
import { createClient } from "rivetkit/client";

const PATIENCE = 60_000;
const [what, key] = process.argv.slice(2);
const client = createClient();
const notebook = client.notebook.getOrCreate([key]);
const tally = client.tally.getOrCreate([key], { poolName: "tally" });

// The whole of what `read` prints, and the last part of what `use` prints.
const kept = async () => ({
  actor: await notebook.resolve(),
  notes: (await notebook.list()).map((note) => note.text),
  count: await tally.value(),
});

async function use() {
  const other = createClient().notebook.getOrCreate([key]).connect();
  const heard = new Promise((resolve) => other.on("added", (note) => resolve(note.text)));
  // The first answer on a connection comes after its subscriptions.
  await other.ping();
  const connection = notebook.connect();
  const overHttp = await notebook.add("over HTTP");
  const event = await heard;
  const overWebSocket = await connection.add("over WebSocket");
  const doomed = await notebook.add("to be removed");
  const plain = await notebook.fetch("/");
  const changed = tally.connect();
  const counted = new Promise((resolve) => changed.on("changed", resolve));
  await changed.value();
  const seen = {
    numbers: [overHttp.number, overWebSocket.number],
    event,
    plain: [plain.status, await plain.text()],
    removed: await notebook.remove(doomed.number),
    refused: await notebook.add("").then(() => "accepted", (error) => `${error.group}.${error.code}`),
    counts: [await tally.count(2), await tally.count(3)],
    changed: await counted,
    byId: await client.notebook.getForId(await notebook.resolve()).ping(),
  };
  await Promise.all([other, connection, changed].map((open) => open.dispose()));
  return { ...seen, kept: await kept() };
}

async function read() {
  const end = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await kept();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

const late = new Promise((_, reject) => setTimeout(reject, PATIENCE, new Error("no answer in time")));
console.log(JSON.stringify(await Promise.race([{ use, read }[what](), late])));
process.exit(0);
