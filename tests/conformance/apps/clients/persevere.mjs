// Counts over one connection for as long as it lives, and says each time that it could.
import { client, key, pause } from "./client.mjs";

const connection = client.counter.getOrCreate(key()).connect();
for (;;) {
	try {
		console.log("counted", await connection.increment(1));
	} catch (error) {
		console.log("not now:", error.message);
	}
	await pause(200);
}
