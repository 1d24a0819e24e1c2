// The sample product's app: an actor that keeps notes, and a page over it.
//
// Both are in one process, and yet the page asks for the actor as any client would, through the
// engine that RIVET_ENDPOINT names. The page's other number comes from the second app's actor.
import { createServer } from "node:http";
import { createClient } from "rivetkit/client";
import { registry } from "./notebook.mjs";
import { contentSecurityPolicy, page } from "./page.mjs";

const title = process.env.NOTES_TITLE;
if (!title) {
  console.error("NOTES_TITLE is not set");
  process.exit(1);
}
const port = Number(process.env.PORT ?? 8080);
// A browser needs far less for the longest note.
const LONGEST_BODY = 16 * 1024;
// Longer than an actor takes to wake, shorter than a health check waits.
const HEALTH_TIMEOUT = 8000;

registry.start();
const client = createClient();
const notebook = client.notebook.getOrCreate(["main"]);
const visits = client.tally.getOrCreate(["visits"], { poolName: "tally" });

const routes = {
  "GET /": async (_request, response) => {
    const [notes, seen] = await Promise.all([notebook.list(), visits.count(1)]);
    response.setHeader("content-security-policy", contentSecurityPolicy);
    send(response, 200, "text/html", page(title, notes, seen));
  },
  "GET /notes": async (_request, response) => {
    send(response, 200, "application/json", JSON.stringify(await notebook.list()));
  },
  "POST /notes": async (request, response) => {
    const text = new URLSearchParams(await body(request)).get("text") ?? "";
    if (text.trim() === "" || text.length > 1000) {
      send(response, 400, "text/plain", "a note has between 1 and 1000 characters\n");
      return;
    }
    await notebook.add(text);
    response.writeHead(303, { location: "/" }).end();
  },
  // One connection to the actor for each reader: the engine carries its events.
  "GET /changes": async (request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": connected\n\n");
    const connection = notebook.connect();
    for (const name of ["added", "removed"]) {
      connection.on(name, (change) => response.write(`event: ${name}\ndata: ${JSON.stringify(change)}\n\n`));
    }
    request.on("close", () => connection.dispose());
  },
  "GET /healthz": async (_request, response) => {
    const late = new Promise((_, reject) => setTimeout(reject, HEALTH_TIMEOUT, new Error("no answer in time")));
    await Promise.race([notebook.ping(), late]);
    send(response, 200, "text/plain", "ok\n");
  },
};

function send(response, status, type, text) {
  response.writeHead(status, { "content-type": `${type}; charset=utf-8` }).end(text);
}

async function body(request) {
  let text = "";
  for await (const chunk of request) {
    text += chunk;
    if (text.length > LONGEST_BODY) throw new RangeError("the body is too long");
  }
  return text;
}

const server = createServer(async (request, response) => {
  const path = request.url.split("?", 1)[0];
  const route = routes[`${request.method} ${path}`];
  if (!route) {
    send(response, 404, "text/plain", "not found\n");
    return;
  }
  try {
    await route(request, response);
  } catch (error) {
    console.error(`${request.method} ${path}: ${error.message}`);
    if (!response.headersSent) send(response, 503, "text/plain", "the notes cannot be reached\n");
    else response.destroy();
  }
});
server.listen(port, () => console.log(`serving notes on port ${port}`));
// rivetkit ends the process when its actors have stopped.
for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, () => server.close());
