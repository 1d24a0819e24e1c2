// Makes load in a process of its own, so that the clients' work delays neither app nor measurement.
import * as requests from "./loads/requests.mjs";
import * as sockets from "./loads/sockets.mjs";
import * as throng from "./loads/throng.mjs";

const loads = { ...requests, ...sockets, ...throng };

process.on("message", async ({ load, options }) => {
	try {
		process.send({ told: (await loads[load](options)) ?? null });
	} catch (error) {
		process.send({ error: String(error.stack ?? error) });
	}
});
// Without its parent there is nobody to measure.
process.on("disconnect", () => process.exit());
process.send("ready");
