// The app under both engines. Its actors do next to nothing, so that what is measured is the way to them.
import { actor, event, setup } from "rivetkit";

const counter = actor({
	state: { count: 0 },
	events: { newCount: event() },
	actions: {
		noop: () => 1,
		get: (c) => c.state.count,
		increment: (c) => {
			c.state.count += 1;
			c.broadcast("newCount", c.state.count);
			return c.state.count;
		},
		save: async (c) => {
			c.state.count += 1;
			await c.saveState({ immediate: true });
			return c.state.count;
		},
		nap: (c) => c.sleep(),
	},
	onWebSocket: (_c, socket) => socket.addEventListener("message", (said) => socket.send(said.data)),
	onRequest: () => new Response("ok", { headers: { "content-type": "text/plain" } }),
	// Actors sleep when they are told to, and not in the middle of a measurement.
	options: { sleepTimeout: 3_600_000 },
});

await setup({ use: { counter }, noWelcome: true }).startAndWait();
process.send?.("ready");
