// Counts over one connection for as long as it lives, and says each time that it could.
import { client, key, pause } from "./client.mjs";

const connection = client.counter.getOrCreate(key()).connect();
for (;;) {
	// An action that was under way when its connection broke is never answered.
	const late = pause(5000).then(() => "not now");
	const count = connection.increment(1).then((count) => `counted ${count}`, (error) => error.message);
	console.log(await Promise.race([count, late]));
	await pause(200);
}
