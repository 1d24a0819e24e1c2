// The rows of the table. A goal bounds the ratio of our figure to upstream's, or our figure alone.

const ratioAtMost = (part) => ({ text: part >= 1 ? `≤ ${part}` : `≤ 1/${Math.round(1 / part)}`, meets: ({ ratio }) => ratio <= part });
const ratioAtLeast = (times) => ({ text: `≥ ${times}`, meets: ({ ratio }) => ratio >= times });
const oursAtMost = (limit, unit) => ({ text: `ours ≤ ${limit} ${unit}`, meets: ({ ours }) => ours <= limit });
const NO_MORE = ratioAtMost(1);
const NO_ERROR = oursAtMost(0, "errors");

/**
 * A figure of a section: the measurement that tells it, and under which name. `limited` names the row
 * that counts instead of this one where the app cannot do more.
 */
const row = (section, of, figure, label, unit, goal, limited) => ({ section, of, figure, label, unit, goal, limited });
const rate = (section, of, label, goal) => row(section, of, "rate", `${label}: per second`, "/s", goal, "cpu");
const cpu = (section, of, label, part) => row(section, of, "cpu", `${label}: engine CPU each`, "ms", ratioAtMost(part));

// A load of which all three figures are told.
const load = (section, of, label, { atLeast, part }) => [
	rate(section, of, label, atLeast && ratioAtLeast(atLeast)),
	row(section, of, "p50", `${label}: p50`, "ms"),
	cpu(section, of, label, part),
];

// With the app at its limit, the engine still has most of its core.
const share = (of, label) => row("http", of, "share", `${label}: engine's cores`, "", oursAtMost(0.25, "cores"));

export const ROWS = [
	row("boot", "binary", "mb", "binary", "MB", ratioAtMost(1 / 4)),
	row("boot", "boot", "fresh", "boot to healthy, fresh directory", "ms", ratioAtMost(1 / 3)),
	row("boot", "boot", "existing", "boot to healthy, existing directory", "ms", ratioAtMost(1 / 3)),
	row("boot", "boot", "disk", "disk after a fresh boot", "KiB", ratioAtMost(1.5)),

	row("idle", "alone", "resident", "resident memory, no app", "MiB", ratioAtMost(1 / 3)),
	row("idle", "withApp", "resident", "resident memory, one app", "MiB", ratioAtMost(1 / 3)),
	row("idle", "alone", "percent", "CPU idle, no app", "% core", NO_MORE),
	row("idle", "withApp", "percent", "CPU idle, one app", "% core", NO_MORE),

	rate("http", "health", "GET /health"),
	cpu("http", "health", "GET /health", 1 / 100),
	rate("http", "getActor", "GET /actors?actor_ids="),
	cpu("http", "getActor", "GET /actors?actor_ids=", 1 / 50),
	...[1, 16, 64].flatMap((width) => load("http", `raw${width}`, `raw HTTP, ${width} at once`, { atLeast: 5, part: 1 / 50 })),
	share("raw64", "raw HTTP, 64 at once"),
	...[1, 16, 64].flatMap((width) => load("http", `action${width}`, `action by id, ${width} at once`, { atLeast: 5, part: 1 / 50 })),
	share("action64", "action by id, 64 at once"),
	...[1, 16].flatMap((width) => load("http", `query${width}`, `action by query, ${width} at once`, { part: 1 / 50 })),
	row("http", "client", "p50", "client's action over HTTP: p50", "ms", ratioAtMost(1 / 5)),
	row("http", "client", "p99", "client's action over HTTP: p99", "ms", ratioAtMost(1 / 5)),

	row("sockets", "socket", "p50", "action on a WebSocket: round trip p50", "ms", ratioAtMost(1 / 10)),
	cpu("sockets", "socket", "action on a WebSocket", 1 / 30),
	rate("sockets", "socketFull", "64 in flight on one socket", ratioAtLeast(5)),
	cpu("sockets", "socketFull", "64 in flight on one socket", 1 / 30),
	rate("sockets", "sockets16", "16 sockets, one each at a time", ratioAtLeast(2)),
	row("sockets", "sockets16", "p50", "16 sockets, one each at a time: p50", "ms"),
	cpu("sockets", "sockets16", "16 sockets, one each at a time", 1 / 30),
	row("sockets", "events", "messages", "events to 16 sockets: per second", "/s", ratioAtLeast(5)),

	rate("writes", "save", "saveState immediate, 16 actors", ratioAtLeast(5)),
	cpu("writes", "save", "saveState immediate, 16 actors", 1 / 5),

	row("creation", "create1", "p50", "POST /actors, one by one: p50", "ms", ratioAtMost(1 / 20)),
	row("creation", "create1", "p99", "POST /actors, one by one: p99", "ms", ratioAtMost(1 / 20)),
	rate("creation", "create16", "POST /actors, 16 at once", ratioAtLeast(50)),
	row("creation", "create16", "errors", "POST /actors, 16 at once: errors", "", NO_ERROR),

	row("cold", "cold1", "p50", "cold getOrCreate + action: p50", "ms"),
	row("cold", "cold1", "p99", "cold getOrCreate + action: p99", "ms", ratioAtMost(1 / 5)),
	rate("cold", "cold16", "cold, 16 at once", ratioAtLeast(20)),
	row("cold", "cold16", "errors", "cold, 16 at once: errors", "", NO_ERROR),
	rate("cold", "cold64", "cold, 64 at once", ratioAtLeast(20)),
	row("cold", "cold64", "errors", "cold, 64 at once: errors", "", NO_ERROR),

	row("naps", "naps", "toSleep", "to sleep: p50", "ms"),
	row("naps", "naps", "wake", "wake to answer: p50", "ms", ratioAtMost(1 / 3)),

	row("crowd", "awake", "actors", "awake actors that came up, of 300", ""),
	row("crowd", "awake", "rate", "they came up, 16 at once: per second", "/s"),
	row("crowd", "awake", "each", "memory of an awake actor", "KiB", ratioAtMost(1 / 10)),
	row("crowd", "awake", "percent", "CPU idle with them awake", "% core", ratioAtMost(1 / 20)),
	row("crowd", "list", "by100", "listing them, pages of 100", "ms", ratioAtMost(1 / 10)),
	row("crowd", "list", "by1000", "listing them, pages of 1000", "ms", ratioAtMost(1 / 10)),
	row("crowd", "asleep", "actors", "of them asleep when told to", ""),
	row("crowd", "asleep", "each", "memory of a sleeping actor", "KiB", ratioAtMost(1 / 10)),
	row("crowd", "asleep", "percent", "CPU idle with them asleep", "% core", ratioAtMost(1 / 10)),
	row("crowd", "asleep", "disk", "disk with them asleep", "MiB", ratioAtMost(1 / 2)),
	row("crowd", "restart", "boot", "restart with them asleep: boot", "ms", ratioAtMost(1 / 3)),
	row("crowd", "restart", "resident", "restart with them asleep: memory", "MiB", ratioAtMost(1 / 3)),

	row("throng", "actors", "actors", "running actors that came up, of 1000", ""),
	row("throng", "actors", "each", "memory of a running actor", "KiB", ratioAtMost(1 / 10)),
	row("throng", "sockets", "sockets", "WebSockets open at once, of 10000", ""),
	row("throng", "sockets", "each", "memory of an open WebSocket", "KiB", oursAtMost(20, "KiB")),
	cpu("throng", "sockets", "opening a WebSocket", 1),
	row("throng", "sockets", "answered", "of 1000 of them, answer", ""),
	row("throng", "all", "resident", "memory with all of them", "MiB", NO_MORE),
	row("throng", "all", "percent", "CPU idle with all of them", "% core", NO_MORE),

	row("recovery", "killed", "boot", "killed: healthy again", "ms", oursAtMost(100, "ms")),
	row("recovery", "killed", "fresh", "killed: action answers, fresh app", "s", ratioAtMost(1.1)),
	row("recovery", "killed", "same", "killed: same app, all kills together", "s", ratioAtMost(1.1)),
	row("recovery", "killed", "lost", "killed: saved states that were lost", "", oursAtMost(0, "lost")),
];
