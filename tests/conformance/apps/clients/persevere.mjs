// Counts over a connection, and says each time that it could. Rivetkit's client does not come back from a
// connection that is refused, so a call that is not answered is followed by a new connection.
import { client, key, pause } from "./client.mjs";

const counter = client.counter.getOrCreate(key());
let connection = counter.connect();
for (;;) {
	const late = pause(3000).then(() => undefined);
	const count = connection.increment(1).catch(() => undefined);
	const counted = await Promise.race([count, late]);
	if (counted === undefined) {
		console.log("not now");
		connection.dispose().catch(() => {});
		connection = counter.connect();
	} else {
		console.log("counted", counted);
	}
	await pause(200);
}
